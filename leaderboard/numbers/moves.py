"""Moves: what judging again changed in the numbers of entries, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leaderboard.entries import Moved
from leaderboard.numbers.formats import markdown, points, ratio

_HEADER = "| entry | name | outcomes changed | gain, points | retention | balance |"


def moved_table(moved: Sequence[Moved]) -> Iterator[str]:
    """One Markdown row an entry, each number old → new."""
    yield _HEADER
    yield "|---|---|---|---|---|---|"
    for each in moved:
        before, after = each.before, each.after
        gains = (None if card.target is None else card.target.gain for card in (before, after))
        numbers = (
            " → ".join(map(points, gains)),
            f"{ratio(before.retention_macro)} → {ratio(after.retention_macro)}",
            f"{ratio(before.balance)} → {ratio(after.balance)}",
        )
        yield f"| `{each.entry_id}` | {markdown(each.name)} | {each.changed} | {' | '.join(numbers)} |"
