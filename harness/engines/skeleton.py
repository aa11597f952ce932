"""Skeletons: a model without weights, made from its config.json, and a rehearsal of how its library would load tensors.

Runs in the sandbox of :mod:`harness.engines.loading`, on names and shapes alone. It is transformers' and PEFT's own
loading that is rehearsed, on the meta device, so that their renamings, fusions, ties and exceptions hold.
"""

# ruff: noqa: E402 - what libraries read when they are imported is set before
import logging
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

# Read when the libraries are imported. A worker has no threads, and nothing to ask a network; scikit-learn would be
# imported for a way to decode, and takes more than a second.
sys.modules["sklearn"] = None  # type: ignore[assignment]
os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DEACTIVATE_ASYNC_LOAD": "1", "TRANSFORMERS_VERBOSITY": "critical"}

from harness.engines.torchvision_ops import define_missing_ops

define_missing_ops()

import torch
import transformers

from harness.engines.merge import model_class

transformers.utils.logging.disable_progress_bar()
logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")

_MISMATCH = re.compile(r"size mismatch for (\S+?): .*?torch\.Size\((.*?)\).*?torch\.Size\((.*?)\)", re.DOTALL)


def fit_full(folder: str, shapes: dict[str, list[int]]) -> dict[str, Any]:
    """How tensors of these names and shapes fit the model of ``folder``, as fields of ``Fit``."""
    made = _skeleton(folder)
    model, info = type(made).from_pretrained(
        None,
        config=made.config,
        state_dict=_tensors(shapes),
        device_map={"": "meta"},
        output_loading_info=True,
        ignore_mismatched_sizes=True,
    )
    return {
        "missing": sorted(info["missing_keys"]),
        "unexpected": sorted(info["unexpected_keys"]),
        "misshapen": sorted(_misshapen(name, mine, theirs) for name, mine, theirs in info["mismatched_keys"]),
        "tied": sorted(model.all_tied_weights_keys.items()),
    }


def parameters(folder: str) -> dict[str, list[int]]:
    """The tensors of the model of ``folder``, under the names that its library gives them."""
    return {name: list(value.shape) for name, value in _skeleton(folder).state_dict().items()}


def fit_adapter(base: str, folder: str, shapes: dict[str, list[int]]) -> dict[str, Any]:
    """How the tensors of the adapter in ``folder`` fit the model of ``base``, as fields of ``Fit``."""
    from peft import PeftConfig, PeftModel
    from peft.utils.save_and_load import get_peft_model_state_dict, set_peft_model_state_dict

    model = _skeleton(base)
    tied = sorted(model.all_tied_weights_keys.items())
    touched = _touched(model, shapes)
    rows = resized(model, shapes)
    config = PeftConfig.from_pretrained(folder)
    config.inference_mode = True
    if hasattr(config, "init_lora_weights"):
        config.init_lora_weights = False  # Some start from the base's weights, which are not there.
    wrapped = PeftModel(model, config, "default", low_cpu_mem_usage=True)
    own = set(get_peft_model_state_dict(wrapped, save_embedding_layers=False))
    fit: dict[str, Any] = {"tied": tied, "touched": touched, "rows": rows, "converted": bool(own ^ shapes.keys())}
    try:
        found = set_peft_model_state_dict(wrapped, _tensors(shapes), "default", low_cpu_mem_usage=True)
    except KeyError as error:  # A module that is stated as saved whole.
        return fit | {"missing": [str(error.args[0])]}
    except RuntimeError as error:
        misshapen = [_misshapen(name, mine, theirs) for name, mine, theirs in _MISMATCH.findall(str(error))]
        if not misshapen:
            raise
        return fit | {"misshapen": sorted(misshapen)}
    prefix = wrapped.base_model.prefix
    missing = [_saved(name) for name in found.missing_keys if prefix in name and ".default" in name]
    return fit | {"missing": sorted(missing), "unexpected": sorted(map(_saved, found.unexpected_keys))}


def resized(model: Any, shapes: Any) -> int | None:
    """Give ``model`` the number of tokens that an adapter's tensors have, if it is another; None if it is not.

    A tokenizer with added tokens is trained with embeddings of more rows, which the adapter holds whole.
    """
    embedding = model.get_input_embeddings()
    rows = {_rows(name, list(shape), _leaves(model)) for name, shape in shapes.items()} - {None}
    if len(rows) != 1 or rows == {embedding.weight.shape[0]}:
        return None
    (found,) = rows
    model.resize_token_embeddings(found, mean_resizing=False)
    return found


def _rows(name: str, shape: list[int], leaves: dict[str, str]) -> int | None:
    """The number of tokens of an embedding, by one tensor of an adapter on it."""
    parts = name.split(".")
    if not any(leaf in parts for leaf in leaves.values()):
        return None
    if parts[-1] == "lora_embedding_A" or parts[-2:-1] == ["lora_embedding_A"]:
        return shape[1]
    whole = parts[-1] == "weight" and not any(part.startswith(("lora_", "oft_", "boft_", "hada_")) for part in parts)
    if whole or (leaves["out"] in parts and "lora_B" in parts):
        return shape[0]
    return None


def _leaves(model: Any) -> dict[str, str]:
    """The last part of the names of the input and the output embedding."""
    wanted = {"in": model.get_input_embeddings(), "out": model.get_output_embeddings()}
    names = {side: name for side, found in wanted.items() for name, each in model.named_modules() if each is found}
    return {side: name.rpartition(".")[2] for side, name in names.items()} | ({} if "out" in names else {"out": ""})


def _touched(model: Any, shapes: dict[str, list[int]]) -> list[str]:
    leaves = {leaf for leaf in _leaves(model).values() if leaf}
    return sorted({part for name in shapes for part in name.split(".") if part in leaves})


def _skeleton(folder: str) -> Any:
    """The model of ``folder`` on the meta device."""
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    for each in (config, *(getattr(config, name, None) for name in config.sub_configs)):
        if hasattr(each, "quantization_config"):
            del each.quantization_config  # Tensors are compared as they were before they were quantised.
    auto = model_class(Path(folder))
    if type(config) not in auto._model_mapping:
        raise ValueError(
            f"transformers {transformers.__version__} generates no text with model_type {config.model_type}"
        )
    with torch.device("meta"):
        return auto.from_config(config)


def _tensors(shapes: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    return {name: torch.empty(shape, dtype=torch.bfloat16, device="meta") for name, shape in shapes.items()}


def _misshapen(name: str, mine: Any, theirs: Any) -> str:
    first, second = (
        each.strip("[]") if isinstance(each, str) else ", ".join(map(str, each)) for each in (mine, theirs)
    )
    return f"{_saved(name)}: ({first}) instead of ({second})"


def _saved(name: str) -> str:
    """A name of PEFT's as its files have it: without that of the adapter."""
    return name.replace(".default", "")
