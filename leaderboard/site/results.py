"""Results: the recipes of a track as the rows that open the board and its tracks, and how its tracks are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from leaderboard.board import Board, Row, Track
from leaderboard.board.recipes import Recipe, recipes
from leaderboard.documents import clean
from leaderboard.site import facets, strips
from leaderboard.site.charts import Axis

# So many rows of the opening track are on the board's first page, and so many of each of so many other tracks there.
MOST_ROWS, MOST_OTHER_ROWS, MOST_OTHER_TRACKS = 40, 12, 6
# With more entries than these, charts with a mark an entry are on the pages of tracks alone.
MOST_DRAWN = 100
# A recipe of more entries than these names the others on the page of its track alone.
MOST_ENTRIES = 12
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Line:
    """One recipe as a row: its strip, and what it is filtered by."""

    recipe: Recipe
    strip: strips.Strip
    values: facets.Values

    @property
    def best(self) -> Row:
        """The entry that stands for the recipe where one must: the first in the order of the track."""
        return self.recipe.rows[0]

    @property
    def family(self) -> str:
        return self.recipe.manifest.method.family


@dataclass(frozen=True)
class Results:
    """The rows of a track in their order, on one axis.

    Without a shown gain in the track, the order is that of retention, and there is no balance.
    """

    track: Track
    axis: Axis
    lines: tuple[Line, ...]

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        return tuple(line.recipe for line in self.lines)

    @property
    def few(self) -> bool:
        """Whether the board's first page has room for a mark an entry in several charts."""
        return len(self.track.rows) <= MOST_DRAWN

    @cached_property
    def recipe_of(self) -> dict[str, Recipe]:
        """The recipe of each entry, by the entry's id."""
        return {row.entry_id: recipe for recipe in self.recipes for row in recipe.rows}

    @property
    def families(self) -> tuple[str, ...]:
        """The method families among the rows, in the order in which they come first."""
        return tuple(dict.fromkeys(line.family for line in self.lines))


def results(track: Track) -> Results:
    """The recipes of ``track`` as rows, in the order of :func:`leaderboard.board.recipes.recipes`."""
    found = recipes(track)
    axis = strips.axis(found)
    lines = (Line(each, strips.strip(each, axis), facets.values(each.rows)) for each in found)
    return Results(track, axis, tuple(lines))


def opening(board: Board) -> Track | None:
    """The track that opens the board: the first in which something is shown to have been learned; None without one."""
    return next((track for track in board.tracks if track.shows_gain), None)


def choices(results: Sequence[Results]) -> tuple[facets.Facet, ...]:
    """The facets in which the rows of these tracks differ."""
    bases = [each.track.rows[0].manifest.base.name for each in results]
    return facets.facets((line.values for each in results for line in each.lines), bases)


def tab_names(board: Board) -> dict[str, str]:
    """What the tab of each track says, by its slug: the target, and of what tells it from others as much as needed."""
    parts = {track.key.slug: _parts(track) for track in board.tracks}
    names = {slug: said[0] for slug, said in parts.items()}
    for place in range(1, len(_parts(board.tracks[0])) if board.tracks else 0):
        if len(set(names.values())) < len(names) and len({said[place] for said in parts.values()}) > 1:
            names = {slug: f"{name} {parts[slug][place]}" for slug, name in names.items()}
    return names


def _parts(track: Track) -> tuple[str, ...]:
    key = track.key
    return (
        clean(key.target, 40),
        f"on {clean(key.suite, 60)}",
        f"from {clean(track.rows[0].manifest.base.name, 60)}",
        clean(key.protocol, 40),
        key.kind,
        clean(key.environment, 60),
    )


def span(values: Sequence[float]) -> str:
    """Changes as whole points: ``+80``, or ``+75 to +79`` where they differ."""
    low, high = _points(min(values)), _points(max(values))
    return low if low == high else f"{low} to {high}"


def share(value: float | None) -> str:
    """A share in whole per cent, without the sign of it: 94, or a dash."""
    return "\N{EN DASH}" if value is None else str(_whole(value)).replace("-", _MINUS)


def share_ci(interval: tuple[float, float]) -> str:
    """An interval of shares in whole per cent: [92, 95]."""
    return f"[{share(interval[0])}, {share(interval[1])}]"


def _whole(value: float) -> int:
    return int(f"{value * 100:.0f}")


def _points(value: float) -> str:
    whole = _whole(value)
    return "0" if whole == 0 else f"{whole:+d}".replace("-", _MINUS)
