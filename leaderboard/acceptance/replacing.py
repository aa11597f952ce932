"""Replacing: a base run that was shown to be wrong, and what that moves in the entries that were scored with it.

The entries stay as they were submitted. Each ledger gets an event that names the run which takes the place of the wrong
one, with the numbers before and after; the wrong run stays where it is, so that both can be computed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose
from pathlib import Path

from harness.errors import CheckFailedError, RetentionError
from harness.scoring import Scorecard, score_pair
from leaderboard.acceptance.coverage import Surroundings
from leaderboard.acceptance.report import Report
from leaderboard.acceptance.steps import examine
from leaderboard.entries import BaseRuns, Shelf, base_files, read_entry, record
from leaderboard.ledger import Headline, Rebased, Standing, State

# Of what is written and computed again.
_SAME = 1e-9


@dataclass(frozen=True)
class Replacement:
    """What the replacement of its base run moved in one entry, and the event that says so."""

    entry: str
    before: Headline
    after: Headline
    file: Path


def replace_base(
    shelf: Shelf,
    wrong: str,
    right: str,
    actor: str,
    reason: str,
    suites: Sequence[Path] = (),
    entries: Sequence[str] = (),
) -> list[Replacement]:
    """Score every accepted entry whose base run is ``wrong`` with ``right`` from now on (``entries``: only these).

    Both are places among the base runs. Each entry goes through all steps of validation with the new run first;
    ``CheckFailedError`` names the first that is refused, and then nothing is written.
    """
    paired = [name for name in _paired(shelf, wrong) if not entries or name in entries]
    if odd := sorted(set(entries) - set(paired)):
        raise CheckFailedError(f"{odd[0]}: not an accepted entry that is scored with the base run at {wrong}")
    if not paired:
        raise CheckFailedError(f"{wrong}: no accepted entry is scored with this base run; nothing is to be replaced")
    around = Surroundings(shelf, suites, ((wrong, right),))
    moved = {name: _moved(shelf, name, around, right) for name in paired}
    stored = around.bases.get(right)
    if stored is None or stored.run is None:
        raise CheckFailedError(f"{right}: no base run that can be read")
    fields = {
        "replaced": wrong,
        "replacement": right,
        "files": base_files(shelf.bases, right),
        "base_samples_sha256": stored.run.record.samples_sha256,
        "reason": reason,
    }
    return [
        Replacement(
            name,
            before,
            after,
            record(shelf, Rebased, name, actor, **fields, before=before.model_dump(), after=after.model_dump())[0],
        )
        for name, (before, after) in moved.items()
    ]


def wrong_numbers(shelf: Shelf, state: State, event: Rebased) -> str | None:
    """Why the numbers of an event are not those that the stored answers give; None where they are, or where the entry
    is gone."""
    folder = shelf.submissions / event.entry_id
    if not folder.is_dir():
        return None
    pairs = tuple((each.replaced, each.replacement) for each in state.events if isinstance(each, Rebased))
    number = [each.seq for each in state.events if isinstance(each, Rebased)].index(event.seq)
    bases = BaseRuns(shelf.bases)
    for side, stated, replaced in (
        ("before", event.before, pairs[:number]),
        ("after", event.after, pairs[: number + 1]),
    ):
        entry = read_entry(folder, bases, replaced)
        found = headline(score_pair(entry.base, entry.tuned, entry.manifest.target))
        for name, value in found.model_dump().items():
            said = getattr(stated, name)
            if (said is None) != (value is None) or (value is not None and not isclose(said, value, abs_tol=_SAME)):
                return f"{side}.{name}: {said}, but the stored answers give {value}"
    if entry.base.record.samples_sha256 != event.base_samples_sha256:
        return f"base_samples_sha256: {event.base_samples_sha256[:12]}, which is not that of {event.replacement}"
    return None


def headline(card: Scorecard) -> Headline:
    """The numbers of a scorecard that an event of a replacement names."""
    return Headline(gain=card.learned.gain, retention=card.retention_macro, balance=card.balance)


def _paired(shelf: Shelf, home: str) -> list[str]:
    """The accepted entries that are scored with the base run at ``home``."""
    states = {name: shelf.state(name) for name, ledger in shelf.ledgers().items() if isinstance(ledger, tuple)}
    return [
        name
        for name, state in states.items()
        if state.standing is not Standing.WITHDRAWN and state.submitted and state.submitted.base_home == home
    ]


def _moved(shelf: Shelf, entry_id: str, around: Surroundings, right: str) -> tuple[Headline, Headline]:
    """The numbers of an entry before and after, once every step has accepted it with the new run."""
    report: Report = examine(shelf.folder(entry_id), around)[0]
    prevents = [found for found in report.findings if found.action != "flag"]
    if prevents or report.numbers is None:
        why = prevents[0].line if prevents else "cannot be scored"
        raise CheckFailedError(f"{entry_id}: refused with the base run at {right}: {why}; nothing was written")
    numbers = report.numbers
    after = Headline(gain=numbers.gain, retention=numbers.retention_macro, balance=numbers.balance)
    try:
        return headline(shelf.scored(entry_id).card), after
    except RetentionError as error:
        raise CheckFailedError(f"{entry_id}: cannot be scored as it is ({error}); nothing was written") from error
