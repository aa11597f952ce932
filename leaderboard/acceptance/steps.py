"""Validation: run all steps of acceptance on one entry, on a CPU, and report their findings.

Nothing in a submission is executed; its content is read within limits (:mod:`leaderboard.entries.limits`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from harness.scoring import Scorecard, rests_on
from leaderboard.acceptance import coverage as acceptance
from leaderboard.acceptance.copies import Fingerprint, compare, fingerprint
from leaderboard.acceptance.coverage import Candidate, Surroundings, candidate
from leaderboard.acceptance.plausibility import lengths, plausibility
from leaderboard.acceptance.report import Numbers, Report, report
from leaderboard.acceptance.twins import Named, twins
from leaderboard.entries import STEPS, Finding, Findings, Shelf, arrivals, finding, integrity

_STEPS: tuple[tuple[Callable[[Candidate], Findings], Callable[[Candidate], bool]], ...] = (
    (integrity.files, lambda entry: True),
    (integrity.schema, lambda entry: True),
    (integrity.path, lambda entry: entry.manifest is not None),
    (integrity.hashes, lambda entry: True),
    (acceptance.merged, lambda entry: True),
    (acceptance.coverage, lambda entry: entry.manifest is not None),
    (lengths, lambda entry: entry.can_be_judged),
    (acceptance.recomputation, lambda entry: entry.can_be_judged),
    (plausibility, lambda entry: entry.can_be_judged),
)


def validate(folder: Path, around: Surroundings) -> Report:
    """Validate one entry in this process, and compare it with the other entries of the shelf.

    ``around`` may be shared by many calls: suites, base runs and the other entries are then read once.
    """
    found, printed = examine(folder, around)
    prints = [printed]
    for other in others(around.shelf, [folder]):
        if other not in around.prints:
            around.prints[other] = print_of(other, around)
        prints.append(around.prints[other])
    return across([found], [each for each in prints if each is not None], around.shelf)[0]


def examine(folder: Path, around: Surroundings) -> tuple[Report, Fingerprint | None]:
    """Run all steps on one entry by itself; a step whose prerequisites failed is not reached."""
    entry = candidate(folder, around)
    found: list[Finding] = []
    reached: set[str] = set()
    for number, (step, ready) in zip((1, 2, 3, 4, 4, 5, 7, 6, 7), _STEPS, strict=True):
        try:
            if ready(entry):
                reached.add(STEPS[number])
                found += step(entry)
        except Exception as error:  # hostile content may make any step raise, and must not pass then
            why = f"step {number} ({STEPS[number]}) broke on this entry ({type(error).__name__})"
            found.append(finding("broken", ".", why))
    numbers = None if entry.card is None else _numbers(entry.card)
    made = report(folder.name, found, reached | {STEPS[8]}, numbers)
    return made, _print(entry)


def others(shelf: Shelf, folders: Sequence[Path]) -> list[Path]:
    """The entries of the shelf except those of the same name as ``folders``, which are older versions of them."""
    own = {folder.resolve().name for folder in folders}
    if not shelf.submissions.is_dir():
        return []
    return [path for path in sorted(shelf.submissions.iterdir()) if path.is_dir() and path.name not in own]


def print_of(folder: Path, around: Surroundings) -> Fingerprint | None:
    """The fingerprint of an entry that is not validated itself; None if it cannot be read."""
    entry = candidate(folder, around)
    try:
        for step in (integrity.files, integrity.schema, integrity.path):
            if any(found.action == "refuse" for found in step(entry)):
                return None
        return _print(entry)
    except Exception:  # an invalid entry must not affect the others
        return None


def across(reports: Sequence[Report], prints: Sequence[Fingerprint], shelf: Shelf) -> list[Report]:
    """The reports with the findings of comparing the entries."""
    order = arrivals(shelf)
    found: dict[str, list[Finding]] = {}
    named = [Named(each.entry, each.manifest, order.get(each.entry, len(order))) for each in prints]
    for name, each in (*compare(prints, order), *twins(named)):
        found.setdefault(name, []).append(each)
    return [made.with_findings(found[made.entry]) if made.entry in found else made for made in reports]


def _print(entry: Candidate) -> Fingerprint | None:
    if entry.pair is None or entry.manifest is None or entry.overlong:
        return None
    try:
        return fingerprint(entry.folder.name, entry.manifest, *entry.pair)
    except Exception:  # the steps have reported what is wrong with such an entry
        return None


def _numbers(card: Scorecard) -> Numbers:
    return Numbers(
        target=card.learned.family,
        gain=card.learned.gain,
        gain_ci=card.learned.gain_ci,
        normalised_gain=card.learned.normalised_gain,
        retention_macro=card.retention_macro,
        retention_macro_ci=card.retention_macro_ci,
        rests_on=rests_on(card) if card.retention_macro is not None else card.reasons["retention_macro"],
        worst_group=card.worst_group.group if card.worst_group else None,
        balance=card.balance,
        no_balance=card.reasons.get("balance"),
        signature=card.signature,
    )
