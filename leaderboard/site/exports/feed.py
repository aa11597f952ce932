"""The feed of events, in Atom (RFC 4287), which every feed reader takes; its dates are those of the events alone."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from leaderboard.board import Board
from leaderboard.documents import clean
from leaderboard.ledger import Event, Flagged, Reproduced, Submitted, Superseded, Verified

MOST = 200
_ATOM = "http://www.w3.org/2005/Atom"
_NEVER = "1970-01-01T00:00:00Z"


def atom_feed(board: Board, site: str | None) -> bytes:
    """The newest events, as an Atom feed."""
    root = "" if site is None else f"{site.rstrip('/')}/"
    names = {row.entry_id: row.name for row in board.rows} | {stone.entry_id: stone.name for stone in board.tombstones}
    feed = Xml.Element("feed", {"xmlns": _ATOM})
    _add(feed, "id", f"{root}feed.xml" if root else "urn:retentionbench:events")
    _add(feed, "title", "RetentionBench: what happened to the entries")
    _add(feed, "updated", board.events[0].at if board.events else _NEVER)
    Xml.SubElement(feed, "link", {"rel": "self", "type": "application/atom+xml", "href": f"{root}feed.xml"})
    Xml.SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": f"{root}index.html"})
    _add(Xml.SubElement(feed, "author"), "name", "RetentionBench")
    for event in board.events[:MOST]:
        _add_event(feed, event, clean(names[event.entry_id], 80), f"{root}entries/{event.entry_id}.html")
    Xml.indent(feed, " ")
    return bytes(Xml.tostring(feed, encoding="utf-8", xml_declaration=True)) + b"\n"


def _add_event(feed: Xml.Element, event: Event, name: str, page: str) -> None:
    entry = Xml.SubElement(feed, "entry")
    _add(entry, "id", f"urn:retentionbench:{event.entry_id}:{event.seq}")
    _add(entry, "title", f"{name}: {event.kind}")
    _add(entry, "updated", event.at)
    Xml.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": page})
    Xml.SubElement(entry, "category", {"term": event.kind})
    _add(Xml.SubElement(entry, "author"), "name", event.actor)
    _add(entry, "content", _text(event, name)).set("type", "text")


def _add(parent: Xml.Element, tag: str, text: str) -> Xml.Element:
    child = Xml.SubElement(parent, tag)
    child.text = text
    return child


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
