"""Loading: does every tensor of a checkpoint have its place in its model, and every parameter its tensor?

Asked before any engine starts, of names and shapes alone: the headers of the files against a model without weights
(:mod:`harness.engines.skeleton`), which a sandbox makes, because configurations are untrusted. The answer is cached by
everything that decides it, so that it costs nothing the second time.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
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
    refuse_misfit,
    same_tensors,
    tied_tensors,
    unpack,
)
from harness.items import canonical_json
from harness.sandbox import Failure, Limits, Sandbox

_VERSION = 1
_GIB = 1024**3
_NOT_DECISIVE = frozenset({"_name_or_path", "transformers_version", "use_cache", "dtype", "torch_dtype"})
_TOO_MUCH = "it takes more than a model of such weights; restore the configuration that they were trained with"
_SANDBOXES: dict[int, Sandbox] = {}


def check_weights(checkpoint: Checkpoint, base: Checkpoint | None = None) -> WeightsReport:
    """Compare the tensors of ``checkpoint`` with its model; an adapter's with ``base``, or the base that it has.

    The report says what is missing, unknown or of another shape.
    """
    checkpoint = replace(checkpoint, base=base) if base else checkpoint
    tensors = [tensor for path in checkpoint.weights for tensor in read_header(path)]
    shapes = {each.name: each.shape for each in tensors}
    rehearsal = _Rehearsal(checkpoint, len(tensors))
    if checkpoint.base is not None:
        return compare_tensors(shapes, rehearsal.fit, adapter=True)
    if (stated := quantisation(read_json(checkpoint.path / "config.json"))) is not None:
        return _compare_quantised(tensors, stated, rehearsal)
    return _with_ties(checkpoint, compare_tensors(shapes, rehearsal.fit, adapter=False), shapes)


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


def parameter_shapes(checkpoint: Checkpoint) -> dict[str, tuple[int, ...]]:
    """The tensors of the model of ``checkpoint`` by the names that transformers gives them; none where it cannot be
    made without its weights."""
    return _Rehearsal(checkpoint, len(checkpoint.weights)).parameters()


def _with_ties(checkpoint: Checkpoint, report: WeightsReport, names: Iterable[str]) -> WeightsReport:
    """The report with what config.json says is one tensor: where the files have two they must be equal, and where they
    have only the one that is tied to the other, engines are given it under the other's name."""
    if not report.whole:
        return report
    for mine, shared, source in tied_tensors(report, names):
        if shared is None:
            report = replace(report, renamed=(*(each for each in report.renamed if each[0] != mine), (mine, source)))
        elif not _equal(checkpoint, mine, shared):
            report = replace(report, contradictions=(*report.contradictions, (mine, shared)))
    return report


def _equal(checkpoint: Checkpoint, one: str, other: str) -> bool:
    files = {name: digest for name, digest in checkpoint.record.files.items() if name.endswith(".safetensors")}
    key = hashlib.sha256(canonical_json(["equal", files, one, other])).hexdigest()
    return bool(cached_answer(key, lambda: {"equal": same_tensors(checkpoint.weights, one, other)})["equal"])


def _compare_quantised(tensors: Sequence[Tensor], stated: Mapping[str, Any], rehearsal: "_Rehearsal") -> WeightsReport:
    unpacked = unpack(tensors, stated)
    unknown = [name for name, shape in unpacked.shapes.items() if shape is None]
    shapes = unpacked.resolved(rehearsal.parameters() if unknown else {})
    report = compare_tensors(shapes, rehearsal.fit, adapter=False)
    return replace(report, fit=replace(report.fit, missing=(*report.fit.missing, *unpacked.missing)))


def end_rehearsals() -> None:
    """End the sandboxes, whose memory is better an engine's; a later comparison starts new ones."""
    for sandbox in _SANDBOXES.values():
        sandbox.close()


class _Rehearsal:
    """Asks a sandbox how tensors fit the model of a checkpoint, unless the cache knows."""

    def __init__(self, checkpoint: Checkpoint, n_tensors: int) -> None:
        root = checkpoint.base or checkpoint
        self._folders = [str(root.staged), *([str(checkpoint.staged)] if checkpoint.base else [])]
        self._adapter = checkpoint.base is not None
        adapter = checkpoint.record.files["adapter_config.json"] if self._adapter else None
        self._decisive = [_VERSION, _stated(root), adapter, *map(_version, ("transformers", "peft", "torch"))]
        self._sandbox = _sandbox(n_tensors)

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
        if not isinstance(answer, Failure):
            return dict(answer)
        # An error of the library says what it misses; a limit that is hit says nothing of its cause.
        return {"problem": answer.message if answer.kind == "error" else f"{answer.message}; {_TOO_MUCH}"}


def _sandbox(n_tensors: int) -> Sandbox:
    """One for all checkpoints of a size, since importing the libraries costs seconds; limits grow with the tensors."""
    thousands = 1 << (n_tensors // 1_000).bit_length()
    if thousands not in _SANDBOXES:
        limits = Limits(
            memory=2 * _GIB + thousands * 64 * 1024 * 1024,
            cpu_seconds=60 + 2 * thousands,
            wall_seconds=240.0 + 8 * thousands,
            answer_bytes=32 * 1024 * 1024,
        )
        functions = ["fit_full", "fit_adapter", "parameters"]
        _SANDBOXES[thousands] = Sandbox("harness.engines.skeleton", functions, limits)
    return _SANDBOXES[thousands]


def _stated(root: Checkpoint) -> dict[str, Any]:
    """What config.json states of a model, without what says only where it is from.

    Some models have a limit of Infinity there, which canonical JSON has no number for: it is given as text.
    """
    config = json.loads(json.dumps(read_json(root.path / "config.json")), parse_constant=str)
    return {name: value for name, value in config.items() if name not in _NOT_DECISIVE}


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
