"""Entries: the folders of ``submissions/``, each read and checked against its own path and its base run.

An invalid folder becomes a :class:`BadEntry`: a value that is shown and counted, so that one bad submission never
hides the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.errors import RetentionError
from harness.records import Run
from leaderboard.documents import Manifest
from leaderboard.entries.integrity import STEPS, BaseRuns, Replaced, Submission


class EntryError(RetentionError):
    """An entry that contradicts itself, its path or its base run."""


@dataclass(frozen=True)
class Entry:
    """A consistent submission, with both runs of its pair; ``home`` is the base run's place among the base runs."""

    entry_id: str
    manifest: Manifest
    base: Run
    tuned: Run
    home: str


@dataclass(frozen=True)
class BadEntry:
    """A submission left out of the board, and the reason on one line; ``waiting`` for its acceptance."""

    path: str
    reason: str
    waiting: bool = False


def entry_folders(submissions: Path) -> list[Path]:
    """The folders of ``submissions`` that may be entries, sorted by name."""
    return sorted(path for path in submissions.iterdir() if path.is_dir() or path.is_symlink())


def load_entry(folder: Path, bases: BaseRuns, replaced: Replaced = ()) -> Entry | BadEntry:
    """Read one entry; an invalid one is returned as a :class:`BadEntry`."""
    try:
        return read_entry(folder, bases, replaced)
    except EntryError as error:
        return BadEntry(folder.name, str(error))
    except Exception as error:  # hostile content may break any reader, and must not break the board
        return BadEntry(folder.name, f"cannot be read ({type(error).__name__})")


def read_entry(folder: Path, bases: BaseRuns, replaced: Replaced = ()) -> Entry:
    """Read one entry and check its manifest, path, files and runs against each other.

    ``replaced`` are the base runs that its ledger replaces (``State.replaced``). Raises ``EntryError`` with the first
    refusal of steps 1 to 4 of acceptance.
    """
    entry = Submission(folder, bases, replaced)
    for step in STEPS:
        for found in step(entry):
            if found.action == "refuse":
                raise EntryError(found.line)
    if entry.manifest is None or entry.tuned is None or entry.base is None or entry.base.run is None:
        raise EntryError("cannot be read")
    return Entry(folder.name, entry.manifest, entry.base.run, entry.tuned, entry.base.home)
