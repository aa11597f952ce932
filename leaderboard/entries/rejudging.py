"""Judging the board again: every stored run, under the rules of this program, and what that moved.

Outputs stay; samples, records and checksums are written anew, and each entry's ledger gets a ``submitted`` event with
its new files. The bases come first, so that no entry is left between two versions of the rules for longer than it
takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.records import JUDGE_VERSION, read_record
from leaderboard.documents import TUNED_FOLDER, seal, suite_name
from leaderboard.entries.judges import Judges
from leaderboard.entries.maintain import not_accepted, record_acceptance

if TYPE_CHECKING:
    from harness.scoring import Scorecard
    from leaderboard.entries.shelf import Shelf


@dataclass(frozen=True)
class Moved:
    """An entry before and after: its scorecards, and how many outcomes of its own run changed."""

    entry_id: str
    name: str
    changed: int
    before: Scorecard
    after: Scorecard


def rejudge_board(shelf: Shelf, actor: str, suites: tuple[Path, ...] = ()) -> list[Moved]:
    """Judge every run of the board again that another version judged; the entries that were, as they moved.

    Entries that are not accepted, or were changed since, are left as they are.
    """
    judges = Judges(suites)
    # What was not accepted as it is stays so: judging again is no validation.
    accepted = [
        (entry_id, manifest)
        for entry_id, manifest in shelf.manifests()
        if not_accepted(shelf, entry_id, shelf.state(entry_id).submitted) is None
    ]
    before = {entry_id: shelf.scored(entry_id).card for entry_id, _ in accepted}
    for home in sorted(path.parent for path in shelf.bases.glob("*/*/run.json")):
        _rejudged(home, home, judges)
    moved = []
    for entry_id, manifest in accepted:
        folder = shelf.folder(entry_id)
        changed = _rejudged(folder / TUNED_FOLDER, folder, judges)
        if changed is not None:
            record_acceptance(shelf, entry_id, actor, rejudged=True)
            after = shelf.scored(entry_id).card
            moved.append(Moved(entry_id, manifest.tuned_model.name, changed, before[entry_id], after))
    return moved


def _rejudged(run: Path, sealed: Path, judges: Judges) -> int | None:
    """How many outcomes of a run changed; None where this version judged it already."""
    record = read_record(run)
    suite = judges.suite(suite_name(record))
    if record.judge == JUDGE_VERSION or suite is None:
        return None
    changed = judges.rejudge(suite, run).changed
    seal(sealed)
    return changed
