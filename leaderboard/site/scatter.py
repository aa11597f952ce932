"""Scatter: gain against retention of a track, a point a recipe, zoomed to its data, every point with its name.

Seeds lie faint around the mean of their recipe. Names stand in a column beside the chart, spread so that none lies on
another, each with a line to its point: what lies on top of each other in the chart can be read and chosen there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.board import Row, Track
from leaderboard.board.recipes import Recipe, short_names
from leaderboard.board.seeds import SeedMean
from leaderboard.site.charts import Axis, axis, coordinate
from leaderboard.site.labels import spread
from leaderboard.site.plots import short
from leaderboard.site.views import METHODS

WIDTH = 400
_LEFT, _RIGHT, _TOP = 46.0, 214.0, 30.0
_NAME = 234.0
_LEAST_UP, _GAP, _BELOW = 250.0, 17.0, 44.0
_CHARACTERS = 25
# More names than these would make the chart longer than a screen; the points of the others have theirs as a title.
_MOST_NAMES = 40


@dataclass(frozen=True)
class Mark:
    """One seed: its entry and place, and the path from it to the mean of its recipe."""

    row: Row
    x: str
    y: str
    spoke: str


@dataclass(frozen=True)
class Point:
    """One recipe: the place of its mean, its seeds (none where it has one alone), and its name with the line to it.

    ``text`` is empty where there is no room for the names of so many.
    """

    recipe: Recipe
    family: str
    x: str
    y: str
    seeds: tuple[Mark, ...]
    text: str
    text_y: str
    leader: str


@dataclass(frozen=True)
class Scatter:
    """Gain against retention of a track's recipes, in the user units of a ``WIDTH`` x ``height`` drawing.

    ``families`` are the method families drawn.
    """

    x: Axis
    y: Axis
    height: int
    points: tuple[Point, ...]
    families: tuple[str, ...]
    text_x: str = coordinate(_NAME)

    @property
    def caption(self) -> str:
        """What is drawn, in a sentence or two."""
        seeds = any(point.seeds for point in self.points)
        means = " A point is the mean of a recipe, faint marks are its seeds." if seeds else " A point is a recipe."
        begins = "" if self.x.holds(0) and self.y.holds(0) else " The axes begin where the data do, not at 0."
        return f"Up is better kept, right is better learned.{means}{begins}"


def scatter(track: Track, found: Sequence[Recipe]) -> Scatter | None:
    """The scatter of the recipes ``found`` of ``track``; None where none of them has a retention."""
    there = [(recipe, recipe.retention) for recipe in found if recipe.retention is not None]
    if not there:
        return None
    named = min(len(there), _MOST_NAMES)
    bottom = _TOP + max(_LEAST_UP, (named - 1) * _GAP)
    x = axis([value for recipe, _ in there for value in _all(recipe.gain)], _LEFT + 8, _RIGHT, include=(), ticks=3)
    y = axis([value for _, kept in there for value in _all(kept)], bottom - 6, _TOP, include=(), ticks=5)
    places = [(float(x.at(recipe.gain.mean)), float(y.at(kept.mean))) for recipe, kept in there]
    names = short_names(found)
    # Lines cross less where, of points of one height, the one further right has the higher name.
    order = sorted(range(named), key=lambda at: (places[at][1], -places[at][0]))
    at_height = spread([places[at][1] for at in order], _GAP, _TOP, bottom)
    height_of = dict(zip(order, at_height, strict=True))
    points = [
        _point(recipe, place, height_of.get(at), names[recipe.slug], x, y)
        for at, ((recipe, _), place) in enumerate(zip(there, places, strict=True))
    ]
    drawn = {point.family for point in points}
    families = tuple(family for family in METHODS if family in drawn)
    # The first recipe is drawn last, on top of the others.
    return Scatter(x, y, round(bottom + _BELOW), tuple(reversed(points)), families)


def _all(mean: SeedMean) -> list[float]:
    return [mean.mean, *mean.values]


def _point(recipe: Recipe, place: tuple[float, float], height: float | None, name: str, x: Axis, y: Axis) -> Point:
    left, top = (coordinate(each) for each in place)
    seeds = []
    for row in recipe.rows if len(recipe.rows) > 1 else ():
        # All seeds have a retention where their recipe has one.
        across, up = x.at(row.card.learned.gain), y.at(row.card.retention_macro or 0.0)
        seeds.append(Mark(row, across, up, f"M{across} {up}L{left} {top}"))
    leader = "" if height is None else f"M{left} {top}L{coordinate(_NAME - 5)} {coordinate(height)}"
    return Point(
        recipe=recipe,
        family=recipe.manifest.method.family,
        x=left,
        y=top,
        seeds=tuple(seeds),
        text="" if height is None else short(name, _CHARACTERS),
        text_y="" if height is None else coordinate(height + 4),
        leader=leader,
    )
