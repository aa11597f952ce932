"""Timeline: what entries kept by the date of their run, and the most that was kept so far."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.board import Row, Track
from leaderboard.site.charts import Axis, axis, coordinate
from leaderboard.site.views import METHODS

WIDTH, HEIGHT = 400, 222
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 386.0, 30.0, 196.0
# Dates at the axis closer than this, in user units, lie on each other.
_NEAR = 74.0


@dataclass(frozen=True)
class Mark:
    """One entry at the time of its run; ``best`` where none before it kept as much."""

    row: Row
    family: str
    x: str
    y: str
    best: bool


@dataclass(frozen=True)
class Timeline:
    """Retention by date of the run, in the user units of a ``WIDTH`` x ``HEIGHT`` drawing.

    ``best`` is the step line of the most kept so far by reproduced or verified entries
    that show a gain, empty where none does; ``ticks`` are
    dates at the axis, with their places; ``undated`` counts entries whose record has no date that can be read.
    """

    y: Axis
    ticks: tuple[tuple[str, str], ...]
    marks: tuple[Mark, ...]
    best: str
    families: tuple[str, ...]
    undated: int
    left: str = coordinate(_LEFT)
    right: str = coordinate(_RIGHT)

    @property
    def caption(self) -> str:
        """What is drawn, in a sentence or two."""
        line = (
            " The line is the most kept so far by a reproduced or verified entry that shows a gain."
            if self.best
            else ""
        )
        word = "entry has" if self.undated == 1 else "entries have"
        left_out = f" {self.undated} {word} no date." if self.undated else ""
        return f"A mark is an entry, at the time of its run (UTC).{line}{left_out}"


def timeline(track: Track) -> Timeline | None:
    """The entries of ``track`` by the time of their run; None unless there are at least two dates."""
    known = [(row, row.card.retention_macro) for row in track.rows if row.card.retention_macro is not None]
    dated = sorted(
        ((when, kept, row) for row, kept in known if (when := moment(row.created)) is not None),
        key=lambda each: (each[0], each[2].entry_id),
    )
    if len({when.date() for when, _, _ in dated}) < 2:
        return None
    y = axis((kept for _, kept, _ in dated), _BOTTOM - 6, _TOP, include=(), ticks=5)
    first, last = dated[0][0].timestamp(), dated[-1][0].timestamp()
    x = Axis(first, last, _LEFT + 10, _RIGHT - 8, ())
    marks, path, most = [], "", None
    for when, kept, row in dated:
        left, top = x.at(when.timestamp()), y.at(kept)
        better = row.shows_gain and row.precedence == 0 and (most is None or kept > most)
        if better:
            path += f"M{left} {top}" if most is None else f"H{left}V{top}"
            most = kept
        marks.append(Mark(row, row.manifest.method.family, left, top, better))
    drawn = {mark.family for mark in marks}
    return Timeline(
        y=y,
        ticks=_ticks([when for when, _, _ in dated], x),
        marks=tuple(marks),
        best=f"{path}H{coordinate(_RIGHT - 8)}" if path else "",
        families=tuple(family for family in METHODS if family in drawn),
        undated=len(known) - len(dated),
    )


def moment(created: str) -> datetime.datetime | None:
    """When a run was made, in UTC; None where its record says nothing that is a time. Without an offset it is UTC."""
    try:
        found = datetime.datetime.fromisoformat(created)
        return found.replace(tzinfo=found.tzinfo or datetime.UTC).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None


def _ticks(times: Sequence[datetime.datetime], x: Axis) -> tuple[tuple[str, str], ...]:
    """Dates at the axis, each where its first entry is; none that would lie on the one before."""
    found: list[tuple[str, str]] = []
    for when in times:
        day, place = when.date().isoformat(), x.at(when.timestamp())
        if not found or (day != found[-1][0] and float(place) - float(found[-1][1]) >= _NEAR):
            found.append((day, place))
    return tuple(found)
