"""Embeds: what each recipe of a track keeps, as a page for a frame and as a picture that stands alone.

The picture has the palette inside and follows the reader's colour scheme; neither has a script or loads anything else
than, in the page, the style sheet of the site.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from harness.report import style_tokens
from leaderboard.board import Row, Track
from leaderboard.board.recipes import Recipe, SeedMean, recipes
from leaderboard.site.charts import Axis, axis, coordinate
from leaderboard.site.exports.web import EMBED
from leaderboard.site.pages import Pages
from leaderboard.site.plots import short

MOST = 24
# Of a drawing 480 wide: the strip, the first row, and what a row takes.
_STRIP, WIDTH = (14.0, 466.0), 480
_TOP, _ROW, _FOOT = 82.0, 40.0, 26.0
# Characters that fit beside the numbers.
_MOST_NAME, _MOST_TITLE, _LEAST_SETTINGS = 46, 30, 16


@dataclass(frozen=True)
class Mark:
    """One seed: its entry, where it lies, and the path of its interval."""

    row: Row
    x: str
    whisker: str


@dataclass(frozen=True)
class StripRow:
    """One recipe: ``top`` is where its title and settings stand, ``middle`` the line of its marks, ``band`` the path
    over them."""

    recipe: Recipe
    title: str
    settings: str
    family: str
    retention: SeedMean | None
    top: str
    middle: str
    band: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Strip:
    """The chart of a track in user units of a drawing 480 wide; ``more`` recipes are not drawn."""

    axis: Axis
    rows: tuple[StripRow, ...]
    top: str
    bottom: str
    height: str
    more: int


def strip(track: Track) -> Strip:
    """The recipes of ``track`` in its order, a mark a seed; retention outside 0 to 1 is drawn at the end."""
    found = recipes(track)
    shown = found[:MOST]
    across = axis((), *_STRIP, include=(0.0, 1.0), ticks=4)
    rows = tuple(_row(recipe, across, _TOP + _ROW * at) for at, recipe in enumerate(shown))
    bottom = _TOP + _ROW * len(shown)
    return Strip(
        across, rows, coordinate(_TOP - 12), coordinate(bottom), coordinate(bottom + _FOOT), len(found) - len(shown)
    )


def _row(recipe: Recipe, across: Axis, top: float) -> StripRow:
    middle = top + 22
    kept = [(row, row.card.retention_macro) for row in recipe.rows]
    marks = tuple(_mark(row, value, across, middle) for row, value in kept if value is not None)
    places = sorted(float(mark.x) for mark in marks)
    band = f"M{places[0]:g} {middle:g}H{places[-1]:g}" if len(places) > 1 else ""
    title, family = short(recipe.title, _MOST_TITLE), recipe.manifest.method.family
    settings = short(recipe.settings, max(_MOST_NAME - len(title), _LEAST_SETTINGS))
    return StripRow(
        recipe, title, settings, family, recipe.retention, coordinate(top + 6), coordinate(middle), band, marks
    )


def _mark(row: Row, value: float, across: Axis, middle: float) -> Mark:
    limits = row.card.retention_macro_ci
    whisker = "" if limits is None else f"M{across.at(limits[0])} {coordinate(middle)}H{across.at(limits[1])}"
    return Mark(row, across.at(value), whisker)


def embed(pages: Pages, track: Track) -> Iterator[tuple[str, bytes]]:
    """Path and content of ``embed/<track>.html`` and ``embed/<track>.svg``."""
    style = style_tokens() + (pages.sources / "styles" / "55-embed.css").read_text("utf-8")
    drawn = strip(track)
    name = f"{EMBED}{track.key.slug}"
    yield pages.page(f"{name}.html", "embed.html", track=track, strip=drawn)
    yield pages.page(f"{name}.svg", "embed.svg", track=track, strip=drawn, style=Markup.escape(style))
