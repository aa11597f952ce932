"""The files of an entry: its page, its explorer, and its exports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from leaderboard.board import Row, TrackKey, entry_json
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
        yield Unit(_files, (row.entry_id,))


def _files(pages: Pages, entry_id: str) -> Iterator[File]:
    track, row = pages.entry(entry_id)
    # No more than this of the track may be on a page that is remembered: its key covers no other entry.
    about = {"track": _Around(track.key, range(len(track.ranked))), "row": row, "card": row.card}
    document = entry_json(track, row)
    yield f"entries/{row.entry_id}.json", document.encode()
    yield from _entry(pages, row, document, about)
    yield f"items/{row.entry_id}.html", _items(pages, row, about)


def _entry(pages: Pages, row: Row, document: str, about: dict[str, Any]) -> Iterator[File]:
    """The page of one entry and its exports, remembered together by all that is said of it, which ``document`` has
    most of, and of others."""
    records = [row.base.model_dump_json(), row.tuned.model_dump_json()]
    why, around = dynamics.why(row.folder, row.manifest), pages.neighbours[row.entry_id]
    ranked = len(about["track"].ranked)
    facts = ["entry", document, *records, ranked, why and why.found.model_dump_json(), around.facts]

    def make() -> bytes:
        # Escaped here, as the last step of an expression would put its lines on one.
        citation = Markup.escape(cite(row, None, "bibtex", pages.site))
        told = {"page": entry_page(row, around), "citation": citation, "why": why, **about}
        page = pages.page(f"entries/{row.entry_id}.html", "entry.html", **told)
        files = [page, *entry_files(row, pages.site)]
        return json.dumps([(name, content.decode()) for name, content in files], ensure_ascii=False).encode()

    for name, text in json.loads(pages.remembered(facts, make)):
        yield name, text.encode()


def _items(pages: Pages, row: Row, about: dict[str, Any]) -> bytes:
    """The explorer of one entry, which follows from stored answers and is remembered by them."""
    samples = [row.base.samples_sha256, row.tuned.samples_sha256]
    facts = ["items", row.entry_id, row.name, *samples, row.manifest.target, vars(about["track"].key)]

    def make() -> bytes:
        tasks = explorer.explore(row, pages.squares[row.card.suite.comparable])
        return pages.page(f"items/{row.entry_id}.html", "explorer.html", tasks=tasks, **about)[1]

    return pages.remembered(facts, make)
