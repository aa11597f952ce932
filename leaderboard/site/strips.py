"""Dot strips: what each seed of a recipe keeps, on one line.

A mark is a seed, drawn with its own interval; marks that would lie on each other stand in lanes. All strips of a track
share one axis, so that rows compare at a glance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leaderboard.board import Row
from leaderboard.board.recipes import Recipe
from leaderboard.site.charts import Axis, coordinate

WIDTH, HEIGHT = 320, 36
# More marks than these are a smear; the band holds them all.
MOST_MARKS = 24
_EDGE = 9.0
_LANES = (18.0, 7.0, 29.0)
# Marks nearer than this in one lane hide each other.
_APART = 11.0


@dataclass(frozen=True)
class Mark:
    """One seed: its entry, where it lies, the path of its interval (empty without one)."""

    row: Row
    x: str
    y: str
    interval: str


@dataclass(frozen=True)
class Strip:
    """The marks of one recipe and the paths across them, in the user units of a 320 x 36 drawing.

    ``band`` goes from the lowest to the highest seed, ``mean`` is a tick with the interval over seeds; both are empty
    below two seeds, the interval below three.
    """

    marks: tuple[Mark, ...]
    band: str
    mean: str
    interval: str


def axis(recipes: Iterable[Recipe]) -> Axis:
    """The axis of a track's strips: from nothing kept to all, and as far beyond as any seed lies.

    Intervals may reach over its ends; they are drawn to there.
    """
    kept = [
        row.card.retention_macro
        for recipe in recipes
        for row in recipe.rows
        if row.card.retention_macro is not None and math.isfinite(row.card.retention_macro)
    ]
    low = min(0.0, math.floor(min(kept, default=0.0) * 10 + 1e-9) / 10)
    high = max(1.0, math.ceil(max(kept, default=1.0) * 20 - 1e-9) / 20)
    return Axis(max(low, -1.0), min(high, 2.0), _EDGE, WIDTH - _EDGE, (0.0, 0.25, 0.5, 0.75, 1.0))


def strip(recipe: Recipe, axis: Axis) -> Strip:
    """The strip of ``recipe`` on ``axis``."""
    kept = [(row.card.retention_macro, row) for row in recipe.rows if row.card.retention_macro is not None]
    marks = _marks(kept[:MOST_MARKS], axis)
    if len(kept) < 2 or recipe.retention is None:
        return Strip(marks, "", "", "")
    found = [value for value, _ in kept]
    between = recipe.retention.interval
    return Strip(
        marks,
        f"M{axis.at(min(found))} 18H{axis.at(max(found))}",
        f"M{axis.at(recipe.retention.mean)} 2V34",
        _over_seeds(between, axis) if between else "",
    )


def _over_seeds(between: tuple[float, float], axis: Axis) -> str:
    """The interval over seeds, with a tick at each end, or the head of an arrow where it goes on beyond the axis."""
    path = f"M{axis.at(between[0])} 34H{axis.at(between[1])}"
    for end, inwards in ((between[0], 4), (between[1], -4)):
        x = float(axis.at(end))
        inner = coordinate(x + inwards)
        path += f"M{coordinate(x)} 31v5" if axis.holds(end) else f"M{inner} 31L{coordinate(x)} 34L{inner} 37"
    return path


def grid(axis: Axis) -> str:
    """The path of the vertical lines behind a strip."""
    return "".join(f"M{axis.at(tick)} 0V{HEIGHT}" for tick in axis.ticks)


def _marks(kept: Sequence[tuple[float, Row]], axis: Axis) -> tuple[Mark, ...]:
    last = dict.fromkeys(_LANES, -math.inf)
    marks = []
    for value, row in sorted(kept, key=lambda each: (each[0], each[1].entry_id)):
        x = float(axis.at(value))
        lane = next((lane for lane in _LANES if x - last[lane] >= _APART), min(_LANES, key=last.__getitem__))
        last[lane] = x
        between = row.card.retention_macro_ci
        interval = f"M{axis.at(between[0])} {coordinate(lane)}H{axis.at(between[1])}" if between else ""
        marks.append(Mark(row, coordinate(x), coordinate(lane), interval))
    return tuple(marks)
