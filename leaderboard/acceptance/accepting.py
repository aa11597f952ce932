"""Acceptance: all steps of validation on an entry, and then its files on record, which puts it on the board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import RetentionError
from harness.records import file_sha256
from leaderboard.acceptance.report import Report
from leaderboard.acceptance.workers import validate_all
from leaderboard.documents import file_names
from leaderboard.entries import Finding, Shelf, record_acceptance


@dataclass(frozen=True)
class Decision:
    """What became of one entry: ``refused`` says why it is not accepted, else ``file`` is the event that was written;
    both are None where its ledger had these files already."""

    entry: str
    report: Report
    refused: str | None = None
    file: Path | None = None


def accept_entries(
    shelf: Shelf, entries: Sequence[str], actor: str, suites: Sequence[Path] = (), *, jobs: int | None = None
) -> list[Decision]:
    """Validate entries of the shelf and record the files of those that every step accepts, in the order given.

    Files of an entry may differ from those recorded before, which is what accepting it again is for.
    """
    folders = [shelf.folder(entry) for entry in dict.fromkeys(entries)]
    before = {folder: _digests(folder) for folder in folders}
    reports = validate_all(folders, shelf, suites, jobs=jobs)
    return [
        _decide(shelf, folder, before[folder], report, actor) for folder, report in zip(folders, reports, strict=True)
    ]


def _decide(shelf: Shelf, folder: Path, before: dict[str, str], report: Report, actor: str) -> Decision:
    entry = folder.name
    if any(map(_prevents, report.findings)) or not _reached(report):
        return Decision(entry, report, "not accepted; nothing was recorded")
    if _digests(folder) != before:
        return Decision(entry, report, "its files changed while they were validated; run the command again")
    try:
        written = record_acceptance(shelf, entry, actor, flags=report.flags)
    except RetentionError as error:
        return Decision(entry, report, str(error))
    return Decision(entry, report, file=None if written is None else written[0])


def _prevents(found: Finding) -> bool:
    own_change = found.rule == "changed-after-merge" and not found.file.startswith(("bases/", "events/"))
    return found.action != "flag" and not own_change


def _reached(report: Report) -> bool:
    # The last step counts as not reached where any other one refuses, for a changed file among others.
    return all(state != "not reached" for step, state in report.steps.items() if step != "report")


def _digests(folder: Path) -> dict[str, str]:
    return {name: file_sha256(folder / name) for name in sorted(file_names(folder)) if not (folder / name).is_symlink()}
