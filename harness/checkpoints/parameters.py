"""Parameters: the tensors of a checkpoint's files against those of its model, by name and shape.

A library that finds no tensor for a parameter makes one up and says so in a log; whoever reads the answers never learns
of it. What is decided here is decided before an engine starts: which names a trainer's wrappers have changed, what is
beside the model and left out, and what is wrong. The model's own side, which needs a library that knows its class,
comes from the engines (:func:`harness.engines.check_weights`).
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.checkpoints.scan import CheckpointError

# Modules that wrap another one, and leave their name in those of its tensors.
_WRAPPERS = ("_orig_mod", "_forward_module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
_LEADING = (*_WRAPPERS, "module", "base_model.model", "pretrained_model", "model")
# What trainings put beside a language model: heads that give a value, a reward or a class. No answer depends on them.
_HEADS = re.compile(
    r"\A(base_model\.model\.)?(v_head|value_head|score|classifier|classification_head|reward_head|rm_head|critic_head|summary)\."
)
_UNMERGED = re.compile(r"\.(lora_[AB]|lora_embedding_[AB]|base_layer|modules_to_save|original_module)(\.|\Z)")
_TWICE = ".modules_to_save."
_SHOWN = 3

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Fit:
    """How tensors, under the names that they were tried with, fit a model; a list that is not empty is a fault.

    ``problem`` is what kept the model from being made at all. ``tied`` maps a parameter to the one that it shares.
    ``touched`` are the embeddings that an adapter changes, ``rows`` their number of tokens where it is another than the
    base's, and ``converted`` says that the tensors have other names than the library itself would give them.
    """

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    misshapen: tuple[str, ...] = ()
    problem: str | None = None
    tied: tuple[tuple[str, str], ...] = ()
    touched: tuple[str, ...] = ()
    rows: int | None = None
    converted: bool = False

    @property
    def whole(self) -> bool:
        return self.faults == 0

    @property
    def faults(self) -> float:
        """How many tensors are at fault; without limit, where there is no model to compare them with."""
        return math.inf if self.problem else len(self.missing) + len(self.unexpected) + len(self.misshapen)


@dataclass(frozen=True)
class WeightsReport:
    """What a checkpoint's tensors are to its model, and how they have to be loaded.

    ``stripped`` is what a wrapper had put into their names, ``renamed`` the names that change by it (from, to), and
    ``left_out`` the tensors beside the model, under the names of the file. ``contradictions`` are pairs of tensors that
    the configuration says are one, and that hold different values.
    """

    fit: Fit
    stripped: str | None = None
    renamed: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()
    contradictions: tuple[tuple[str, str], ...] = ()

    @property
    def whole(self) -> bool:
        return self.fit.whole and not self.contradictions

    @property
    def as_they_are(self) -> bool:
        """Whether libraries can be given the files themselves."""
        return not (self.renamed or self.left_out)

    @property
    def unties(self) -> bool:
        """Whether an adapter changes one of two embeddings that its base has in common."""
        return bool(self.fit.tied and self.fit.touched)

    @property
    def reshapes(self) -> bool:
        """Whether the merged model has other tensors than the base."""
        return self.unties or self.fit.rows is not None

    def summary(self) -> str:
        """What is not as it was written, in a few words; empty where everything is."""
        parts = [f"{self.stripped} is taken out of the names"] if self.stripped else []
        parts += [f"not loaded: {_some(self.left_out)}"] if self.left_out else []
        return "; ".join(parts)


def compare_tensors(shapes: Shapes, fits: Callable[[Shapes], Fit], *, adapter: bool) -> WeightsReport:
    """Compare the tensors of a checkpoint (name to shape) with its model: ``fits`` compares them under given names.

    Where they do not fit as they are, the names are tried without what wrappers put into them; the first names that
    fit are taken. Of what fits under none, those with the fewest faults are reported, the names of the file before
    others.
    """
    nearest: WeightsReport | None = None
    for stripped, names in _readings(list(shapes), adapter=adapter):
        report = _report(shapes, fits, stripped, names)
        if report.whole:
            return report
        if nearest is None or report.fit.faults < nearest.fit.faults:
            nearest = report
    if nearest is None:
        raise ValueError("no tensors to compare")
    return nearest


def _report(
    shapes: Shapes, fits: Callable[[Shapes], Fit], stripped: str | None, names: Mapping[str, str]
) -> WeightsReport:
    fit = fits({new: shapes[old] for old, new in names.items()})
    given = frozenset(names.values())
    beside = [old for old, new in names.items() if _is_beside(new, given)]
    if beside and any(_is_beside(name, given) for name in fit.unexpected):
        fit = fits({new: shapes[old] for old, new in names.items() if old not in beside})
    else:
        beside = []
    renamed = tuple((old, new) for old, new in names.items() if old != new and old not in beside)
    return WeightsReport(fit, stripped, renamed, tuple(beside))


def _is_beside(name: str, given: frozenset[str]) -> bool:
    """Whether a tensor is no part of the model: a head of another purpose, or what PEFT writes a second time where
    embeddings that are saved whole were resized."""
    return bool(_HEADS.match(name)) or (_TWICE in name and name.replace(_TWICE, ".") in given)


def _readings(names: Sequence[str], *, adapter: bool) -> Iterator[tuple[str | None, dict[str, str]]]:
    """The names as they are, and then without what wrappers may have put into them (what that is, old name to new)."""
    seen = {tuple(names)}
    yield None, dict(zip(names, names, strict=True))
    for change in _adapter_changes() if adapter else _changes():
        stripped: dict[str, None] = {}
        changed = [change(name, stripped) for name in names]
        if len(set(changed)) == len(names) and tuple(changed) not in seen:
            seen.add(tuple(changed))
            yield " ".join(stripped) or None, dict(zip(names, changed, strict=True))


_Change = Callable[[str, dict[str, None]], str]


def _changes() -> Iterator[_Change]:
    """Ways to read a name, each of which writes what it takes out into its second argument; the mildest first."""
    yield lambda name, found: _anywhere(name, _WRAPPERS, found)
    yield lambda name, found: _leading(_anywhere(name, _WRAPPERS, found), _LEADING[:-1], found)
    yield lambda name, found: _anywhere(_leading(name, _LEADING[:-1], found), (*_WRAPPERS, "module"), found)
    yield lambda name, found: _leading(_anywhere(name, _WRAPPERS, found), _LEADING, found, most=1)


def _adapter_changes() -> Iterator[_Change]:
    def unwrapped(name: str, found: dict[str, None]) -> str:
        return _anywhere(name, _WRAPPERS, found)

    def unnamed(name: str, found: dict[str, None]) -> str:
        return _anywhere(name, ("default",), found)

    def rooted(name: str, found: dict[str, None]) -> str:
        inner = _leading(name, ("module", "base_model.model", "base_model"), found)
        found.pop("base_model.model", None)
        return f"base_model.model.{inner}"

    yield unwrapped
    yield unnamed
    yield lambda name, found: unnamed(unwrapped(name, found), found)
    yield lambda name, found: rooted(unwrapped(name, found), found)
    yield lambda name, found: rooted(unnamed(unwrapped(name, found), found), found)
    yield lambda name, found: unnamed(_anywhere(rooted(name, found), (*_WRAPPERS, "module"), found), found)


def _anywhere(name: str, wrappers: Iterable[str], found: dict[str, None]) -> str:
    parts = name.split(".")
    kept = [part for part in parts if part not in wrappers]
    found.update((f"{part}.", None) for part in parts if part in wrappers)
    return ".".join(kept)


def _leading(name: str, prefixes: Sequence[str], found: dict[str, None], most: int = 8) -> str:
    for _ in range(most):
        prefix = next((each for each in prefixes if name.startswith(f"{each}.")), None)
        if prefix is None:
            return name
        found[f"{prefix}."] = None
        name = name[len(prefix) + 1 :]
    return name


def tied_tensors(report: WeightsReport, names: Iterable[str]) -> Iterator[tuple[str, str | None, str]]:
    """For each parameter that config.json ties: the file's tensor of it, and of the one that it shares, and the model's
    name of that one; nothing where the file has no tensor of its own for it, as it should."""
    renamed = dict(report.renamed)
    found = {_ending(renamed.get(name, name)): name for name in names if name not in report.left_out}
    for tied, source in report.fit.tied:
        if (mine := found.get(_ending(tied))) is not None:
            yield mine, found.get(_ending(source)), source


def _ending(name: str) -> str:
    """What stays of a parameter's name where libraries have moved its module."""
    return ".".join(name.split(".")[-2:])


def refuse_misfit(where: str, report: WeightsReport, *, adapter: bool) -> None:
    """Raise ``CheckpointError`` with the first few names and the way out, unless every tensor has its place."""
    fit = report.fit
    if report.whole:
        return
    for one, other in report.contradictions:
        raise CheckpointError(
            f"{where}: config.json says that {one} and {other} are one tensor (tie_word_embeddings), but the weights "
            "hold two different ones, of which engines use one or both; set tie_word_embeddings to false if they were "
            "trained apart, or remove the one that is stale"
        )
    owner = "its base" if adapter else "the model of config.json"
    if fit.problem is not None:
        raise CheckpointError(f"{where}: its tensors cannot be compared with {owner}: {fit.problem}")
    faults = [
        f"{len(names)} {what} ({_some(names)})"
        for names, what in (
            (fit.missing, "missing"),
            (fit.unexpected, "unknown to it"),
            (fit.misshapen, "of another shape"),
        )
        if names
    ]
    raise CheckpointError(
        f"{where}: its tensors are not those of {owner}: {', '.join(faults)}; {_way_out(fit, adapter)}"
    )


def _way_out(fit: Fit, adapter: bool) -> str:
    if adapter:
        return "evaluate it on the base that it was trained on, and save it with save_pretrained of PEFT"
    if any(_UNMERGED.search(name) for name in fit.unexpected):
        return "merge its adapter (model.merge_and_unload()) and save it again with save_pretrained"
    return "save the whole model with save_pretrained, unwrapped, and with the config.json that it was trained with"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(name if len(name) <= 120 else f"{name[:120]}.." for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
