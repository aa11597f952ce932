"""Drawing: frames, axes, strokes, marks and labels of a study's charts, in the user units of their SVG.

A chart is drawn twice, for a wide window with labels at its right and for a phone with letters, since text in an SVG
shrinks with it. Coordinates are texts with at most one decimal: the same numbers give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leaderboard.site.charts import Axis, axis, coordinate
from leaderboard.site.findings.looks import Look

# Labels one under the other, and the sample of the line in front of each.
_SPACING, _SAMPLE = 17.0, 20.0
# Beyond this ratio of its ends an axis of positive numbers is logarithmic.
_FAR = 8.0


@dataclass(frozen=True)
class Frame:
    """A sheet with its axes between the margins; on a small one ``letters`` stand for labels."""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    letters: bool = False

    @property
    def across(self) -> tuple[float, float]:
        return self.left, self.right

    @property
    def up(self) -> tuple[float, float]:
        return self.bottom, self.top


WIDE = Frame(920, 520, 62, 650, 28, 470)
SLENDER = Frame(350, 350, 64, 318, 22, 298, letters=True)


@dataclass(frozen=True)
class Ticks:
    """Where the figures of an axis stand, and what they say."""

    at: tuple[tuple[str, str], ...]
    title: str


@dataclass(frozen=True)
class Stroke:
    """A line with the dash of its training, unless it is a single seed's (``faint``) or one of several (``solid``)."""

    look: Look
    path: str
    faint: bool = False
    solid: bool = False


@dataclass(frozen=True)
class Mark:
    """One mark; ``said`` is what pointing at it tells. Small ones are single seeds or checkpoints."""

    look: Look
    x: str
    y: str
    said: str
    small: bool = False


@dataclass(frozen=True)
class Label:
    """A label at ``x``, ``y``; ``leader`` joins it to what it names, ``sample`` is a piece of its line."""

    look: Look
    text: str
    x: str
    y: str
    leader: str
    sample: str


@dataclass(frozen=True)
class Rule:
    """An upright line that says where something is."""

    x: str
    text: str


@dataclass(frozen=True)
class Drawing:
    """Everything on a sheet; ``base`` is where a model starts that is not trained."""

    frame: Frame
    x: Ticks
    y: Ticks
    strokes: tuple[Stroke, ...]
    marks: tuple[Mark, ...]
    labels: tuple[Label, ...]
    rules: tuple[Rule, ...] = ()
    base: tuple[str, str] | None = None


@dataclass(frozen=True)
class Scale:
    """A linear or logarithmic axis; unlike an ``Axis`` it places what lies outside where it belongs, to be cut off."""

    axis: Axis
    logarithmic: bool = False

    def number(self, value: float) -> float:
        inner = self.axis
        position = math.log10(value) if self.logarithmic else value
        return inner.start + (inner.end - inner.start) * (position - inner.low) / (inner.high - inner.low)

    def at(self, value: float) -> str:
        return coordinate(self.number(value))

    def ticks(self) -> tuple[float, ...]:
        return tuple(10**tick for tick in self.axis.ticks) if self.logarithmic else self.axis.ticks


def positive_scale(values: Iterable[float], start: float, end: float) -> Scale:
    """A scale for numbers above 0: powers of ten where they lie far apart, linear else."""
    known = list(values)
    low, high = min(known), max(known)
    if high / low < _FAR:
        return Scale(axis(known, start, end, include=(), ticks=4))
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    apart = max(1, math.ceil((last - first) / 5))
    marks = tuple(float(tick) for tick in range(first, last + apart, apart))
    return Scale(Axis(marks[0], marks[-1], start, end, marks), logarithmic=True)


def labels(frame: Frame, ends: Sequence[tuple[Look, str, float, float]], near: float = 0.0) -> tuple[Label, ...]:
    """Labels of the points (look, text, x, y): at the right, one under the other in the order of the points; at the
    point itself in the first ``near`` of the axis, from where a leader would cross everything."""
    middle = frame.left + near * (frame.right - frame.left)
    inside = [end for end in ends if end[2] < middle]
    far = sorted((end for end in ends if end[2] >= middle), key=lambda end: (end[3], -end[2]))
    places = _spread([y for *_, y in far], frame.top + 4, frame.bottom - 2, _SPACING)
    left = frame.right + (8 if frame.letters else 22)
    column = [_label(frame, end, left, y) for end, y in zip(far, places, strict=True)]
    return (*column, *(_beside(frame, end) for end in inside))


def _beside(frame: Frame, end: tuple[Look, str, float, float]) -> Label:
    look, text, x, y = end
    said = look.letter if frame.letters else text
    return Label(look, said, coordinate(x + 9), coordinate(max(y - 9, frame.top + 6)), "", "")


def _label(frame: Frame, end: tuple[Look, str, float, float], left: float, y: float) -> Label:
    look, text, from_x, from_y = end
    leader = f"M{coordinate(from_x)} {coordinate(from_y)}L{coordinate(left - 2)} {coordinate(y)}"
    if frame.letters:
        return Label(look, look.letter, coordinate(left + 2), coordinate(y), leader, "")
    sample = f"M{coordinate(left)} {coordinate(y)}h{coordinate(_SAMPLE)}"
    return Label(look, text, coordinate(left + _SAMPLE + 6), coordinate(y), leader, sample)


def _spread(wanted: Sequence[float], top: float, bottom: float, apart: float) -> list[float]:
    """Places as near to the wanted ones, which rise, as a distance of ``apart`` between them allows."""
    places: list[float] = []
    for y in wanted:
        places.append(max(y, places[-1] + apart if places else top))
    limit = bottom
    for place in range(len(places) - 1, -1, -1):
        places[place] = min(places[place], limit)
        limit = places[place] - apart
    return places
