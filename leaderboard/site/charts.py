"""Geometry of the charts: where a value lies on an axis. The drawing itself is done by the templates' macros.

All coordinates are texts with at most one decimal, so that the same numbers give the same bytes everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

_NICE_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """A linear axis from ``low`` to ``high``, drawn from ``start`` to ``end`` in the user units of its SVG."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> str:
        """The coordinate of ``value``; values outside the axis are drawn at its end."""
        inside = min(max(value, self.low), self.high)
        return coordinate(self.start + (self.end - self.start) * (inside - self.low) / (self.high - self.low))

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def coordinate(value: float) -> str:
    """``value`` with at most one decimal and no negative zero."""
    text = f"{value:.1f}"
    return "0" if text == "-0.0" else text.removesuffix(".0")


def axis(values: Iterable[float | None], start: float, end: float, include: Sequence[float], ticks: int = 5) -> Axis:
    """An axis over round numbers that holds every finite value and all of ``include``."""
    known = [value for value in values if value is not None and math.isfinite(value)] + list(include)
    low, high = min(known), max(known)
    if high - low < 1e-9:
        low, high = low - 0.05, high + 0.05
    step = _nice_step((high - low) / ticks)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    marks = tuple(round(mark * step, 10) for mark in range(first, last + 1))
    return Axis(marks[0], marks[-1], start, end, marks)


def _nice_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(nice * power for nice in _NICE_STEPS if nice * power >= rough * (1 - 1e-9))


def segments(counts: Sequence[int], width: float) -> list[tuple[str, str]]:
    """Start and width of each part of a bar that stands for ``counts``; parts of nothing have no width."""
    total = sum(counts)
    if total == 0:
        return [("0", "0") for _ in counts]
    edges = [width * sum(counts[:place]) / total for place in range(len(counts) + 1)]
    return [(coordinate(left), coordinate(right - left)) for left, right in pairwise(edges)]
