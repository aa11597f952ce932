"""What stands in the place of entries that are not shown: withdrawn ones, and those that were left out."""

from __future__ import annotations

from collections.abc import Iterator

from leaderboard.documents import ENTRY_ID
from leaderboard.site.pages import Pages
from leaderboard.site.units import File, Unit


def units(pages: Pages) -> Iterator[Unit]:
    yield Unit(_tombstones)
    yield Unit(_excluded)


def _tombstones(pages: Pages) -> Iterator[File]:
    for stone in pages.board.tombstones:
        yield pages.page(f"entries/{stone.entry_id}.html", "tombstone.html", tombstone=stone)


def _excluded(pages: Pages) -> Iterator[File]:
    board = pages.board
    shown = {row.entry_id for row in board.rows} | {stone.entry_id for stone in board.tombstones}
    for bad in board.bad:
        if ENTRY_ID.match(bad.path) and bad.path not in shown:
            yield pages.page(f"entries/{bad.path}.html", "excluded.html", bad=bad)
