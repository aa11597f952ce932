"""Rates: what was kept against the learning rate, a line a method, its seeds as marks; several tracks may share it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.board import Row, Track
from leaderboard.board.recipes import Recipe, but_learning_rate
from leaderboard.numbers import learning_rate
from leaderboard.site.charts import Axis, axis, coordinate
from leaderboard.site.labels import spread
from leaderboard.site.plots import short

WIDTH, HEIGHT = 340, 230
_LEFT, _TOP, _BOTTOM = 46.0, 30.0, 186.0
# The names stand right of the lines, which are as wide as the longest name leaves them room.
_GAP, _CHARACTERS, _CHARACTER, _LEADER, _LAST_NAME = 16.0, 20, 7.2, 14.0, 246.0
# Learning rates that are all written at the axis; of more, the decades are.
_MOST_RATES = 6
# Figures at the axis closer than this, in user units, lie on each other.
_NEAR = 34.0
_MOST_LINES, DASHES = 8, 3


@dataclass(frozen=True)
class Mark:
    """One seed at its learning rate."""

    row: Row
    x: str
    y: str


@dataclass(frozen=True)
class Line:
    """One method in one track: the path through the means at its learning rates, and its seeds.

    ``dash`` tells tracks apart, the colour of ``family`` method families.
    """

    track: Track
    recipes: tuple[Recipe, ...]
    family: str
    dash: int
    path: str
    marks: tuple[Mark, ...]
    text: str
    text_y: str
    leader: str


@dataclass(frozen=True)
class Rates:
    """Retention against learning rate (logarithmic), in the user units of a ``WIDTH`` x ``HEIGHT`` drawing.

    ``ticks`` are the learning rates written at the axis, with their places; ``right`` is where the axis ends,
    ``middle`` its middle, and ``text_x`` where names begin.
    """

    y: Axis
    ticks: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    right: str
    middle: str
    text_x: str

    @property
    def caption(self) -> str:
        """What is drawn, in a sentence or two."""
        one = len(self.lines) == 1
        tracks = " Dashes tell tracks apart." if len({line.dash for line in self.lines}) > 1 else ""
        line = "The line joins" if one else "Each line joins"
        return f"{line} the means of one method at several learning rates; marks are seeds.{tracks}"


def rates(boards: Sequence[tuple[Track, Sequence[Recipe]]]) -> Rates | None:
    """The chart of every method that has two learning rates or more, in each of the tracks given with their recipes;
    None without one. At most ``_MOST_LINES``, those of most learning rates first."""
    found = [(track, at % DASHES, line) for at, (track, recipes) in enumerate(boards) for line in _methods(recipes)]
    if not found:
        return None
    found = sorted(found, key=lambda each: -len(each[2]))[:_MOST_LINES]
    values = [value for _, _, line in found for recipe in line for value in _kept(recipe)]
    y = axis(values, _BOTTOM - 6, _TOP, include=(1.0,), ticks=5)
    there = sorted({_rate(recipe) for _, _, line in found for recipe in line})
    low, high = math.log10(there[0]), math.log10(there[-1])
    keys = {track.key.slug: track.key for track, _, _ in found}
    tracks, targets = len(keys), [key.target for key in keys.values()]
    alike = len({line[0].title for _, _, line in found}) == 1 and len(found) == tracks
    ends = [float(y.at(_mean(line[-1]))) for _, _, line in found]
    heights = spread(ends, _GAP, _TOP, _BOTTOM)
    names = []
    for track, _, recipes in found:
        title, target = recipes[0].title, track.key.target
        target = target if targets.count(target) == 1 else f"{target}, {track.key.suite}"
        names.append(short(title if tracks == 1 else target if alike else f"{title}, {target}", _CHARACTERS))
    text_x = min(WIDTH - _CHARACTER * max(map(len, names)), _LAST_NAME)
    right = text_x - _LEADER
    x = Axis(low, high, _LEFT + 16, right - 10, ())
    lines = []
    for (track, dash, recipes), name, end, height in zip(found, names, ends, heights, strict=True):
        dots = [(x.at(math.log10(_rate(recipe))), y.at(_mean(recipe)), recipe) for recipe in recipes]
        lines.append(
            Line(
                track=track,
                recipes=tuple(recipes),
                family=recipes[0].manifest.method.family,
                dash=dash,
                path="M" + "L".join(f"{left} {top}" for left, top, _ in dots),
                marks=tuple(
                    Mark(row, left, y.at(row.card.retention_macro or 0.0))
                    for left, _, recipe in dots
                    for row in recipe.rows
                ),
                text=name,
                text_y=coordinate(height + 4),
                leader=f"M{dots[-1][0]} {coordinate(end)}L{coordinate(text_x - 4)} {coordinate(height)}",
            )
        )
    places = map(coordinate, (right, (_LEFT + right) / 2, text_x))
    return Rates(y, _ticks(there, x), tuple(lines), *places)


def _methods(recipes: Sequence[Recipe]) -> list[list[Recipe]]:
    """Recipes that differ in learning rate alone, two at least, by rising learning rate."""
    found: dict[str, list[Recipe]] = {}
    for recipe in recipes:
        # A logarithmic axis has no place for 0, which a manifest may state.
        if recipe.retention is not None and recipe.manifest.method.learning_rate:
            found.setdefault(but_learning_rate(recipe), []).append(recipe)
    return [sorted(line, key=_rate) for line in found.values() if len(line) == len(set(map(_rate, line))) > 1]


def _ticks(there: Sequence[float], x: Axis) -> tuple[tuple[str, str], ...]:
    """The learning rates at the axis: all of a few, else powers of ten; none that would lie on the one before."""
    wanted = list(there)
    if len(wanted) > _MOST_RATES:
        decades = range(math.ceil(x.low - 1e-9), math.floor(x.high + 1e-9) + 1)
        wanted = [10.0**power for power in decades] or [there[0], there[-1]]
    found: list[tuple[str, str]] = []
    for rate in wanted:
        place = x.at(math.log10(rate))
        if not found or float(place) - float(found[-1][1]) >= _NEAR:
            found.append((learning_rate(rate), place))
    return tuple(found)


def _rate(recipe: Recipe) -> float:
    return recipe.manifest.method.learning_rate or 0.0


def _mean(recipe: Recipe) -> float:
    return recipe.retention.mean if recipe.retention else 0.0


def _kept(recipe: Recipe) -> list[float]:
    return [] if recipe.retention is None else [recipe.retention.mean, *recipe.retention.values]
