"""Families of pages, a module each with ``units(pages)``: which files it has, divided into units of work.

A new family is a module here and its name in ``FAMILIES``. A path belongs to one unit alone, and a unit's files follow
from the board and its ``about`` alone: whoever makes it, whenever, makes the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from leaderboard.site.families import data, entries, groups, questions, singles, tracks, withdrawn
from leaderboard.site.pages import Pages
from leaderboard.site.units import Unit

# The largest units first, so that no process is left with one of them at the end.
FAMILIES: tuple[Callable[[Pages], Iterator[Unit]], ...] = (
    data.units,
    questions.units,
    tracks.units,
    singles.units,
    groups.units,
    entries.units,
    withdrawn.units,
)


def units(pages: Pages) -> Iterator[Unit]:
    """Every unit of the site."""
    for family in FAMILIES:
        yield from family(pages)
