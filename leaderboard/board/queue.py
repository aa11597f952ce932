"""The maintainers' queue: entries that wait for a person, why, and the command that comes next."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass

from leaderboard.board.board import Board, Row, Track
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
    many alarms of each kind its scorecard has; ``command`` what a maintainer runs next. ``row`` is None for an entry
    that was left out of the board.
    """

    entry_id: str
    name: str
    reason: str
    since: str
    why: str
    alarms: dict[str, int]
    command: str
    row: Row | None = None

    @property
    def title(self) -> str:
        return QUEUE_REASONS[self.reason][0]


def queued_entries(board: Board) -> tuple[Queued, ...]:
    """Entries that wait for a maintainer: flagged ones, those left out, those without a ledger, then unverified ones.

    Within a reason those come first of which verifying gains most (:func:`worth_verifying`), and then the longest
    waiting.
    """
    order = list(QUEUE_REASONS)
    found = [(_queued(row), _least_gained(track, row)) for track in board.tracks for row in track.rows]
    waiting = [(order.index(each.reason), place, each) for each, place in found if each is not None]
    for bad in board.bad:
        reason = "pending" if bad.waiting else "left-out"
        command = _accept(bad.path) if bad.waiting else _validate(bad.path)
        waiting.append((order.index(reason), _LAST, Queued(bad.path, bad.path, reason, "", bad.reason, {}, command)))
    return tuple(each for *_, each in sorted(waiting, key=lambda one: (*one[:2], one[2].since, one[2].entry_id)))


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


def _queued(row: Row) -> Queued | None:
    name, state = row.name, row.state
    kinds = Counter(alarm.kind for alarm in row.card.alarms)
    alarms = {str(kind): count for kind, count in sorted(kinds.items(), key=lambda each: (-each[1], each[0]))}

    def waits(reason: str, since: str, why: str, command: str) -> Queued:
        return Queued(row.entry_id, name, reason, since[:10], why, alarms, command, row)

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
