"""What the pages draw: the axes a table shares, and the gain x retention scatter of a track."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.scoring import Scorecard
from leaderboard.board import Row, Track
from leaderboard.charts import Axis, axis, coordinate
from leaderboard.text import clean

_CELL = (4.0, 128.0)
_LABEL_HEIGHT = 15.0
# Wide enough for the larger type of a narrow screen.
_CHARACTER = 8.2


@dataclass(frozen=True)
class Point:
    """One entry in a scatter; ``text`` is empty where a label would lie on another."""

    entry_id: str
    label: str
    gain: float
    gain_ci: tuple[float, float]
    retention: float
    retention_ci: tuple[float, float] | None
    text: str
    text_x: str
    text_y: str
    anchor: str


@dataclass(frozen=True)
class Scatter:
    """Gain against retention of one track, in the user units of a 440 x 320 drawing."""

    x: Axis
    y: Axis
    points: tuple[Point, ...]


def scatter(track: Track) -> Scatter | None:
    """The scatter of ``track``; None when no entry has a defined retention."""
    rows = [(row, row.card.retention_macro) for row in track.rows if row.card.retention_macro is not None]
    if not rows:
        return None
    gains = [bound for row, _ in rows for bound in (row.card.target.gain, *row.card.target.gain_ci)]
    kept = [bound for row, value in rows for bound in (value, *(row.card.retention_macro_ci or ()))]
    x = axis(gains, 58, 424, include=(0.0, 0.2))
    y = axis(kept, 268, 22, include=(0.5, 1.0))
    taken: list[tuple[float, float, float]] = []
    return Scatter(x, y, tuple(_point(row, value, x, y, taken) for row, value in rows if value is not None))


def _point(row: Row, retention: float, x: Axis, y: Axis, taken: list[tuple[float, float, float]]) -> Point:
    card = row.card
    label = clean(row.name.rsplit("/", 1)[-1], 24)
    at_x, at_y = float(x.at(card.target.gain)), float(y.at(retention))
    left = at_x > (x.start + x.end) / 2
    width = len(label) * _CHARACTER
    text_x = at_x - 9 if left else at_x + 9
    # Above its point, except along the upper edge.
    text_y = at_y + 17 if at_y < y.end + 20 else at_y - 9
    box = (text_x - width if left else text_x, text_x if left else text_x + width, text_y)
    free = all(box[1] < other[0] or other[1] < box[0] or abs(box[2] - other[2]) > _LABEL_HEIGHT for other in taken)
    if free:
        taken.append(box)
    return Point(
        entry_id=row.entry_id,
        label=label,
        gain=card.target.gain,
        gain_ci=card.target.gain_ci,
        retention=retention,
        retention_ci=card.retention_macro_ci,
        text=label if free else "",
        text_x=coordinate(text_x),
        text_y=coordinate(text_y),
        anchor="end" if left else "start",
    )


def gain_axis(rows: Iterable[Row]) -> Axis:
    """The axis that the gain cells of one table share."""
    cards = [row.card for row in rows]
    return axis((bound for card in cards for bound in card.target.gain_ci), *_CELL, include=(0.0, 0.1), ticks=4)


def delta_axis(card: Scorecard) -> Axis:
    """The axis that the delta cells of one entry share: both sides of zero, at least ten points wide."""
    bounds = (bound for task in card.tasks.values() if task.role == "prior" for bound in task.delta_ci)
    return axis(bounds, 4.0, 168.0, include=(-0.05, 0.05), ticks=4)


def length(value: float, width: float) -> str:
    """The length of a bar for a value in [0, 1] where ``width`` stands for 1."""
    return coordinate(width * min(max(value, 0.0), 1.0))


def unit_axis() -> Axis:
    """The axis of retention and balance cells: all from 0 to 1, so that tables compare at a glance."""
    return axis((), *_CELL, include=(0.0, 1.0), ticks=4)
