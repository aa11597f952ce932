"""Feeds of events: JSON Feed 1.1 and Atom (RFC 4287). What is dated in them comes from the events alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as Xml

from leaderboard.board import Board
from leaderboard.documents import clean
from leaderboard.ledger import Event, Flagged, Reproduced, Submitted, Superseded, Verified

MOST = 200
_ATOM = "http://www.w3.org/2005/Atom"
_TITLE = "RetentionBench: what happened to the entries"
_NEVER = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class _News:
    """One event as readers see it."""

    id: str
    title: str
    text: str
    at: str
    actor: str
    kind: str
    page: str


def json_feed(board: Board, site: str | None) -> str:
    """The newest events, as JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""
    items: list[dict[str, Any]] = []
    for news in _news(board):
        item: dict[str, Any] = {
            "id": news.id,
            "title": news.title,
            "content_text": news.text,
            "date_published": news.at,
            "authors": [{"name": news.actor}],
            "tags": [news.kind],
        }
        if site is not None:
            item["url"] = f"{site.rstrip('/')}/{news.page}"
        items.append(item)
    document: dict[str, Any] = {"version": "https://jsonfeed.org/version/1.1", "title": _TITLE, "items": items}
    if site is not None:
        root = site.rstrip("/")
        document |= {"home_page_url": f"{root}/index.html", "feed_url": f"{root}/feed.json"}
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def atom_feed(board: Board, site: str | None) -> bytes:
    """The newest events, as an Atom feed."""
    root = "" if site is None else f"{site.rstrip('/')}/"
    news = _news(board)
    feed = Xml.Element("feed", {"xmlns": _ATOM})
    _add(feed, "id", f"{root}feed.xml" if root else "urn:retentionbench:events")
    _add(feed, "title", _TITLE)
    _add(feed, "updated", news[0].at if news else _NEVER)
    Xml.SubElement(feed, "link", {"rel": "self", "type": "application/atom+xml", "href": f"{root}feed.xml"})
    Xml.SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": f"{root}index.html"})
    _add(Xml.SubElement(feed, "author"), "name", "RetentionBench")
    for each in news:
        entry = Xml.SubElement(feed, "entry")
        _add(entry, "id", each.id)
        _add(entry, "title", each.title)
        _add(entry, "updated", each.at)
        Xml.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": f"{root}{each.page}"})
        Xml.SubElement(entry, "category", {"term": each.kind})
        _add(Xml.SubElement(entry, "author"), "name", each.actor)
        _add(entry, "content", each.text).set("type", "text")
    Xml.indent(feed, " ")
    return bytes(Xml.tostring(feed, encoding="utf-8", xml_declaration=True)) + b"\n"


def _add(parent: Xml.Element, tag: str, text: str) -> Xml.Element:
    child = Xml.SubElement(parent, tag)
    child.text = text
    return child


def _news(board: Board) -> list[_News]:
    names = {row.entry_id: row.name for row in board.rows} | {stone.entry_id: stone.name for stone in board.tombstones}
    found = []
    for event in board.events[:MOST]:
        name = clean(names[event.entry_id], 80)
        found.append(
            _News(
                id=f"urn:retentionbench:{event.entry_id}:{event.seq}",
                title=f"{name}: {event.kind}",
                text=_text(event, name),
                at=event.at,
                actor=event.actor,
                kind=event.kind,
                page=f"entries/{event.entry_id}.html",
            )
        )
    return found


def _text(event: Event, name: str) -> str:
    """The event in a sentence."""
    who = f"{event.actor}: {name} (entry {event.entry_id})"
    if isinstance(event, Submitted):
        said = f"was accepted on {event.suite}, tuned for {event.target} from {event.base}"
    elif isinstance(event, Reproduced | Verified):
        said = f"was {event.kind}: a random part of its answers was generated again, and agreed"
    elif isinstance(event, Flagged):
        said = f"was flagged: {event.reason}"
    elif isinstance(event, Superseded):
        said = f"was superseded by {event.by}: {event.reason}"
    else:
        said = f"{event.kind}: {event.reason}"
    return clean(f"{who} {said}.", 1000)
