"""Across tracks: what each recipe gained and kept in every track, side by side. No rank and no test, as tracks differ
in more than the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from leaderboard.board import Track
from leaderboard.board.recipes import Recipe, recipes
from leaderboard.site.charts import Axis, axis

# Tracks beyond these are in the table of tracks alone.
MOST_TRACKS = 6
_ACROSS, _UP = (58.0, 414.0), (268.0, 22.0)


@dataclass(frozen=True)
class Panel:
    """The recipes of one track that have a normalised gain and a retention: places and recipe, in user units."""

    track: Track
    points: tuple[tuple[str, str, Recipe], ...]


@dataclass(frozen=True)
class Across:
    """Panels of 440 x 320 on the same axes, and the recipes that several of their tracks have.

    ``shared`` has the title and setting of a recipe, and what became of it in the track of each panel, None where the
    track does not have it.
    """

    x: Axis
    y: Axis
    panels: tuple[Panel, ...]
    shared: tuple[tuple[str, str, tuple[Recipe | None, ...]], ...]

    @property
    def families(self) -> tuple[str, ...]:
        """The method families that are drawn."""
        drawn = (recipe for panel in self.panels for *_, recipe in panel.points)
        return tuple(dict.fromkeys(recipe.manifest.method.family for recipe in drawn))


def across(tracks: Sequence[Track]) -> Across | None:
    """The first tracks side by side; None where no recipe has both a normalised gain and a retention."""
    of = {track.key.slug: recipes(track) for track in tracks[:MOST_TRACKS]}
    there = {slug: [point for each in found if (point := _point(each))] for slug, found in of.items()}
    if not any(there.values()):
        return None
    x = axis((gain for points in there.values() for gain, *_ in points), *_ACROSS, include=(0.0, 1.0), ticks=4)
    y = axis((kept for points in there.values() for _, kept, _ in points), *_UP, include=(0.5, 1.0))
    panels = tuple(
        Panel(track, tuple((x.at(gain), y.at(kept), recipe) for gain, kept, recipe in there[track.key.slug]))
        for track in tracks[:MOST_TRACKS]
    )
    return Across(x, y, panels, _shared(list(of.values())))


def normalised_gain(recipe: Recipe) -> float | None:
    """The share of what the base left to learn that was learned, the mean over the entries of a recipe that have one;
    below 0 where the target was unlearned."""
    found = [gain for row in recipe.rows if (gain := row.card.learned.normalised_gain) is not None]
    return fmean(found) if found else None


def _point(recipe: Recipe) -> tuple[float, float, Recipe] | None:
    gain = normalised_gain(recipe)
    return None if gain is None or recipe.retention is None else (gain, recipe.retention.mean, recipe)


def _shared(of: Sequence[Sequence[Recipe]]) -> tuple[tuple[str, str, tuple[Recipe | None, ...]], ...]:
    """Recipes that are made alike in more than one track, in the order of the first; a track may have one twice, from
    two authors, and the first of them stands for it."""
    found: dict[tuple[str, str, float | None], list[Recipe | None]] = {}
    for place, recipes_of in enumerate(of):
        for recipe in recipes_of:
            key = (recipe.title, recipe.setting, recipe.manifest.method.learning_rate)
            cells = found.setdefault(key, [None] * len(of))
            cells[place] = cells[place] or recipe
    several = {key: cells for key, cells in found.items() if len(cells) - cells.count(None) > 1}
    return tuple((title, setting, tuple(cells)) for (title, setting, _), cells in several.items())
