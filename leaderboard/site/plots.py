"""What the pages draw: the axes a table shares, training runs, and all tracks in one chart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.scoring import Scorecard
from leaderboard.board import Row
from leaderboard.documents import clean
from leaderboard.site.charts import Axis, axis, coordinate
from leaderboard.site.curves import Curve

_CELL = (4.0, 212.0)
_LABEL_HEIGHT = 12.0
# Wide enough for the larger type of a narrow screen.
_CHARACTER = 8.2
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
# Inside the axes, where labels may stand.
_FRAME = _Box(60, 438, 0, 266)


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
