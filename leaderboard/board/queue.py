"""The maintainers' queue: entries that wait for a person, why, and the command that comes next."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from leaderboard.board.board import Board, Row, Track
from leaderboard.entries import asks_first
from leaderboard.ledger import Evidence, Standing

# Why an entry waits, in the order in which the queue has them, and what is to be done.
QUEUE_REASONS = {
    "flagged": ("flagged", "look at the reason; then clear, withdraw or verify again"),
    "left-out": ("left out", "fix the files, or ask the author to"),
    "pending": ("not accepted yet", "validate it and record its files, which puts it on the board"),
    "unverified": ("not verified", "generate a random part of its answers again"),
}


# After all entries of which anything is gained.
_LAST = True, 0, 0.0


@dataclass(frozen=True)
class Queued:
    """One entry that waits, for one of ``QUEUE_REASONS``.

    ``since`` is the date from which it waits, empty where none is known; ``why`` what was said of it; ``alarms`` how
    many alarms of each kind its scorecard has; ``flags`` what validation flagged, by rule, in words; ``command`` what a
    maintainer runs next. ``row`` is None for an entry that was left out of the board.
    """

    entry_id: str
    name: str
    reason: str
    since: str
    why: str
    alarms: dict[str, int]
    flags: dict[str, str]
    command: str
    row: Row | None = None

    @property
    def title(self) -> str:
        return QUEUE_REASONS[self.reason][0]


def queued_entries(board: Board) -> tuple[Queued, ...]:
    """Entries that wait for a maintainer: flagged ones, those left out, those without a ledger, then unverified ones.

    Within a reason those come first whose flags ask for verification, then those of which verifying gains most
    (:func:`worth_verifying`), and then the longest waiting. Flags are those of the validation that this board has seen,
    or else those on record with the acceptance.
    """
    order = list(QUEUE_REASONS)
    found = [
        (_queued(row, _flags(board, row)), _least_gained(track, row)) for track in board.tracks for row in track.rows
    ]
    waiting = [(order.index(each.reason), place, each) for each, place in found if each is not None]
    for bad in board.bad:
        reason = "pending" if bad.waiting else "left-out"
        command = _accept(bad.path) if bad.waiting else _validate(bad.path)
        flags = dict(board.found.get(bad.path, {}))
        left_out = Queued(bad.path, bad.path, reason, "", bad.reason, {}, flags, command)
        waiting.append((order.index(reason), _LAST, left_out))
    return tuple(each for *_, each in sorted(waiting, key=lambda one: _order(*one)))


def _order(reason: int, gained: tuple[bool, int, float], each: Queued) -> tuple[object, ...]:
    return reason, not asks_first(each.flags), gained, each.since, each.entry_id


def _flags(board: Board, row: Row) -> dict[str, str]:
    recorded = row.state.submitted.flags if row.state.submitted is not None else {}
    return dict(board.found.get(row.entry_id, recorded))


def worth_verifying(track: Track, row: Row) -> tuple[bool, int, float]:
    """What verifying an entry gains, to be compared with others': whether the board would then say of its track what no
    reproduced or verified entry lets it say (there is none yet, or its balance is above the best of theirs); how many
    entries of its track stand below it by balance, and so wait for it to know their place; and the balance."""
    balance = row.card.balance
    if balance is None:
        return False, 0, row.card.retention_macro or 0.0
    below = bisect_left(track.balances, balance)
    return track.best_known is None or balance > track.best_known, below, balance


def _least_gained(track: Track, row: Row) -> tuple[bool, int, float]:
    """The order of the queue: what is worth most comes first."""
    first, below, balance = worth_verifying(track, row)
    return not first, -below, -balance


def _queued(row: Row, flags: Mapping[str, str]) -> Queued | None:
    name, state = row.name, row.state
    kinds = Counter(alarm.kind for alarm in row.card.alarms)
    alarms = {str(kind): count for kind, count in sorted(kinds.items(), key=lambda each: (-each[1], each[0]))}

    def waits(reason: str, since: str, why: str, command: str) -> Queued:
        return Queued(row.entry_id, name, reason, since[:10], why, alarms, dict(flags), command, row)

    if row.standing is Standing.FLAGGED:
        event = state.because[-1]
        return waits("flagged", event.at, event.reason, f"retention maintain events {row.entry_id}")
    if row.standing is not Standing.ACTIVE:
        return None
    if state.submitted is None:
        return waits("pending", "", "its files are not recorded", _accept(row.entry_id))
    if row.evidence is Evidence.VERIFIED:
        return None
    return waits(
        "unverified", state.submitted.at, f"{row.evidence}; nobody who maintains the board has run it",
        f"retention maintain verify {row.entry_id} --by ACCOUNT",
    )  # fmt: skip


def _accept(entry_id: str) -> str:
    return f"retention maintain accept {entry_id} --by ACCOUNT"


def _validate(entry_id: str) -> str:
    return f"retention submit validate submissions/{entry_id}"
