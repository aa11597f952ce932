"""Compare: what the page that puts entries side by side shows, and what its script needs for any of them.

The script computes for the entries a reader chooses what :mod:`leaderboard.board.side_by_side` computes for those
that the page shows by itself: from a bit an item of every entry, and by the same formulas.
"""

from __future__ import annotations

import base64
import string
from dataclasses import dataclass
from math import ceil

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from harness.scoring import NODES, WEIGHTS, Difference, widening
from leaderboard.board import Row, Track
from leaderboard.board.recipes import Recipe, recipes
from leaderboard.board.side_by_side import MOST, SideBySide, first_shown, ordered_tasks, side_by_side
from leaderboard.numbers.formats import percent, points, points_ci, ratio_ci
from leaderboard.site.item_index import PART, SHORT_ID, ItemIndex

LETTERS = string.ascii_uppercase[:MOST]
SAME = "no difference shown"
# Links to items that the page has by itself; its script lists all of them.
LISTED = 12


@dataclass(frozen=True)
class Asked:
    """A task as the script needs it.

    ``start`` is where its items are among all of the track, ``ids`` have twelve digits each, ``texts`` is what each
    asks, by item id (empty where that may not be published, or is the same for all), ``pages`` the address of its
    first page of :data:`PART` items. ``clusters`` has the number of each item's cluster (empty where each stands
    alone), and ``wider`` what few clusters widen the interval by, squared: 0 where there is none.
    """

    start: int
    n: int
    ids: str
    texts: dict[str, str]
    pages: str
    clusters: str
    wider: float


@dataclass(frozen=True)
class Comparing:
    """A track's page of comparison.

    ``shown`` is the comparison the page starts with, None where the track has one entry. ``common`` and each of
    ``solved`` are bits, an item each, in base64: which items most entries solve, and where an entry is otherwise.
    ``apart`` has of every entry whether its gain, retention and balance differ from each other's, in that order, and
    from its own where it was compared. ``recipe`` is the name of every entry's recipe, and whether the entry is
    provisional; all by entry id.
    """

    shown: SideBySide | None
    tasks: dict[str, Asked]
    common: str
    solved: dict[str, str]
    apart: dict[str, str]
    recipe: dict[str, str]
    # Items on one page of questions.
    per_page: int = PART


def comparing(track: Track, index: ItemIndex) -> Comparing:
    """What the page of ``track`` holds."""
    first = first_shown(track)
    solved = np.array([row.solved for row in track.rows])
    # Entries differ from what most do on fewer items than they solve, and a page of few ones is a small one.
    common = solved.mean(axis=0) > 0.5
    apart = _apart(track)
    return Comparing(
        shown=side_by_side(track, first) if len(first) > 1 else None,
        tasks={name: _asked(track, name, index) for name in ordered_tasks(track)},
        common=_packed(common),
        solved={row.entry_id: _packed(right != common) for row, right in zip(track.rows, solved, strict=True)},
        apart={row.entry_id: _packed(bits) for row, bits in zip(track.rows, apart, strict=True)},
        recipe={row.entry_id: _recipe(recipe, row) for recipe in recipes(track) for row in recipe.rows},
    )


def _recipe(recipe: Recipe, row: Row) -> str:
    return f"{recipe.name} · provisional" if row.provisional else recipe.name


def nodes() -> Markup:
    """The nodes and weights by which an interval is computed, for the script."""
    return Markup(",".join(f"{at:.14g} {weight:.14g}" for at, weight in zip(NODES, WEIGHTS, strict=True)))  # noqa: S704


def _asked(track: Track, name: str, index: ItemIndex) -> Asked:
    asked, suite = track.questions, track.key.suite
    place = asked.tasks[name]
    n, units = place.stop - place.start, asked.units(name)
    alone = units == n
    texts = {each: index.short(suite, each) for each in asked.item_ids[place]}
    return Asked(
        start=place.start,
        n=n,
        ids=" ".join(each[:SHORT_ID] for each in asked.item_ids[place]),
        texts=texts if len(set(texts.values())) > 1 else {},
        pages=index.suites[suite].page(name, 1),
        clusters="" if alone else " ".join(map(str, asked.cluster[place].tolist())),
        wider=0.0 if units < 2 else 1.0 if alone else widening(units),
    )


def _packed(bits: NDArray[np.bool_]) -> Markup:
    # As it is: what others wrote is capped where it is shown.
    return Markup(base64.b64encode(np.packbits(bits).tobytes()).decode())  # noqa: S704 - base64 has nothing HTML reads


def _apart(track: Track) -> NDArray[np.bool_]:
    """Of each entry a bit for each entry and each of gain, retention and balance: whether they differ significantly.

    An entry differs from itself where it was compared with any.
    """
    ids = [row.entry_id for row in track.rows]
    compared = track.differences
    balance = compared.better | compared.better.T
    found = np.zeros((3, len(ids), len(ids)), dtype=bool)
    for at, (order, matrix) in enumerate(
        [(compared.tested, compared.apart.get("gain")), (compared.tested, compared.apart.get("retention")),
         (compared.order, balance)]
    ):  # fmt: skip
        places = [ids.index(name) for name in order]
        if matrix is not None and places:
            found[at][np.ix_(places, places)] = matrix
            found[at, places, places] = True
    return np.concatenate(list(found), axis=1)


def numbers(row: Row) -> list[str]:
    """Gain, retention and balance of an entry, each with its interval, as they are read."""
    card = row.card
    return [
        points(card.learned.gain), points_ci(card.learned.gain_ci),
        percent(card.retention_macro), ratio_ci(card.retention_macro_ci),
        percent(card.balance), ratio_ci(card.balance_ci),
    ]  # fmt: skip


def number_word(track: Track, axis: str, first: Row, other: Row) -> str:
    """Whether a number of two entries differs beyond chance, in words; ``axis`` is gain, retention or balance."""
    ids = first.entry_id, other.entry_id
    if axis == "balance":
        found = track.differences.told_apart(*ids)
    else:
        found = track.differences.differ("gain" if axis == "gain" else "retention", *ids)
    return "not tested" if found is None else "differs" if found else SAME


def task_word(difference: Difference) -> str:
    """Whether an entry solves more of a task than the first, in words."""
    return SAME if not difference.shown else "higher" if difference.delta > 0 else "lower"


def solvers(by: tuple[int, ...]) -> str:
    """Who solves a group of items: ``A, C``."""
    return ", ".join(LETTERS[at] for at in by)


def scale(side: SideBySide) -> int:
    """The end of the drawings of ``side``, in points: no interval reaches beyond it."""
    found = [each for task in side.tasks for each in task.differences]
    reach: float = max(abs(bound) for each in found for bound in (each.delta, *(each.interval or ())))
    return max(1, ceil(100 * reach))


def drawn(difference: Difference, end: int) -> str:
    """The path of a difference from -100 to 100, which stand for ``end`` points: its interval, a tick at its value."""
    low, high = difference.interval or (difference.delta, difference.delta)
    low, high, middle = (1e4 * value / end for value in (low, high, difference.delta))
    return f"M{low:.1f} 0H{high:.1f}M{middle:.1f}-5v10"
