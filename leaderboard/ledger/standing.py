"""Standing: the current state of an entry, computed from its ledger's events by pure functions.

**Evidence** is how far the numbers have been checked: self-reported (recomputed here from the author's stored outputs)
< reproduced (somebody else ran a random subset again, and it agreed) < verified (a maintainer did). An event counts as
long as the entry's stored answers are those that it was about.

**Standing** is whether to rely on the entry: the strongest one given and not lifted, in the order of ``Standing``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from leaderboard.ledger.events import (
    Cleared,
    Event,
    EventError,
    Flagged,
    Rebased,
    Reproduced,
    Stale,
    Submitted,
    Superseded,
    Unavailable,
    Verified,
    Withdrawn,
)


class Evidence(StrEnum):
    """From weakest to strongest."""

    SELF_REPORTED = "self-reported"
    REPRODUCED = "reproduced"
    VERIFIED = "verified"

    @property
    def rank(self) -> int:
        return list(Evidence).index(self)

    @property
    def ranked(self) -> bool:
        """Whether somebody other than the author ran the models, so that the entry may have a rank. Recomputing scores
        from stored answers cannot tell answers of a model from answers that were written."""
        return self is not Evidence.SELF_REPORTED


class Standing(StrEnum):
    """From strongest to weakest: if several were given, the first is shown."""

    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    FLAGGED = "flagged"
    UNAVAILABLE = "unavailable"
    STALE = "stale"
    ACTIVE = "active"

    @property
    def ranked(self) -> bool:
        """Whether the entry is ranked. Flagged, superseded and withdrawn ones are not; if the suite was closed or the
        weights are unavailable, the numbers remain valid."""
        return self in (Standing.ACTIVE, Standing.STALE, Standing.UNAVAILABLE)


_GIVES: dict[type[Event], Standing] = {
    Withdrawn: Standing.WITHDRAWN,
    Superseded: Standing.SUPERSEDED,
    Flagged: Standing.FLAGGED,
    Unavailable: Standing.UNAVAILABLE,
    Stale: Standing.STALE,
}


@dataclass(frozen=True)
class State:
    """An entry's evidence and standing, ``because`` of the events that give it (empty for active), and all events.

    ``submitted`` is its last acceptance, with the files of the base run that has replaced another one since.
    """

    evidence: Evidence
    standing: Standing
    because: tuple[Flagged | Withdrawn | Superseded | Stale | Unavailable, ...]
    submitted: Submitted | None
    events: tuple[Event, ...]

    @property
    def superseded_by(self) -> str | None:
        return next((event.by for event in reversed(self.because) if isinstance(event, Superseded)), None)

    @property
    def replaced(self) -> tuple[tuple[str, str], ...]:
        """The places of base runs that were replaced, each with that of the one that takes its place, in order."""
        return tuple((event.replaced, event.replacement) for event in self.events if isinstance(event, Rebased))


def fold(events: Iterable[Event]) -> State:
    """The state after ``events``, in any order and with repetitions; ``fold([])`` is the initial state.

    Two different events of one sequence number or of two entries are an ``EventError``.
    """
    ledger = _in_order(events)
    lifted = {event.of for event in ledger if isinstance(event, Cleared)}
    given = [event for event in ledger if type(event) in _GIVES and event.seq not in lifted]
    standing = min((_GIVES[type(event)] for event in given), key=list(Standing).index, default=Standing.ACTIVE)
    accepted = _accepted(ledger)
    submitted = accepted[max(accepted)] if accepted else None
    return State(
        evidence=_evidence(ledger, submitted, accepted),
        standing=standing,
        because=tuple(event for event in given if _GIVES[type(event)] is standing),  # type: ignore[misc]
        submitted=submitted,
        events=ledger,
    )


def _in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    by_seq: dict[int, Event] = {}
    for event in events:
        if by_seq.setdefault(event.seq, event) != event:
            raise EventError(f"{event.entry_id}: event {event.seq}: there are two with this number")
    if len(entries := {event.entry_id for event in by_seq.values()}) > 1:
        raise EventError(f"events of {len(entries)} entries cannot be folded together")
    return tuple(by_seq[seq] for seq in sorted(by_seq))


def _accepted(ledger: Sequence[Event]) -> dict[int, Submitted]:
    """The acceptances by number, each with the base run that it was scored with last."""
    found: dict[int, Submitted] = {}
    last: Submitted | None = None
    for event in ledger:
        if isinstance(event, Submitted):
            last = event
        elif isinstance(event, Rebased) and last is not None:
            last = last.scored_with(event)
        if last is not None:
            found[last.seq] = last
    return found


def _evidence(ledger: tuple[Event, ...], submitted: Submitted | None, accepted: dict[int, Submitted]) -> Evidence:
    found = [Evidence.SELF_REPORTED]
    known = _samples(accepted, submitted)
    for event in ledger:
        if isinstance(event, Reproduced | Verified) and _sides(event) in known:
            found.append(Evidence.VERIFIED if isinstance(event, Verified) else Evidence.REPRODUCED)
    return max(found, key=lambda evidence: evidence.rank)


def _sides(event: Reproduced | Verified) -> tuple[str, str]:
    return event.agreement.base.samples_sha256, event.agreement.tuned.samples_sha256


def _samples(earlier: dict[int, Submitted], submitted: Submitted | None) -> set[tuple[str, str]]:
    """The sha256 of both sides' samples as they are, and as they were when the same outputs were judged otherwise."""
    found: set[tuple[str, str]] = set()
    while submitted is not None:
        found.add((submitted.base_samples_sha256, submitted.tuned_samples_sha256))
        before = submitted.same_outputs_as
        submitted = earlier.get(before) if before is not None and before < submitted.seq else None
    return found
