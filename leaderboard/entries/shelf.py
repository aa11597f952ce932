"""The shelf: the entries of a checkout, read one at a time, with ledger and scorecard as on the board."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from harness.errors import RetentionError
from harness.scoring import Scorecard, score_pair
from leaderboard.documents import ENTRY_ID, MANIFEST_FILE, Manifest, read_manifest
from leaderboard.entries.entry import Entry, read_entry
from leaderboard.entries.integrity import BaseRuns
from leaderboard.ledger import (
    MAINTAINERS_FILE,
    Event,
    EventError,
    Maintainers,
    Standing,
    State,
    fold,
    read_ledger,
    read_ledgers,
    read_maintainers,
)

BOARD_FILE = "board.json"
_MAX_BOARD = 512 * 1024**2
# Versions of it: in both, an entry has its whole scorecard, which says its own version.
_READ = ("retentionbench-board-1", "retentionbench-board-2")


class UnknownEntryError(RetentionError):
    """An entry that does not exist, or was withdrawn."""


@dataclass(frozen=True)
class Shelf:
    """The folders of entries, base runs, ledgers and releases; the list of maintainers lies beside the ledgers."""

    submissions: Path
    bases: Path
    events: Path
    releases: Path

    def folder(self, entry_id: str) -> Path:
        """The folder of an entry; ``UnknownEntryError`` if there is none, for example after a withdrawal."""
        if not ENTRY_ID.match(entry_id):
            raise UnknownEntryError(f"{entry_id[:60]!r}: not an entry id, which is 12 characters of a-z and 2-7")
        folder = self.submissions / entry_id
        if folder.is_dir():
            return folder
        state = self.state(entry_id)
        if state.standing is Standing.WITHDRAWN:
            raise UnknownEntryError(f"{entry_id}: withdrawn on {state.because[-1].at[:10]}: {state.because[-1].reason}")
        raise UnknownEntryError(f"{entry_id}: no such entry in {self.submissions}")

    def state(self, entry_id: str) -> State:
        """Evidence and standing of an entry, from its ledger."""
        return fold(self.ledger(entry_id))

    @cached_property
    def maintainers(self) -> Maintainers:
        """Who may write which events; without the list nobody maintains the board."""
        return read_maintainers(self.events.parent / MAINTAINERS_FILE)

    def ledger(self, entry_id: str) -> tuple[Event, ...]:
        """The events of an entry, by who may write them; ``EventError`` says what does not hold."""
        return read_ledger(self.events / entry_id, self.maintainers)

    def ledgers(self) -> dict[str, tuple[Event, ...] | EventError]:
        """The ledger of every entry by its id; for an invalid one, its error."""
        return read_ledgers(self.events, self.maintainers)

    def scored(self, entry_id: str) -> Scored:
        """An entry, read, checked, and scored from its stored answers."""
        folder, state = self.folder(entry_id), self.state(entry_id)
        return Scored(read_entry(folder, BaseRuns(self.bases), state.replaced), state)

    def manifests(self) -> Iterator[tuple[str, Manifest]]:
        """Entry ids and manifests of all readable folders, sorted by id."""
        if not self.submissions.is_dir():
            return
        for folder in sorted(path for path in self.submissions.iterdir() if ENTRY_ID.match(path.name)):
            try:
                yield folder.name, read_manifest(folder / MANIFEST_FILE)
            except RetentionError:
                continue

    def released(self, entry_id: str) -> Iterator[tuple[str, Scorecard]]:
        """The scorecards of an entry in frozen releases, by release, newest first."""
        if not self.releases.is_dir():
            return
        for folder in sorted((path for path in self.releases.iterdir() if path.is_dir()), reverse=True):
            card = published_card(folder / BOARD_FILE, entry_id)
            if card is not None:
                yield folder.name, card


@dataclass(frozen=True)
class Scored:
    """One entry with its scorecard and its state."""

    entry: Entry
    state: State

    @property
    def entry_id(self) -> str:
        return self.entry.entry_id

    @property
    def manifest(self) -> Manifest:
        return self.entry.manifest

    @property
    def created(self) -> str:
        return self.entry.tuned.record.created

    @cached_property
    def card(self) -> Scorecard:
        return score_pair(self.entry.base, self.entry.tuned, self.entry.manifest.target)


def published_card(path: Path, entry_id: str) -> Scorecard | None:
    """The scorecard of ``entry_id`` in a built or released ``board.json``; None if the file or the entry is missing."""
    if not path.is_file():
        return None
    if path.stat().st_size > _MAX_BOARD:
        raise RetentionError(f"{path}: larger than {_MAX_BOARD // 1024**2} MB")
    try:
        document = json.loads(path.read_bytes())
        if (stated := document["schema"]) not in _READ:
            raise RetentionError(
                f"{path}: schema: {str(stated)[:60]!r} is not one of {', '.join(_READ)}; upgrade retentionbench"
            )
        entries = [entry for track in document["tracks"] for entry in track["entries"]]
        cards = [entry["scorecard"] for entry in entries if entry["entry_id"] == entry_id]
        return Scorecard.model_validate(cards[0]) if cards else None
    except (ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
        raise RetentionError(f"{path}: not a board.json of this program ({type(error).__name__})") from error
