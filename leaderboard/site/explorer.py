"""Explorer: what became of each item of an entry, task by task, with both answers side by side.

Every item has its place in a mosaic, the same place for every entry that answered the suite. Answers are shown for a
part of the items only, so that a page has a size that does not depend on the suite: forgotten items first, then
learned ones, and a few of those that did not change. Those shown are the first by item id, which is a hash: as good as
drawn by lot, and the same items for every entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from harness.records import SAMPLES_FILE, Outcome
from harness.scoring import FORGOTTEN, KEPT, LEARNED, NEVER, Bools, transition_names
from leaderboard.board import Row
from leaderboard.documents import clean

KINDS = (FORGOTTEN, LEARNED, KEPT, NEVER)
# Items of one entry whose answers are shown, the fewest of one task, and the characters kept of an answer's two ends.
SHOWN = 240
LEAST_SHOWN = 12
_UNCHANGED = 2
_HEAD, _TAIL = 160, 120
# Squares in a row of the mosaic, and the distance from one to the next.
COLUMNS, CELL = 50, 7


@dataclass(frozen=True)
class Answers:
    """One run's answers, sorted by task and item id."""

    item_ids: tuple[str, ...]
    tasks: tuple[str, ...]
    outcomes: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def solved(self) -> Bools:
        return np.array([outcome == Outcome.CORRECT for outcome in self.outcomes], dtype=bool)


@dataclass(frozen=True)
class Item:
    """One item with both answers as they are shown: (outcome, text) of the base and of the tuned model."""

    item_id: str
    kind: str
    base: tuple[str, str]
    tuned: tuple[str, str]


@dataclass(frozen=True)
class TaskItems:
    """All items of one task: how many of each kind, where they lie in the mosaic, and those whose answers are shown.

    ``mosaic`` has the path of each kind's squares; ``height`` is the drawing's.
    """

    name: str
    counts: dict[str, int]
    mosaic: dict[str, str]
    height: int
    shown: dict[str, tuple[Item, ...]]


def read_answers(folder: Path) -> Answers:
    """The answers of a run that was scored before: its file is known to be whole."""
    shown = ["item_id", "task", "outcome", "output"]
    marked = "off_list" in pq.read_schema(folder / SAMPLES_FILE).names
    table = pq.read_table(folder / SAMPLES_FILE, columns=[*shown, *(["off_list"] if marked else [])])
    ids, tasks = table["item_id"].to_pylist(), table["task"].to_pylist()
    order = sorted(range(len(ids)), key=lambda at: (tasks[at], ids[at]))
    marks = table["off_list"].to_pylist() if marked else [False] * len(ids)
    outcomes = [
        f"{state}, off-list" if mark else state for state, mark in zip(table["outcome"].to_pylist(), marks, strict=True)
    ]
    outputs = table["output"].to_pylist()
    return Answers(
        tuple(ids[at] for at in order),
        tuple(tasks[at] for at in order),
        tuple(outcomes[at] for at in order),
        tuple(outputs[at] for at in order),
    )


# One base serves all entries of its tracks.
base_answers = lru_cache(maxsize=2)(read_answers)


def explore(row: Row) -> tuple[TaskItems, ...]:
    """The items of an entry: the target's tasks first, then prior tasks by what they lost, then the others."""
    base, tuned = base_answers(row.folders[0]), read_answers(row.folders[1])
    if base.item_ids != tuned.item_ids:
        raise ValueError(f"{row.entry_id}: base and tuned answered different items")
    kinds = [str(kind) for kind in transition_names(base.solved, tuned.solved)]
    places: dict[str, slice] = {}
    start = 0
    for name, group in groupby(base.tasks):
        places[name] = slice(start, start := start + len(list(group)))
    share = max(SHOWN // max(len(places), 1), LEAST_SHOWN)
    return tuple(_task(name, places[name], kinds, share, base, tuned) for name in _order(row, places))


def _order(row: Row, places: Mapping[str, slice]) -> list[str]:
    learned = row.card.learned
    first = [*learned.tasks, *row.card.prior_tasks, *learned.transfer_tasks, *row.card.target_adjacent]
    return [name for name in dict.fromkeys([*first, *places]) if name in places]


def _task(name: str, place: slice, kinds: Sequence[str], share: int, base: Answers, tuned: Answers) -> TaskItems:
    here = kinds[place]
    counts = {kind: here.count(kind) for kind in KINDS}
    shown: dict[str, tuple[Item, ...]] = {}
    for kind, room in shares(counts, share).items():
        at = [place.start + offset for offset, each in enumerate(here) if each == kind][:room]
        shown[kind] = tuple(
            Item(
                base.item_ids[k][:12],
                kind,
                (base.outcomes[k], shortened(base.outputs[k])),
                (tuned.outcomes[k], shortened(tuned.outputs[k])),
            )
            for k in at
        )
    return TaskItems(name, counts, mosaic(here), CELL * -(-len(here) // COLUMNS), shown)


def shares(counts: Mapping[str, int], room: int) -> dict[str, int]:
    """How many items of each kind are shown where there is room for ``room``: changed ones before unchanged ones."""
    unchanged = {kind: min(counts[kind], _UNCHANGED) for kind in (KEPT, NEVER)}
    left = room - sum(unchanged.values())
    lost = min(counts[FORGOTTEN], max(left - counts[LEARNED], -(-2 * left // 3)))
    return {FORGOTTEN: lost, LEARNED: min(counts[LEARNED], left - lost), **unchanged}


def shortened(text: str) -> str:
    """Both ends of an answer on one line: how it starts, and what it comes to."""
    # White space shrinks when it is cleaned, so that more than is kept has to be looked at.
    if len(text) > 4 * (_HEAD + _TAIL):
        text = f"{text[: 2 * _HEAD]}\0{text[-2 * _TAIL :]}"
        head, _, tail = text.partition("\0")
        return f"{clean(head, 2 * _HEAD)[:_HEAD].rstrip()} … {clean(tail, 2 * _TAIL)[-_TAIL:].lstrip()}"
    plain = clean(text, 4 * (_HEAD + _TAIL))
    if len(plain) <= _HEAD + _TAIL:
        return plain
    return f"{plain[:_HEAD].rstrip()} … {plain[-_TAIL:].lstrip()}"


def mosaic(kinds: Sequence[str]) -> dict[str, str]:
    """The path of each kind's squares: a line a run of alike squares, which a dash pattern cuts into squares.

    Dashes start anew with every line, so that squares stay in their places.
    """
    paths: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for line, start in enumerate(range(0, len(kinds), COLUMNS)):
        for kind, x, length in _runs(kinds[start : start + COLUMNS]):
            paths[kind].append(f"M{CELL * x} {CELL * line + 3}h{CELL * length - 1}")
    return {kind: "".join(path) for kind, path in paths.items()}


def _runs(kinds: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    x = 0
    for kind, group in groupby(kinds):
        length = len(list(group))
        yield kind, x, length
        x += length


@dataclass(frozen=True)
class Telling:
    """A forgotten item that shows what was lost: both answers as (outcome, text), shortened."""

    item_id: str
    task: str
    base: tuple[str, str]
    tuned: tuple[str, str]


def telling(row: Row, most: int = 3) -> tuple[Telling, ...]:
    """Forgotten items of the prior tasks that lost most, one a task before a second of any.

    Of a task those first whose answer can be read and is wrong: what cannot be read says only that.
    """
    base, tuned = base_answers(row.folders[0]), read_answers(row.folders[1])
    kinds = transition_names(base.solved, tuned.solved)
    queues = []
    for name in row.card.prior_tasks:
        at = [k for k, task in enumerate(base.tasks) if task == name and kinds[k] == FORGOTTEN]
        queues.append(sorted(at, key=lambda k: (tuned.outcomes[k] != Outcome.WRONG, len(tuned.outputs[k]), k))[:most])
    turns = [queue[turn] for turn in range(most) for queue in queues if turn < len(queue)]
    return tuple(
        Telling(
            base.item_ids[k],
            base.tasks[k],
            (base.outcomes[k], shortened(base.outputs[k])),
            (tuned.outcomes[k], shortened(tuned.outputs[k])),
        )
        for k in turns[:most]
    )
