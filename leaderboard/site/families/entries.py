"""The files of an entry: its page, its explorer, and its exports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from leaderboard.board import Row, Track, TrackKey, entry_json
from leaderboard.numbers import cite
from leaderboard.site import dynamics, explorer
from leaderboard.site.entry import entry_page
from leaderboard.site.exports import entry_files
from leaderboard.site.pages import Pages
from leaderboard.site.units import File, Unit


@dataclass(frozen=True)
class _Around:
    """What the pages of an entry know of its track: its key, and how many entries are ranked in it."""

    key: TrackKey
    ranked: range


def units(pages: Pages) -> Iterator[Unit]:
    for row in pages.board.rows:
        yield Unit(_entry, (row.entry_id,), _entry_facts)
        yield Unit(_items, (row.entry_id,), _items_facts)


def _entry_facts(pages: Pages, entry_id: str) -> Any:
    """All that is said of the entry, and of others on its page."""
    track, row = pages.entry(entry_id)
    return row.facts and [row.facts, len(track.ranked), pages.neighbours[entry_id].facts]


def _entry(pages: Pages, entry_id: str) -> Iterator[File]:
    """The page of one entry and its exports."""
    track, row = pages.entry(entry_id)
    yield f"entries/{entry_id}.json", entry_json(track, row).encode()
    # Escaped here, as the last step of an expression would put its lines on one.
    citation = Markup.escape(cite(row, None, "bibtex", pages.site))
    why, page = dynamics.why(row.folder, row.manifest), entry_page(row, pages.neighbours[entry_id])
    about = _about(track, row)
    yield pages.page(f"entries/{entry_id}.html", "entry.html", page=page, citation=citation, why=why, **about)
    yield from entry_files(row, pages.site)


def _items_facts(pages: Pages, entry_id: str) -> Any:
    """What the explorer of an entry follows from: stored answers, whatever else becomes of the entry."""
    track, row = pages.entry(entry_id)
    samples = [row.base.samples_sha256, row.tuned.samples_sha256]
    return [row.name, *samples, row.manifest.target, vars(track.key)]


def _items(pages: Pages, entry_id: str) -> Iterator[File]:
    track, row = pages.entry(entry_id)
    tasks = explorer.explore(row, pages.squares[row.card.suite.comparable])
    yield pages.page(f"items/{entry_id}.html", "explorer.html", tasks=tasks, **_about(track, row))


def _about(track: Track, row: Row) -> dict[str, Any]:
    # No more than this of the track may be on a page that is remembered: its key covers no other entry.
    return {"track": _Around(track.key, range(len(track.ranked))), "row": row, "card": row.card}
