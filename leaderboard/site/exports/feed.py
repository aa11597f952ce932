"""The one feed, in Atom (RFC 4287), which every feed reader takes; its dates are those of the events alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from leaderboard.board import Board
from leaderboard.documents import clean
from leaderboard.ledger import Event, Flagged, Rebased, Reproduced, Submitted, Superseded, Verified
from leaderboard.numbers import points, ratio
from leaderboard.site.releases import Release

MOST = 200
_ATOM = "http://www.w3.org/2005/Atom"
_AUTHOR = "RetentionBench"
_EVIDENCE = "urn:retentionbench:evidence"
_NEVER = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class _News:
    """One entry of the feed; ``page`` is the path of what it is about, ``evidence`` who has run it by now."""

    id: str
    title: str
    at: str
    page: str
    term: str
    author: str
    content: str
    evidence: str = ""


def atom_feed(board: Board, site: str | None, releases: Sequence[Release] = ()) -> bytes:
    """The newest of what happened to entries, and the releases, as an Atom feed.

    That the stored answers of entries were judged by newer rules is one piece of news a day, not one an entry.
    """
    root = "" if site is None else f"{site.rstrip('/')}/"
    news = sorted((*_of_events(board), *_of_releases(releases)), key=lambda each: (each.at, each.id), reverse=True)
    feed = Xml.Element("feed", {"xmlns": _ATOM})
    _add(feed, "id", f"{root}feed.xml" if root else "urn:retentionbench:events")
    _add(feed, "title", "RetentionBench: entries, what happened to them, and releases")
    _add(feed, "updated", news[0].at if news else _NEVER)
    Xml.SubElement(feed, "link", {"rel": "self", "type": "application/atom+xml", "href": f"{root}feed.xml"})
    Xml.SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": f"{root}index.html"})
    _add(Xml.SubElement(feed, "author"), "name", _AUTHOR)
    for each in news[:MOST]:
        _add_news(feed, each, root)
    Xml.indent(feed, " ")
    return bytes(Xml.tostring(feed, encoding="utf-8", xml_declaration=True)) + b"\n"


def _of_events(board: Board) -> Iterator[_News]:
    evidence = {row.entry_id: str(row.evidence) for row in board.rows}
    names = {row.entry_id: row.name for row in board.rows} | {stone.entry_id: stone.name for stone in board.tombstones}
    judged: dict[str, list[Submitted]] = {}
    for event in board.events:
        if isinstance(event, Submitted) and event.same_outputs_as is not None:
            judged.setdefault(event.at[:10], []).append(event)
            continue
        name = clean(names[event.entry_id], 80)
        yield _News(
            f"urn:retentionbench:{event.entry_id}:{event.seq}", f"{name}: {event.kind}", event.at,
            f"entries/{event.entry_id}.html", event.kind, event.actor, _text(event, name),
            evidence.get(event.entry_id, ""),
        )  # fmt: skip
    for day, events in judged.items():
        count = "1 entry" if len(events) == 1 else f"{len(events)} entries"
        yield _News(
            f"urn:retentionbench:judged:{day}", f"{count} judged again", max(event.at for event in events),
            "changelog.html", "judged", _AUTHOR,
            f"The stored answers of {count} were judged again by newer rules; no model was run.",
        )  # fmt: skip


def _of_releases(releases: Sequence[Release]) -> Iterator[_News]:
    for release in releases:
        if release.data_as_of:
            version = clean(release.version, 40)
            yield _News(
                f"urn:retentionbench:release:{version}", f"Release {version}", f"{release.data_as_of}T00:00:00Z",
                "changelog.html", "release", _AUTHOR, f"The board was frozen as release {version} and stays so.",
            )  # fmt: skip


def _add_news(feed: Xml.Element, news: _News, root: str) -> None:
    entry = Xml.SubElement(feed, "entry")
    _add(entry, "id", news.id)
    _add(entry, "title", news.title)
    _add(entry, "updated", news.at)
    Xml.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": f"{root}{news.page}"})
    Xml.SubElement(entry, "category", {"term": news.term})
    if news.evidence:
        Xml.SubElement(entry, "category", {"term": news.evidence, "scheme": _EVIDENCE})
    _add(Xml.SubElement(entry, "author"), "name", news.author)
    _add(entry, "content", news.content).set("type", "text")


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
    elif isinstance(event, Rebased):
        before, after = (
            f"{points(side.gain)}, retention {ratio(side.retention)}" for side in (event.before, event.after)
        )
        said = f"is scored with another run of its base (gain {before}; now {after}): {event.reason}"
    elif isinstance(event, Superseded):
        said = f"was superseded by {event.by}: {event.reason}"
    else:
        said = f"{event.kind}: {event.reason}"
    return clean(f"{who} {said}.", 1000)
