"""Tags: what a reader should know of an entry beside its numbers, in a word or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from leaderboard.ledger import Evidence, Standing

Interval = tuple[float, float]
Tone = Literal["good", "warn", "plain"]


@dataclass(frozen=True)
class Tag:
    """A word or two, and whether it speaks for the entry, against it, or neither."""

    text: str
    tone: Tone


NO_GAIN = Tag("no gain shown", "plain")
GOT_WORSE = Tag("got worse", "warn")
# Nobody other than the author has run it.
PROVISIONAL = Tag("provisional", "plain")
# In a preview: no maintainer has accepted it.
NOT_ACCEPTED = Tag("not accepted yet", "warn")


def gain_tag(interval: Interval | None) -> Tag | None:
    """What the 95 % interval of a gain does not show; None where it shows a gain."""
    if interval is None or interval[0] <= 0 <= interval[1]:
        return NO_GAIN
    return GOT_WORSE if interval[1] < 0 else None


def tags_of(
    gain: Interval | None, evidence: Evidence, standing: Standing, alarms: int, *, pending: bool = False
) -> tuple[Tag, ...]:
    """The tags of an entry, the one that decides most first; ``pending``: it is not accepted yet."""
    found = [NOT_ACCEPTED] if pending else []
    if standing is not Standing.ACTIVE:
        found.append(Tag(str(standing), "warn"))
    if standing.ranked and not evidence.ranked:
        found.append(PROVISIONAL)
    if (said := gain_tag(gain)) is not None:
        found.append(said)
    if evidence.ranked:
        found.append(Tag(str(evidence), "good"))
    if alarms:
        found.append(Tag(f"{alarms} {'alarm' if alarms == 1 else 'alarms'}", "warn"))
    return tuple(found)


def shared(tags: Sequence[tuple[Tag, ...]]) -> tuple[Tag, ...]:
    """Those that all of several entries have, in the order of the first."""
    return tuple(tag for tag in tags[0] if all(tag in others for others in tags)) if tags else ()
