"""What the pages draw: the axes a table shares, and the gain x retention scatter of a track."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.scoring import Scorecard
from leaderboard.board import Row, Track
from leaderboard.documents import clean
from leaderboard.site.charts import Axis, axis, coordinate
from leaderboard.site.curves import Curve
from leaderboard.site.views import METHODS

_CELL = (4.0, 212.0)
_LABEL_HEIGHT = 12.0
# Wide enough for the larger type of a narrow screen.
_CHARACTER = 8.2
# With more entries than these, intervals of all and labels of all would cover the points.
_MOST_CROSSES, _MOST_LABELS = 40, 12
# Method families are told apart by shape first and colour second: circle, square, triangle, diamond and so on.
SHAPES = (
    "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0-5 0Z",
    "M-4.5-4.5H4.5V4.5H-4.5Z",
    "M0-6L5.5 4.5H-5.5Z",
    "M0-6.5L6 0L0 6.5L-6 0Z",
    "M0 6L-5.5-4.5H5.5Z",
    "M-6-2H-2V-6H2V-2H6V2H2V6H-2V2H-6Z",
    "M-6-3L-3-6L0-3L3-6L6-3L3 0L6 3L3 6L0 3L-3 6L-6 3L-3 0Z",
)
FAMILY_SHAPES = dict(zip(("sft", "rft", "sft-on-rollouts", "distill", "dpo", "merge", "other"), SHAPES, strict=True))


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


# The ends of the axes of a 440 x 320 drawing, with room for the figures at them.
_ACROSS, _UP = (58.0, 414.0), (268.0, 22.0)
# Runs beyond these share the colours from the first one on.
RUN_COLOURS = 8
_BEST = "on the front"
# Inside the axes of the scatter, where labels may stand.
_FRAME = _Box(60, 438, 0, 266)


@dataclass(frozen=True)
class Point:
    """One entry in a scatter; ``text`` is empty where a label would lie on another, ``cross`` where there is no room
    for the intervals of so many."""

    row: Row
    family: str
    x: str
    y: str
    cross: str
    front: bool
    text: str
    text_x: str
    text_y: str
    anchor: str


@dataclass(frozen=True)
class Scatter:
    """Gain against retention of one track, in the user units of a 440 x 320 drawing.

    ``front`` is the step line through the entries that no other beats in both: what lies below and left is beaten.
    ``families`` are the method families drawn, and ``crossed`` says whether intervals are.
    """

    x: Axis
    y: Axis
    points: tuple[Point, ...]
    front: str
    families: tuple[str, ...]
    crossed: bool


def scatter(track: Track) -> Scatter | None:
    """The scatter of ``track``; None when no entry has a defined retention."""
    rows = [(row, row.card.retention_macro) for row in track.rows if row.card.retention_macro is not None]
    if not rows:
        return None
    gains = [bound for row, _ in rows for bound in (row.card.learned.gain, *(row.card.learned.gain_ci or ()))]
    kept = [bound for row, value in rows for bound in (value, *(row.card.retention_macro_ci or ()))]
    x = axis(gains, *_ACROSS, include=(0.0, 0.2))
    y = axis(kept, *_UP, include=(0.5, 1.0))
    spots = [
        _Spot(row, kept_share, float(x.at(row.card.learned.gain)), float(y.at(kept_share))) for row, kept_share in rows
    ]
    # Dots are in the way of labels too.
    taken = [_around(spot.x, spot.y) for spot in spots]
    few = len(spots) <= _MOST_CROSSES
    # Those on the front are named first: a reader looks for them.
    spots.sort(key=lambda spot: spot.row.placing.front != _BEST)
    points = [
        _point(spot, taken, x, y, crossed=few, labelled=len(spots) <= _MOST_LABELS or at < _MOST_LABELS)
        for at, spot in enumerate(spots)
    ]
    # Doubted entries are drawn, but no front passes through them. The first entry is drawn last, on top of the others.
    front = [(row.card.learned.gain, kept) for row, kept in rows if row.placing.front is not None]
    there = {point.family for point in points}
    families = tuple(family for family in METHODS if family in there)
    return Scatter(x, y, tuple(reversed(points)), _staircase(front, x, y), families, few)


def _staircase(values: list[tuple[float, float]], x: Axis, y: Axis) -> str:
    """The path of the Pareto front of (gain, retention), from the top left to the bottom right of the axes."""
    best = sorted(set(values), key=lambda value: (-value[0], -value[1]))
    front: list[tuple[float, float]] = []
    for gain, kept in best:
        if not front or kept > front[-1][1]:
            front.append((gain, kept))
    if not front:
        return ""
    path = f"M{coordinate(x.start)} {y.at(front[-1][1])}"
    for gain, kept in reversed(front):
        path += f"V{y.at(kept)}H{x.at(gain)}"
    return f"{path}V{coordinate(y.start)}"


@dataclass(frozen=True)
class _Spot:
    row: Row
    retention: float
    x: float
    y: float


def _point(spot: _Spot, taken: list[_Box], x: Axis, y: Axis, *, crossed: bool, labelled: bool) -> Point:
    """The point of ``spot``; the place of its label is added to ``taken``."""
    card = spot.row.card
    label = short(spot.row.name.rsplit("/", 1)[-1])
    anchor, text_x, text_y = (_place(label, spot.x, spot.y, taken) if labelled else None) or ("start", 0.0, 0.0)
    cross = ""
    if crossed:
        if card.learned.gain_ci is not None:
            low, high = card.learned.gain_ci
            cross += f"M{x.at(low)} {coordinate(spot.y)}H{x.at(high)}"
        if card.retention_macro_ci is not None:
            low, high = card.retention_macro_ci
            cross += f"M{coordinate(spot.x)} {y.at(low)}V{y.at(high)}"
    return Point(
        row=spot.row,
        family=spot.row.manifest.method.family,
        x=coordinate(spot.x),
        y=coordinate(spot.y),
        cross=cross,
        front=spot.row.placing.front == _BEST,
        text=label if text_y else "",
        text_x=coordinate(text_x),
        text_y=coordinate(text_y),
        anchor=anchor,
    )


@dataclass(frozen=True)
class Line:
    """One training run in a chart of trajectories: its path and where each checkpoint lies.

    Runs of one recipe share ``colour``; ``text`` stands at the last checkpoint of the first of them.
    """

    path: str
    dots: tuple[tuple[str, str, Row], ...]
    colour: int
    text: str
    text_x: str
    text_y: str
    anchor: str


@dataclass(frozen=True)
class Curves:
    """Retention against normalised gain along training runs, in the user units of a 440 x 320 drawing."""

    x: Axis
    y: Axis
    lines: tuple[Line, ...]


def trajectories(curves: Iterable[Curve]) -> Curves:
    """The chart of ``curves``: every run starts at its base, where nothing is learned and all is kept."""
    runs = list(curves)
    kept = [row.card.retention_macro for curve in runs for row in curve.rows]
    gains = [row.card.learned.normalised_gain for curve in runs for row in curve.rows]
    x, y = axis(gains, *_ACROSS, include=(0.0, 1.0)), axis(kept, *_UP, include=(0.5, 1.0))
    places = [
        [
            (x.at(row.card.learned.normalised_gain or 0.0), y.at(row.card.retention_macro or 0.0), row)
            for row in curve.rows
        ]
        for curve in runs
    ]
    taken = [_around(float(left), float(top)) for dots in places for left, top, _ in dots]
    recipes = list(dict.fromkeys(curve.label for curve in runs))
    lines, named = [], set()
    for curve, dots in zip(runs, places, strict=True):
        text = "" if curve.label in named else short(curve.label)
        named.add(curve.label)
        left, top, _ = dots[-1]
        anchor, text_x, text_y = (_place(text, float(left), float(top), taken) if text else None) or ("start", 0.0, 0.0)
        path = f"M{x.at(0)} {y.at(1)}" + "".join(f"L{left} {top}" for left, top, _ in dots)
        colour = recipes.index(curve.label) % RUN_COLOURS
        spot = coordinate(text_x), coordinate(text_y), anchor
        lines.append(Line(path, tuple(dots), colour, text if text_y else "", *spot))
    return Curves(x, y, tuple(lines))


def short(name: str, most: int = 24) -> str:
    """A label of ``most`` characters: names of one track often start alike and tell at their end what is special."""
    plain = clean(name)
    head = most // 3
    return plain if len(plain) <= most else f"{plain[:head]}\N{HORIZONTAL ELLIPSIS}{plain[head + 1 - most :]}"


def _around(x: float, y: float) -> _Box:
    return _Box(x - 7, x + 7, y - 7, y + 7)


def _place(label: str, x: float, y: float, taken: list[_Box]) -> tuple[str, float, float] | None:
    """The first of eight places around the point where the label is inside the drawing and meets nothing."""
    width = len(label) * _CHARACTER
    for dy in (-9, 18, -24, 33):
        for anchor, start in (("start", x + 9), ("end", x - 9 - width)):
            box = _Box(start, start + width, y + dy - _LABEL_HEIGHT, y + dy + 3)
            inside = box.left >= _FRAME.left and box.right <= _FRAME.right and box.top >= 0
            if inside and box.bottom <= _FRAME.bottom and not any(box.meets(other) for other in taken):
                taken.append(box)
                return anchor, start if anchor == "start" else start + width, y + dy
    return None


def gain_axis(card: Scorecard) -> Axis:
    """The axis of an entry's gain: from the base to all it could learn."""
    return axis(card.learned.gain_ci or (), *_CELL, include=(0.0, 1.0), ticks=4)


def delta_axis(card: Scorecard) -> Axis:
    """The axis that the delta cells of one entry share: both sides of zero, at least ten points wide."""
    bounds = (bound for task in card.tasks.values() if task.role == "prior" for bound in task.delta_ci or ())
    return axis(bounds, 4.0, 168.0, include=(-0.05, 0.05), ticks=4)


def length(value: float, width: float) -> str:
    """The length of a bar for a value in [0, 1] where ``width`` stands for 1."""
    return coordinate(width * min(max(value, 0.0), 1.0))


def unit_axis() -> Axis:
    """The axis of an entry's retention and balance: all from 0 to 1, so that entries compare at a glance."""
    return axis((), *_CELL, include=(0.0, 1.0), ticks=4)


def within(value: float | None) -> float | None:
    """A number for :func:`unit_axis`: what lies outside 0 to 1 is drawn at its end."""
    return None if value is None else min(max(value, 0.0), 1.0)


def within_ci(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    """The same for both limits of an interval."""
    return None if interval is None else (within(interval[0]) or 0.0, within(interval[1]) or 0.0)


# The small drawings of the lean tables: 84 x 12 user units, both ends at a round number.
_MARK = (3.0, 81.0)


def mark(value: float | None, interval: tuple[float, float] | None, low: float, high: float) -> str:
    """The path of an interval with a tick at its value; values outside ``low`` to ``high`` are drawn at its end."""

    def x(at: float) -> int:
        return round(_MARK[0] + (_MARK[1] - _MARK[0]) * (min(max(at, low), high) - low) / (high - low))

    whisker = "" if interval is None else f"M{x(interval[0])} 6h{x(interval[1]) - x(interval[0])}"
    return whisker + ("" if value is None else f"M{x(value)} 1v10")


def gain_bounds(rows: Iterable[Row]) -> tuple[float, float]:
    """The ends of the gain drawings: all of 0 to 100 points, and as much below as any interval reaches."""
    lowest = min((row.card.learned.gain_ci[0] for row in rows if row.card.learned.gain_ci), default=0.0)
    return (0.0 if lowest >= 0 else -0.25 if lowest >= -0.25 else -1.0), 1.0
