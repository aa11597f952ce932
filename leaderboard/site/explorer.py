"""Explorer: what became of each item of an entry, task by task, with its question and both answers.

Every item is a square that leads to its question; it has the same place for every entry that answered the suite.
Answers are shown for a part of the items only, so that a page has a size that does not depend on the suite: forgotten
items first, then learned ones, and a few of those that did not change. Those shown are the first by item id, which is
a hash: as good as drawn by lot, and the same items for every entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup, escape

from harness.records import Outcome
from harness.scoring import FORGOTTEN, KEPT, LEARNED, NEVER, transition_names
from leaderboard.board import Row
from leaderboard.site.answers import Answers, base_answers, shortened, tuned_answers
from leaderboard.site.item_index import ItemIndex

KINDS = (FORGOTTEN, LEARNED, KEPT, NEVER)
# Items of one entry whose answers are shown, and the fewest of one task.
SHOWN = 108
LEAST_SHOWN = 8
_UNCHANGED = 2
# Squares in a row of a drawing of them, and the distance from one to the next.
COLUMNS, CELL = 50, 7
# A suite with more items than these has no link in each square, which would make a page too heavy: its tasks are links.
MOST_SQUARES = 10_000


@dataclass(frozen=True)
class Item:
    """One item with both answers as they are shown: (outcome, text) of the base and of the tuned model."""

    item_id: str
    kind: str
    base: tuple[str, str]
    tuned: tuple[str, str]


@dataclass(frozen=True)
class TaskItems:
    """All items of one task: how many of each kind, a square of each, and those whose answers are shown."""

    name: str
    counts: dict[str, int]
    squares: Markup
    shown: dict[str, tuple[Item, ...]]


_CLASSES = {kind: "" if kind == KEPT else f" class={kind[0]}" for kind in KINDS}


class Squares:
    """The squares of a suite's items as links from a folder below the site's root, one of each kind an item."""

    def __init__(self, index: ItemIndex, suite: str) -> None:
        self._index, self._suite = index, index.suites[suite]
        self._linked = len(self._suite.places) <= MOST_SQUARES
        self._made: dict[str, dict[str, dict[str, str]]] = {}

    def _of(self, task: str) -> dict[str, dict[str, str]]:
        """The square of each item of a task, by kind."""
        if task not in self._made:
            addresses = {each: escape(self._index.address(self._suite.name, each)) for each in self._suite.tasks[task]}
            # Unquoted, and without a class where most are: there is one an item.
            self._made[task] = {
                item_id: {kind: f"<a href=../{at}{_CLASSES[kind]}>{kind[0]}</a>" for kind in KINDS}
                for item_id, at in addresses.items()
            }
        return self._made[task]

    def drawn(self, task: str, item_ids: Sequence[str], kinds: Sequence[str]) -> Markup:
        """The squares of items of a task that are of these kinds; nothing where a suite has too many."""
        if not self._linked:
            return Markup()
        made = self._of(task)
        drawn = "".join([made[item_id][kind] for item_id, kind in zip(item_ids, kinds, strict=True)])
        return Markup(drawn)  # noqa: S704 - of links whose addresses are escaped above


def explore(row: Row, squares: Squares) -> tuple[TaskItems, ...]:
    """The items of an entry: the target's tasks first, then prior tasks by what they lost, then the others."""
    base, tuned, kinds = _paired(row)
    places = base.places
    share = max(SHOWN // max(len(places), 1), LEAST_SHOWN)
    return tuple(_task(name, places[name], kinds, share, base, tuned, squares) for name in _order(row, places))


def _paired(row: Row) -> tuple[Answers, Answers, list[str]]:
    base, tuned = base_answers(row.folders[0]), tuned_answers(row.folders[1], row.tuned.samples_sha256)
    if base.item_ids != tuned.item_ids:
        raise ValueError(f"{row.entry_id}: base and tuned answered different items")
    return base, tuned, [str(kind) for kind in transition_names(base.solved, tuned.solved)]


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
    base, tuned, kinds = _paired(row)
    places, queues = base.places, []
    for name in row.card.prior_tasks:
        at = [k for k in range(places[name].start, places[name].stop) if kinds[k] == FORGOTTEN]
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


def _order(row: Row, places: Mapping[str, slice]) -> list[str]:
    learned = row.card.learned
    first = [*learned.tasks, *row.card.prior_tasks, *learned.transfer_tasks, *row.card.target_adjacent]
    return [name for name in dict.fromkeys([*first, *places]) if name in places]


def _task(
    name: str, place: slice, kinds: Sequence[str], share: int, base: Answers, tuned: Answers, squares: Squares
) -> TaskItems:
    here = kinds[place]
    counts = {kind: here.count(kind) for kind in KINDS}
    shown: dict[str, tuple[Item, ...]] = {}
    for kind, room in shares(counts, share).items():
        at = [place.start + offset for offset, each in enumerate(here) if each == kind][:room]
        shown[kind] = tuple(
            Item(
                base.item_ids[k],
                kind,
                (base.outcomes[k], shortened(base.outputs[k])),
                (tuned.outcomes[k], shortened(tuned.outputs[k])),
            )
            for k in at
        )
    return TaskItems(name, counts, squares.drawn(name, base.item_ids[place], here), shown)


def shares(counts: Mapping[str, int], room: int) -> dict[str, int]:
    """How many items of each kind are shown where there is room for ``room``: changed ones before unchanged ones."""
    unchanged = {kind: min(counts[kind], _UNCHANGED) for kind in (KEPT, NEVER)}
    left = room - sum(unchanged.values())
    lost = min(counts[FORGOTTEN], max(left - counts[LEARNED], -(-2 * left // 3)))
    return {FORGOTTEN: lost, LEARNED: min(counts[LEARNED], left - lost), **unchanged}


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
