"""Merge an adapter into a copy of its base's weights: the fast way on a CPU, where adapter kernels are slow."""

import functools
import shutil
from pathlib import Path
from typing import Any

from harness.checkpoints import Checkpoint, Fit, WeightsReport, quantisation, read_json, write_renamed
from harness.engines.adapters import config_of, modules
from harness.engines.settings import EngineError
from harness.engines.torchvision_ops import define_missing_ops
from harness.temporary import lasting_folder


def model_class(folder: Path) -> Any:
    """The transformers class for a checkpoint: image-text-to-text when its config has a vision tower."""
    import transformers

    if "vision_config" in read_json(folder / "config.json"):
        return transformers.AutoModelForImageTextToText
    return transformers.AutoModelForCausalLM


def ready_folder(checkpoint: Checkpoint) -> Path:
    """Where libraries find the weights of ``checkpoint`` under the names of its model, and nothing but the files that
    its digest covers: a temporary folder that lasts as long as this process."""
    report = _report(checkpoint)
    return checkpoint.staged if report.as_they_are else _renamed(checkpoint.staged, report)


@functools.cache
def _renamed(folder: Path, report: WeightsReport) -> Path:
    target = lasting_folder("renamed-") / folder.name
    write_renamed(folder, target, report)
    return target


def load_merged(checkpoint: Checkpoint, dtype: str) -> Any:
    """Load a checkpoint with transformers; an adapter is merged into its base. Code from the folder is never run.

    Raises ``EngineError`` when a parameter has no tensor, or the adapter changes no weight (harness/README.md,
    invariant 6).
    """
    root = checkpoint.base or checkpoint
    model = _load(root, dtype)
    if checkpoint.base is None:
        return model
    from peft import PeftModel

    report = _report(checkpoint)
    if report.fit.rows is not None:
        model.resize_token_embeddings(report.fit.rows, mean_resizing=False)
    # A safe merge works on copies, so these stay as they were.
    before = {name: value.data for name, value in model.named_parameters(remove_duplicate=False)}
    wrapped = PeftModel.from_pretrained(model, ready_folder(checkpoint), local_files_only=True)
    if report.unties:
        _untie(model)
    merged = wrapped.merge_and_unload(safe_merge=True)
    if not _changed(before, merged):
        raise EngineError(_without_effect(checkpoint, set(before)))
    return merged


def _load(checkpoint: Checkpoint, dtype: str) -> Any:
    define_missing_ops()
    import torch

    model, info = model_class(checkpoint.path).from_pretrained(
        ready_folder(checkpoint),
        dtype=getattr(torch, dtype),
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    if info["missing_keys"] and quantisation(read_json(checkpoint.path / "config.json")) is None:
        missing = sorted(info["missing_keys"])
        raise EngineError(f"{checkpoint.record.name}: transformers found no tensor for {', '.join(missing[:3])}")
    return model


def _untie(model: Any) -> None:
    """Give each module its own copy of a parameter that it shares with another: an adapter may change one of them."""
    import torch

    seen: set[int] = set()
    for module in model.modules():
        for name, value in module.named_parameters(recurse=False):
            if id(value) in seen:
                setattr(module, name, torch.nn.Parameter(value.detach().clone(), requires_grad=False))
            seen.add(id(value))
    model.all_tied_weights_keys = {}
    for config in (model.config, *(getattr(model.config, name) for name in model.config.sub_configs)):
        if getattr(config, "tie_word_embeddings", False):
            config.tie_word_embeddings = False


def _changed(before: dict[str, Any], model: Any) -> bool:
    import torch

    after = dict(model.named_parameters(remove_duplicate=False))
    return any(name in before and not torch.equal(before[name], value) for name, value in after.items())


def make_saveable(model: Any) -> None:
    """Reset the model's settings of generation to its special tokens: transformers saves no model whose settings it
    calls invalid, such as a temperature beside greedy decoding, and none are used here."""
    import transformers

    stated = model.generation_config
    names = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
    model.generation_config = transformers.GenerationConfig(**{name: getattr(stated, name, None) for name in names})
    for name in model.config._get_generation_parameters():
        setattr(model.config, name, None)


def _without_effect(checkpoint: Checkpoint, parameters: set[str]) -> str:
    targets = config_of(checkpoint).get("target_modules")
    absent = [name for name in modules(checkpoint) if f"{name}.weight" not in parameters]
    why = f"the model has no {', '.join(absent[:8])}" if absent else "its weights are as they were before training"
    return f"{checkpoint.record.name}: the adapter changes no weight; its target modules are {targets}, and {why}"


def _report(checkpoint: Checkpoint) -> WeightsReport:
    return checkpoint.loading or WeightsReport(Fit())


def merged_folder(checkpoint: Checkpoint, dtype: str) -> Path:
    """Write the merged checkpoint to a temporary folder that an engine can load; the caller removes it."""
    if checkpoint.base is None:
        raise ValueError("only an adapter can be merged")
    folder = lasting_folder("merged-")
    model = load_merged(checkpoint, dtype)
    make_saveable(model)
    model.save_pretrained(folder)
    for path in checkpoint.base.staged.iterdir():
        if ".safetensors" not in path.name and not (folder / path.name).exists():
            shutil.copy(path, folder / path.name)
    return folder
