"""In memory: a model in training as a checkpoint that can be evaluated: what it is, and whether its base is the one
that was named."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.checkpoints import Checkpoint, checkpoint_in_memory, quantisation, read_json
from harness.engines import parameter_shapes
from harness.errors import RetentionError
from harness.temporary import lasting_folder

# What PEFT puts into the names of a model's tensors, and the tensors that it adds.
_WRAPPING = re.compile(r"\.(base_layer|original_module)(?=\.)")
_OWN = re.compile(r"\.(lora_\w+|modules_to_save|ia3_\w+|hada_\w+|lokr_\w+|oft_\w+|vera_\w+|boft_\w+)\b")
_DTYPES = ("float32", "bfloat16", "float16")
_SAVED = "evaluate its saved checkpoints: engine='vllm' here, or `retention evaluate BASE checkpoint-*` afterwards"


class ModelInTraining:
    """``model`` as its trainer holds it, full or with adapters of PEFT; ``processing_class`` is its tokenizer or
    processor, if the trainer has one.

    Raises ``RetentionError`` for a model that cannot answer as it is, or was not made from ``base``.
    """

    def __init__(self, model: Any, processing_class: Any, base: Checkpoint) -> None:
        self._base = base
        self._adapted = hasattr(model, "get_base_model")
        if self._adapted and any(each.is_prompt_learning for each in model.peft_config.values()):
            raise RetentionError(
                f"the adapter in training is a learned prompt, which is not evaluated in memory; {_SAVED}"
            )
        self.model = model.get_base_model() if self._adapted else model
        self._adapters = model.peft_config if self._adapted else {}
        self._refuse_other_precision()
        self._refuse_other_base()
        self._folder = _saved_beside_weights(self.model, processing_class)

    def before(self) -> Checkpoint:
        """What is known of the model before it is trained; its weights have no digest yet."""
        return self._checkpoint("model in training", "0" * 64)

    def checkpoint(self, name: str) -> Checkpoint:
        """The model with its weights as they are now, called ``name``."""
        return self._checkpoint(name, self._digest())

    def _checkpoint(self, name: str, digest: str) -> Checkpoint:
        kind = type(self.model).__name__
        return checkpoint_in_memory(name, self._folder, digest, kind, self._base, adapter=self._adapted)

    def _digest(self) -> str:
        """sha256 (hex) of the tensors: of all, or of those that are trained on top of a base that is known."""
        found = hashlib.sha256()
        if self._adapted:
            stated = {name: each.to_dict() for name, each in self._adapters.items()}
            known = [self._base.record.weights_digest, stated]
            found.update(json.dumps(known, sort_keys=True, default=_plain).encode())
        for name, value in self._tensors():
            found.update(f"\n{name} {value.dtype} {list(value.shape)}\n".encode())
            found.update(_bytes_of(value))
        return found.hexdigest()

    def _tensors(self) -> Iterator[tuple[str, Any]]:
        every = self.model.named_parameters() if self._adapted else self.model.state_dict().items()
        return ((name, value) for name, value in every if not self._adapted or value.requires_grad)

    def _refuse_other_precision(self) -> None:
        dtype = str(self.model.dtype).removeprefix("torch.")
        if dtype not in _DTYPES:
            raise RetentionError(f"the model in training is of dtype {dtype}, in which no base is evaluated; {_SAVED}")
        packed = getattr(self.model, "is_quantized", False)
        if packed and quantisation(read_json(self._base.path / "config.json")) is None:
            raise RetentionError(
                f"the model in training is quantised and {self._base.record.name} is not, so that what rounding its "
                f"weights lost would count as forgetting; {_SAVED}"
            )

    def _refuse_other_base(self) -> None:
        """By the model's class and the shapes of its tensors; a vocabulary with more tokens is a fine-tune's right."""
        record, kind = self._base.record, type(self.model).__name__
        if kind != record.architecture:
            raise self._other_base(f"is a {record.architecture}, the model in training a {kind}")
        mine = {_WRAPPING.sub("", name): tuple(value.shape) for name, value in self.model.state_dict().items()
                if not _OWN.search(name)}  # fmt: skip
        if getattr(self.model, "is_quantized", False):
            return  # Its tensors are packed.
        for name, shape in parameter_shapes(self._base).items():
            if (found := mine.get(name)) != shape and not _has_more_rows(found, shape):
                theirs = "has none" if found is None else f"has one of {list(found)}"
                raise self._other_base(f"has a tensor {name} of {list(shape)}, the model in training {theirs}")

    def _other_base(self, why: str) -> RetentionError:
        return RetentionError(
            f"base {self._base.record.name}: {why}; name the checkpoint that the training started from"
        )


def _has_more_rows(found: tuple[int, ...] | None, shape: tuple[int, ...]) -> bool:
    return found is not None and len(shape) > 0 and found[1:] == shape[1:] and found[0] >= shape[0]


def _plain(value: Any) -> Any:
    """Of what PEFT's configuration has beside plain values: sets, in an order of their own in each process."""
    return sorted(map(str, value)) if isinstance(value, set) else str(value)


def _bytes_of(value: Any) -> Any:
    import torch

    return memoryview(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())


def _saved_beside_weights(model: Any, processing_class: Any) -> Path:
    """A temporary folder with the files that a trainer saves beside the weights: they say where answers end, and which
    tokens there are."""
    folder = lasting_folder("training-")
    if hasattr(processing_class, "save_pretrained"):
        processing_class.save_pretrained(folder)
    (folder / "config.json").write_text(model.config.to_json_string(use_diff=False), encoding="utf-8")
    stated: Mapping[str, Any] = {"eos_token_id": getattr(model.generation_config, "eos_token_id", None)}
    (folder / "generation_config.json").write_text(json.dumps(stated), encoding="utf-8")
    return folder
