"""Entries that a made-up board has accepted: their files on record, without the validation that real ones go through.

Synthetic entries answer made-up suites that no validator knows; acceptance proper is tried in test_accepting.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from leaderboard.entries.maintain import record, record_acceptance
from leaderboard.entries.shelf import Shelf
from leaderboard.ledger.authority import MAINTAINERS_FILE
from leaderboard.ledger.events import Event

MAINTAINERS = ("mo", "maintainer")


def maintained(events: Path, *handles: str) -> Path:
    """Write the list of maintainers beside ``events``, which is returned."""
    events.parent.mkdir(parents=True, exist_ok=True)
    listed = "".join(f"  - handle: {handle}\n    since: 2026-01-01\n" for handle in handles or MAINTAINERS)
    (events.parent / MAINTAINERS_FILE).write_text(f"maintainers:\n{listed}")
    return events


def accepted(shelf: Shelf, *entries: str, actor: str = "mo") -> Shelf:
    """Accept entries of a made-up board; by default all that can be read."""
    maintained(shelf.events)
    for entry in entries or [name for name, _ in shelf.manifests()]:
        record_acceptance(shelf, entry, actor)
    return shelf


def noted(shelf: Shelf, kind: type[BaseModel], entry: str, actor: str = "mo", **fields: Any) -> Event:
    """An event of an entry of a made-up board, which is accepted first where it was not."""
    if not (shelf.events / entry).is_dir():
        accepted(shelf, entry)
    return record(shelf, kind, entry, actor, **fields)[1]
