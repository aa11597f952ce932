"""The board as data, for programs."""

from __future__ import annotations

from collections.abc import Iterator

from leaderboard.site.exports import BOARD_FILES
from leaderboard.site.pages import Pages
from leaderboard.site.units import File, Unit


def units(pages: Pages) -> Iterator[Unit]:
    for path in BOARD_FILES:
        yield Unit(_file, (path,))


def _file(pages: Pages, path: str) -> Iterator[File]:
    yield path, BOARD_FILES[path](pages.board, pages.site)
