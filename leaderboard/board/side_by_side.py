"""Side by side: two to four entries of a track, the first of which the others are compared with.

Every task is tested by itself on the items all of them answered (:mod:`harness.scoring.differences`), adjusted after
Holm over all tasks and all others together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.scoring import Difference, Measured, Role, task_differences
from leaderboard.board.board import Row, Track
from leaderboard.board.contest import Questions
from leaderboard.board.recipes import recipes

MOST = 4
_ROLES: tuple[Role, ...] = ("target", "transfer", "adjacent", "prior")


@dataclass(frozen=True)
class Parted:
    """Items that the same of the compared entries solve, and the rest of them do not; ``by`` are their places."""

    by: tuple[int, ...]
    items: tuple[str, ...]


@dataclass(frozen=True)
class TaskBeside:
    """One task: the share that each entry solves, in [0, 1], the difference of each but the first from the first, and
    the items on which they are not all alike."""

    name: str
    role: Role
    n: int
    solved: tuple[float, ...]
    differences: tuple[Difference, ...]
    parted: tuple[Parted, ...]

    @property
    def differing(self) -> int:
        """How many items not all of them solve or fail alike."""
        return sum(len(each.items) for each in self.parted)


@dataclass(frozen=True)
class SideBySide:
    """Entries in the order given, and their tasks: those of the target first."""

    rows: tuple[Row, ...]
    tasks: tuple[TaskBeside, ...]


def side_by_side(track: Track, rows: Sequence[Row]) -> SideBySide:
    """Compare ``rows``, two to four entries of ``track``, with the first of them."""
    if not 2 <= len(rows) <= MOST:
        raise ValueError(f"{len(rows)} entries: two to {MOST} can be compared")
    asked, names = track.questions, ordered_tasks(track)
    tests = [measured(asked, name, rows[0], other) for name in names for other in rows[1:]]
    found = task_differences(tests)
    others = len(rows) - 1
    return SideBySide(
        tuple(rows),
        tuple(
            TaskBeside(
                name=name,
                role=track.rows[0].card.tasks[name].role,
                n=asked.tasks[name].stop - asked.tasks[name].start,
                solved=tuple(float(row.solved[asked.tasks[name]].mean()) for row in rows),
                differences=found[at * others : (at + 1) * others],
                parted=_parted(asked, name, rows),
            )
            for at, name in enumerate(names)
        ),
    )


def ordered_tasks(track: Track) -> tuple[str, ...]:
    """The track's tasks: target, transfer, target-adjacent, prior, each in the order of their names."""
    tasks = track.rows[0].card.tasks
    return tuple(name for role in _ROLES for name in sorted(tasks) if tasks[name].role == role)


def first_shown(track: Track) -> tuple[Row, ...]:
    """The best entry of each of the first recipes, and further entries where there are fewer recipes than places."""
    best = [recipe.rows[0] for recipe in recipes(track)]
    return tuple({row.entry_id: row for row in (*best, *track.rows)}.values())[:MOST]


def measured(asked: Questions, task: str, first: Row, second: Row) -> Measured:
    """Two entries on one task, the first in the place of a base."""
    place = asked.tasks[task]
    clusters = asked.cluster[place] if asked.units(task) < place.stop - place.start else None
    return Measured(task, first.solved[place], second.solved[place], asked.guess_rate[place], clusters)


def _parted(asked: Questions, task: str, rows: Sequence[Row]) -> tuple[Parted, ...]:
    """Groups of items by who solves them, in the order of the entries."""
    place = asked.tasks[task]
    right = np.column_stack([row.solved[place] for row in rows])
    found: dict[tuple[int, ...], list[str]] = {}
    for item_id, each in zip(asked.item_ids[place], right, strict=True):
        if each.any() and not each.all():
            found.setdefault(tuple(np.flatnonzero(each).tolist()), []).append(item_id)
    return tuple(Parted(by, tuple(items)) for by, items in sorted(found.items()))
