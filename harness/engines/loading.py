"""Loading: does every tensor of a checkpoint have its place in its model, and every parameter its tensor?

Asked before any engine starts, of names and shapes alone: the headers of the files against a model without weights
(:mod:`harness.engines.skeleton`), which a sandbox makes, because configurations are untrusted. The answer is cached by
everything that decides it, so that it costs nothing the second time.
"""

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.checkpoints import (
    Checkpoint,
    Fit,
    Shapes,
    Tensor,
    WeightsReport,
    cached_answer,
    compare_tensors,
    quantisation,
    read_header,
    read_json,
    refuse_absurd,
    refuse_misfit,
    unpack,
)
from harness.items import canonical_json
from harness.sandbox import Failure, Limits, Sandbox

_VERSION = 1
_GIB = 1024**3


def check_weights(checkpoint: Checkpoint, base: Checkpoint | None = None) -> WeightsReport:
    """Compare the tensors of ``checkpoint`` with its model; an adapter's with ``base``, or the base that it has.

    The report says what is missing, unknown or of another shape. Raises ``CheckpointError`` where config.json states a
    model that its weights cannot be.
    """
    checkpoint = replace(checkpoint, base=base) if base else checkpoint
    tensors = [tensor for path in weight_files(checkpoint) for tensor in read_header(path)]
    with _Rehearsal(checkpoint, len(tensors)) as rehearsal:
        shapes = {each.name: each.shape for each in tensors}
        if checkpoint.base is not None:
            return compare_tensors(shapes, rehearsal.fit, adapter=True)
        config = read_json(checkpoint.path / "config.json")
        refuse_absurd(str(checkpoint.path), config, len(tensors))
        if (stated := quantisation(config)) is not None:
            return _compare_quantised(tensors, stated, rehearsal)
        return compare_tensors(shapes, rehearsal.fit, adapter=False)


def checked(checkpoint: Checkpoint) -> Checkpoint:
    """``checkpoint`` with how its weights are loaded, which its record states where it is not as they are.

    Raises ``CheckpointError``, which names tensors and the way out, unless each has its place. Without transformers,
    where only a server can answer, nothing is compared: what loads the weights is not known here.
    """
    if checkpoint.loading is not None or importlib.util.find_spec("transformers") is None:
        return checkpoint
    base = checked(checkpoint.base) if checkpoint.base else None
    report = check_weights(replace(checkpoint, base=base))
    refuse_misfit(str(checkpoint.path), report, adapter=base is not None)
    stated: dict[str, Any] = {"stripped": report.stripped, "left_out": report.left_out}
    record = checkpoint.record.model_copy(update=stated | ({"base": base.record} if base else {}))
    return replace(checkpoint, record=record, base=base, loading=report)


def weight_files(checkpoint: Checkpoint) -> list[Path]:
    """The files of the weights."""
    return [checkpoint.path / name for name in sorted(checkpoint.record.files) if name.endswith(".safetensors")]


def _compare_quantised(
    tensors: Sequence[Tensor], stated: Mapping[str, Any], rehearsal: "_Rehearsal"
) -> WeightsReport:
    unpacked = unpack(tensors, stated)
    unknown = [name for name, shape in unpacked.shapes.items() if shape is None]
    shapes = unpacked.resolved(rehearsal.parameters() if unknown else {})
    report = compare_tensors(shapes, rehearsal.fit, adapter=False)
    return replace(report, fit=replace(report.fit, missing=(*report.fit.missing, *unpacked.missing)))


class _Rehearsal:
    """Asks the sandbox how tensors fit the model of a checkpoint. The sandbox is started for the first answer that the
    cache lacks, and has memory and time by the number of tensors."""

    def __init__(self, checkpoint: Checkpoint, n_tensors: int) -> None:
        root = checkpoint.base or checkpoint
        self._folders = [str(root.path), *([str(checkpoint.path)] if checkpoint.base else [])]
        self._adapter = checkpoint.base is not None
        configs = (root.record.files.get("config.json"), checkpoint.record.files.get("adapter_config.json"))
        self._decisive = [_VERSION, *configs, *map(_version, ("transformers", "peft", "torch"))]
        seconds = 60 + n_tensors // 500
        limits = Limits(
            memory=2 * _GIB + 65_536 * n_tensors,
            cpu_seconds=seconds,
            wall_seconds=4.0 * seconds,
            answer_bytes=32 * 1024 * 1024,
        )
        self._sandbox = Sandbox("harness.engines.skeleton", ["fit_full", "fit_adapter", "parameters"], limits)

    def fit(self, shapes: Shapes) -> Fit:
        """How tensors of these names and shapes fit the model."""
        function = "fit_adapter" if self._adapter else "fit_full"
        answer = self._ask(function, {name: list(each) for name, each in shapes.items()})
        return Fit(**{name: _frozen(value) for name, value in answer.items()})

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """The tensors of the model by its library's names; none where it cannot be made."""
        answer = self._ask("parameters")
        return {name: tuple(each) for name, each in answer.items()} if "problem" not in answer else {}

    def _ask(self, function: str, *arguments: Any) -> dict[str, Any]:
        key = hashlib.sha256(canonical_json([function, *self._decisive, *arguments])).hexdigest()
        return cached_answer(key, lambda: self._answer(function, *arguments))

    def _answer(self, function: str, *arguments: Any) -> dict[str, Any]:
        answer = self._sandbox.call(function, *self._folders, *arguments)
        return {"problem": answer.message} if isinstance(answer, Failure) else dict(answer)

    def __enter__(self) -> "_Rehearsal":
        return self

    def __exit__(self, *_: object) -> None:
        self._sandbox.close()


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
