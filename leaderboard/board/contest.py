"""Contest: the entries of a track that are compared, the questions all of them answered, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.records import Outcome
from harness.scoring import Bools, Floats, Scorecard, cluster_labels

Front = Literal["on the front", "not distinguishable", "dominated"]
Axis = Literal["gain", "retention"]


@dataclass(frozen=True)
class Questions:
    """The items of a suite, sorted by task and item id, and which of them the base solved.

    ``tasks`` gives each task its slice; ``cluster`` numbers the clusters of each task from 0 (each item its own where
    there are none).
    """

    digest: str
    item_ids: tuple[str, ...]
    tasks: dict[str, slice]
    cluster: NDArray[np.int64]
    guess_rate: Floats
    solved: Bools

    @classmethod
    def of(cls, samples: pd.DataFrame, digest: str) -> Questions:
        """From the samples of a base run and the digest of its suite."""
        rows = samples.sort_values(["task", "item_id"], ignore_index=True)
        tasks: dict[str, slice] = {}
        cluster = np.zeros(len(rows), dtype=np.int64)
        for name, items in rows.groupby("task", sort=True):
            place = slice(int(items.index[0]), int(items.index[-1]) + 1)
            labels = cluster_labels(items)
            cluster[place] = np.arange(len(items)) if labels is None else labels
            tasks[str(name)] = place
        return cls(
            digest=digest,
            item_ids=tuple(rows["item_id"]),
            tasks=tasks,
            cluster=cluster,
            guess_rate=rows["guess_rate"].to_numpy(dtype=float),
            solved=solved(rows),
        )

    def units(self, task: str) -> int:
        """Number of independent units (clusters) of a task."""
        return int(self.cluster[self.tasks[task]].max()) + 1


def solved(rows: pd.DataFrame) -> Bools:
    """Where the outcome is correct."""
    right: Bools = (rows["outcome"] == Outcome.CORRECT).to_numpy(dtype=bool)
    return right


@dataclass(frozen=True)
class Contender:
    """One entry of a track: its scorecard, and which items it solved, in the order of the track's questions; ``base``
    are those that its base solved, where its base run is not that of the track's questions."""

    entry_id: str
    card: Scorecard
    solved: Bools
    base: Bools | None = None


@dataclass(frozen=True)
class Placing:
    """What the comparison says of one entry; without a rank, ``reason`` says why there is none.

    ``rank`` is [1 + number significantly better, M - number significantly worse] of M ranked entries; it holds for all
    entries at once. ``alone`` is the interval for whoever asks of this entry only: its M - 1 comparisons are adjusted
    among themselves, so that it is as narrow or narrower (Mogstad et al. 2024). Two entries share a letter of
    ``letters`` exactly if their balance does not differ significantly; there are no letters where a track would need
    more than 26. ``front`` is the Pareto status in (gain, retention); ``dominators`` is how many entries dominate this
    one, and ``dominated_by`` are those of them with the best balance, three at most.
    """

    rank: tuple[int, int] | None = None
    alone: tuple[int, int] | None = None
    letters: str = ""
    front: Front | None = None
    reason: str | None = None
    dominated_by: tuple[str, ...] = ()
    dominators: int = 0


@dataclass(frozen=True)
class Comparison:
    """What the entries of one track say against each other.

    ``order`` are the ids of the ranked entries by balance, best first; ``better[a, b]`` says whether a's balance is
    significantly higher than b's, in that order. ``apart`` holds the same of gain and of retention, whichever of two is
    the higher: [a, b] in the order of ``tested``, the ids of all entries that have a retention. Each of the three is
    adjusted after Holm over all its pairs. ``detectable`` is the smallest difference of balance that a typical
    pair of this table shows with 80 % power after the correction for all its pairs; None with fewer than two entries.
    """

    order: tuple[str, ...] = ()
    placings: dict[str, Placing] = field(default_factory=dict)
    better: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), dtype=bool), compare=False)
    pairs: int = 0
    detectable: float | None = None
    tested: tuple[str, ...] = ()
    apart: dict[Axis, NDArray[np.bool_]] = field(default_factory=dict, compare=False)

    @cached_property
    def place(self) -> dict[str, int]:
        """Row and column of each ranked entry in ``better``."""
        return {entry_id: at for at, entry_id in enumerate(self.order)}

    def told_apart(self, one: str, other: str) -> bool | None:
        """Whether the balance of two entries differs significantly; None where one of them is not ranked."""
        if one not in self.place or other not in self.place:
            return None
        a, b = self.place[one], self.place[other]
        return bool(self.better[a, b] or self.better[b, a])

    def differ(self, axis: Axis, one: str, other: str) -> bool | None:
        """Whether the gain or the retention of two entries differs significantly; None where that was not tested."""
        if axis not in self.apart or not {one, other} <= set(self.tested):
            return None
        return bool(self.apart[axis][self.tested.index(one), self.tested.index(other)])


@dataclass(frozen=True)
class Contest:
    """The entries of one track that take part in its ranking, with the questions all of them answered."""

    questions: Questions
    contenders: tuple[Contender, ...]


@dataclass(frozen=True)
class ForgottenItem:
    """An item that the base solved, and how many entries of a track do not solve any more."""

    item_id: str
    task: str
    forgotten_by: int


def forgotten_most(questions: Questions, contenders: Sequence[Contender], most: int = 50) -> tuple[ForgottenItem, ...]:
    """The items of a track that most entries forgot, each as its own base run solved them, most often first; equal ones
    in the order of their ids."""
    lost = np.zeros(len(questions.item_ids), dtype=np.int64)
    for one in contenders:
        lost += (questions.solved if one.base is None else one.base) & ~one.solved
    task_of = {at: name for name, place in questions.tasks.items() for at in range(place.start, place.stop)}
    order = sorted(map(int, np.flatnonzero(lost)), key=lambda at: (-int(lost[at]), questions.item_ids[at]))
    return tuple(ForgottenItem(questions.item_ids[at], task_of[at], int(lost[at])) for at in order[:most])
