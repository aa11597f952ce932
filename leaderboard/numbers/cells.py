"""Cells: every number on the board has a name, and a hash that says what it was made of.

``<entry>:<metric>@<suite>`` names a number; behind ``#``, 12 hex digits of sha256 over its definition (the formula and
how its interval was drawn), its inputs (items, target, both samples files) and its value with its interval. Whoever
quotes a number with its hash can be told later whether anything in that list has changed. ::

    4eauwmhpomvr:gain@nano-1#0123456789ab
    4eauwmhpomvr:task/vision_count/delta@nano-1
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from urllib.parse import quote

from pydantic import BaseModel

from harness.errors import RetentionError
from harness.items import canonical_json
from harness.scoring import GroupScore, Metric, Scorecard, TargetScore, TaskScore, metric_of

# Entry, metric, suite and hash as they stand in any text; every repetition is bounded.
CELL = re.compile(
    r"(?<![A-Za-z0-9])(?P<entry>[a-z2-7]{12}):(?P<metric>[A-Za-z0-9._~%-]{1,300}(?:/[A-Za-z0-9._~%-]{1,300}){0,2})"
    r"@(?P<suite>[A-Za-z0-9][A-Za-z0-9._+/-]{0,191})(?:#(?P<hash>[0-9a-f]{12})(?![0-9a-f]))?",
    re.ASCII,
)


class CellError(RetentionError):
    """A cell id that names no number."""


def _numbers(part: type[BaseModel]) -> dict[str, Metric]:
    """The metrics of one part of a scorecard by field, in the order of its fields; words are no numbers, and of sampled
    answers there are none on a board."""
    found = {name: metric_of(part.__name__, name) for name in part.model_fields if name != "pass_at"}
    return {name: metric for name, metric in found.items() if metric is not None and metric.unit != "word"}


_OF_TARGET = _numbers(TargetScore)
# Numbers of the whole pair, of a capability group, and of a task, by the name of their field.
SUMMARY = _OF_TARGET | _numbers(Scorecard)
GROUP = _numbers(GroupScore)
TASK = _numbers(TaskScore)
# How the interval of a number is made, by the name of its field.
_OF_RATES = "95 %, posterior of the transition cells (Jeffreys), counts over the design effect"
_LINEAR = "95 %, linearised over clusters"
_DRAWN = {
    **dict.fromkeys(("retention_macro_ci", "retention_ratio_ci", "retention_ci", "ratio_ci"), _LINEAR),
    "gain_ci": f"{_OF_RATES}, combined over tasks",
    "transfer_gain_ci": f"{_OF_RATES}, combined over tasks",
    "balance_ci": "95 %, combined from the intervals of normalised gain and retention",
}


@dataclass(frozen=True)
class CellRef:
    """A cell id as somebody wrote it; ``hash`` is None where it was left out."""

    entry_id: str
    metric: str
    suite: str
    hash: str | None = None

    @property
    def id(self) -> str:
        return f"{self.entry_id}:{self.metric}@{self.suite}"


@dataclass(frozen=True)
class Cell:
    """One number of one entry. ``value`` is None where the number is not defined, and ``reason`` says why.

    ``inputs`` are the suite's digest, the target, the sha256 of both samples files and the part (task or group).
    """

    entry_id: str
    metric: str
    suite: str
    definition: Metric
    inputs: tuple[tuple[str, str], ...]
    drawn: str
    value: float | None
    interval: tuple[float, float] | None
    reason: str | None

    @property
    def id(self) -> str:
        return f"{self.entry_id}:{self.metric}@{self.suite}"

    @property
    def reference(self) -> str:
        """The id with the hash: what to quote."""
        return f"{self.id}#{self.hash}"

    @property
    def fragment(self) -> str:
        """The place of the number on its entry's page, for an address: the metric, which is safe there."""
        return self.metric

    @property
    def hash(self) -> str:
        """12 hex digits of sha256 over definition, inputs and value."""
        content = {
            "definition": {
                "formula": self.definition.formula,
                "interval": self.drawn if self.definition.interval else None,
            },
            "inputs": {"entry": self.entry_id, "suite": self.suite, "metric": self.metric, **dict(self.inputs)},
            "value": [self.value, *(self.interval or (None, None))],
        }
        return hashlib.sha256(canonical_json(content)).hexdigest()[:12]


def cells_of(entry_id: str, card: Scorecard) -> dict[str, Cell]:
    """Every number of an entry's scorecard by its metric: ``gain``, ``group/math/retention``, ``task/NAME/delta``."""
    return {cell.metric: cell for cell in _cells(entry_id, card)}


def summary_cells(entry_id: str, card: Scorecard) -> dict[str, Cell]:
    """The numbers of the whole pair by metric, without those of its tasks and groups."""
    # They come first; the others are not even made.
    return {cell.metric: cell for cell in takewhile(lambda cell: "/" not in cell.metric, _cells(entry_id, card))}


def headline(entry_id: str, card: Scorecard) -> dict[str, str]:
    """The hashes of the numbers of the whole pair, by metric: what the board's table shows."""
    return {metric: cell.hash for metric, cell in summary_cells(entry_id, card).items()}


def parse_cell(text: str) -> CellRef:
    """A cell id alone, with or without its hash; ``CellError`` says what one looks like."""
    match = CELL.fullmatch(text)
    if match is None:
        raise CellError(
            f"{text[:200]!r}: not a cell id; write <entry>:<metric>@<suite>, as in abcdefghijkl:gain@nano-1"
        )
    return CellRef(match["entry"], match["metric"], match["suite"], match["hash"])


def find_cell(ref: CellRef, card: Scorecard) -> Cell:
    """The number that ``ref`` names among those of its entry; ``CellError`` when the entry has none of that name."""
    cells = cells_of(ref.entry_id, card)
    if ref.metric not in cells:
        there = sorted(cells, key=lambda metric: (metric.count("/"), metric))
        raise CellError(f"{ref.id}: the entry has no number {ref.metric}; it has {', '.join(there[:12])}, ...")
    cell = cells[ref.metric]
    if cell.suite != ref.suite:
        raise CellError(f"{ref.id}: the entry answers suite {cell.suite}, not {ref.suite}")
    return cell


def _cells(entry_id: str, card: Scorecard) -> Iterator[Cell]:
    common = {
        "items": card.suite.digest,
        "target": card.target.family if card.target else "",
        "base": card.base.samples_sha256,
        "tuned": card.tuned.samples_sha256,
    }
    suite = f"{card.suite.name}-{card.suite.version}"

    @cache
    def inputs(part: str) -> tuple[tuple[str, str], ...]:
        return tuple(sorted((common | {"part": part}).items()))

    def cell(metric: str, definition: Metric, holder: object, name: str, part: str = "") -> Cell:
        value = getattr(holder, name)
        interval = getattr(holder, definition.interval) if definition.interval else None
        reason = getattr(holder, "reasons", {}).get(name)
        return Cell(
            entry_id=entry_id,
            metric=metric,
            suite=suite,
            definition=definition,
            inputs=inputs(part),
            drawn=drawn(definition.interval, card),
            value=None if value is None else float(value),
            interval=interval,
            reason=reason,
        )

    for name, definition in SUMMARY.items():
        if name in _OF_TARGET:
            if card.target is not None:
                yield cell(name, definition, card.target, name)
        elif name == "worst_group":
            worst = _Shown(card.worst_group.retention if card.worst_group else None, card.reasons.get(name))
            yield cell(name, definition, worst, "value", card.worst_group.group if card.worst_group else "")
        elif name == "alarms":
            yield cell(name, definition, _Shown(len(card.alarms), None), "value")
        else:
            yield cell(name, definition, card, name)
    for group, score in card.groups.items():
        prefix = f"group/{part_name(group)}"
        for name, definition in GROUP.items():
            yield cell(f"{prefix}/{name}", definition, score, name, group)
    for task, numbers in card.tasks.items():
        prefix = f"task/{part_name(task)}"
        for name, definition in TASK.items():
            yield cell(f"{prefix}/{name}", definition, numbers, name, task)


def drawn(interval: str | None, card: Scorecard) -> str:
    """How the interval in the field ``interval`` of a scorecard was made."""
    if interval == "graded_delta_ci":
        return f"paired bootstrap, {card.bootstrap.resamples} resamples, seed {card.bootstrap.seed}, 95 % percentile"
    return _DRAWN.get(interval or "", _OF_RATES)


@dataclass(frozen=True)
class _Shown:
    """A number that is no field of its own in the scorecard."""

    value: float | None
    why: str | None

    @property
    def reasons(self) -> dict[str, str]:
        return {} if self.why is None else {"value": self.why}


def part_name(name: str) -> str:
    """A task's or group's name as it stands in a metric: any character in the one, those of an address in the other."""
    return quote(name, safe="")
