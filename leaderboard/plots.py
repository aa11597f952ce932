"""What the pages draw: the axes a table shares, and the gain x retention scatter of a track."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.scoring import Scorecard
from leaderboard.board import Row, Track
from leaderboard.charts import Axis, axis, coordinate
from leaderboard.text import clean

_CELL = (4.0, 128.0)
_LABEL_HEIGHT = 12.0
# Wide enough for the larger type of a narrow screen.
_CHARACTER = 8.2


@dataclass(frozen=True)
class _Box:
    left: float
    right: float
    top: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


# Inside the axes of the scatter, where labels may stand.
_FRAME = _Box(60, 438, 0, 266)


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
    gains = [bound for row, _ in rows for bound in (row.card.learned.gain, *row.card.learned.gain_ci)]
    kept = [bound for row, value in rows for bound in (value, *(row.card.retention_macro_ci or ()))]
    x = axis(gains, 58, 424, include=(0.0, 0.2))
    y = axis(kept, 268, 22, include=(0.5, 1.0))
    spots = [
        _Spot(row, kept_share, float(x.at(row.card.learned.gain)), float(y.at(kept_share))) for row, kept_share in rows
    ]
    # Dots are in the way of labels too.
    taken = [_Box(spot.x - 7, spot.x + 7, spot.y - 7, spot.y + 7) for spot in spots]
    return Scatter(x, y, tuple(_point(spot, taken) for spot in spots))


@dataclass(frozen=True)
class _Spot:
    row: Row
    retention: float
    x: float
    y: float


def _point(spot: _Spot, taken: list[_Box]) -> Point:
    """The point of ``spot``; the place of its label is added to ``taken``."""
    card = spot.row.card
    label = clean(spot.row.name.rsplit("/", 1)[-1], 24)
    anchor, text_x, text_y = _place(label, spot, taken) or ("start", 0.0, 0.0)
    return Point(
        entry_id=spot.row.entry_id,
        label=label,
        gain=card.learned.gain,
        gain_ci=card.learned.gain_ci,
        retention=spot.retention,
        retention_ci=card.retention_macro_ci,
        text=label if text_y else "",
        text_x=coordinate(text_x),
        text_y=coordinate(text_y),
        anchor=anchor,
    )


def _place(label: str, spot: _Spot, taken: list[_Box]) -> tuple[str, float, float] | None:
    """The first of eight places around the point where the label is inside the drawing and meets nothing."""
    width = len(label) * _CHARACTER
    for dy in (-9, 18, -24, 33):
        for anchor, start in (("start", spot.x + 9), ("end", spot.x - 9 - width)):
            box = _Box(start, start + width, spot.y + dy - _LABEL_HEIGHT, spot.y + dy + 3)
            inside = box.left >= _FRAME.left and box.right <= _FRAME.right and box.top >= 0
            if inside and box.bottom <= _FRAME.bottom and not any(box.meets(other) for other in taken):
                taken.append(box)
                return anchor, start if anchor == "start" else start + width, spot.y + dy
    return None


def gain_axis(rows: Iterable[Row]) -> Axis:
    """The axis that the gain cells of one table share."""
    cards = [row.card for row in rows]
    return axis((bound for card in cards for bound in card.learned.gain_ci), *_CELL, include=(0.0, 0.1), ticks=4)


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
