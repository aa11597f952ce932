"""Forest: where the change on each task, its interval and the margin lie in a drawing as wide as its place.

Places are per cent of the width, so that one drawing serves a report and the site, on a screen and on a phone;
``forest.html.j2`` draws it and ``shared.css`` colours it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.scoring import MINUS, Scorecard, TaskScore

TEMPLATES = Path(__file__).parent
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_MAX_TICKS = 7


class Axis:
    """A linear scale of rates, to per cent of the drawing's width, with round ticks."""

    def __init__(self, low: float, high: float) -> None:
        step = next((s for s in _STEPS if (high - low) / s <= _MAX_TICKS - 1), _STEPS[-1])
        self.low, self.high = math.floor(low / step) * step, math.ceil(high / step) * step
        self.ticks = [self.low + k * step for k in range(round((self.high - self.low) / step) + 1)]

    def at(self, change: float) -> float:
        """The place of ``change`` in [0, 100]; what lies outside is drawn at the end."""
        inside = min(max(change, self.low), self.high)
        return round((inside - self.low) / (self.high - self.low) * 100, 2) + 0.0

    @staticmethod
    def label(tick: float) -> str:
        """A tick in points: -20, 0, +20 with a true minus."""
        return "0" if abs(tick) < 1e-9 else f"{tick * 100:+.0f}".replace("-", MINUS)


@dataclass(frozen=True)
class Mark:
    """One task in the drawing: the places of its change, of its interval and of the smallest loss it would show (None
    where there is none on the scale), and the class of its colour."""

    at: float
    ci: tuple[float, float] | None
    least: float | None
    kind: str


@dataclass(frozen=True)
class Forest:
    """The scale of one scorecard's changes. ``margin`` is the loss that "retained" rules out."""

    axis: Axis
    margin: float

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Place and label of each tick."""
        return [(self.axis.at(tick), self.axis.label(tick)) for tick in self.axis.ticks]

    @property
    def band(self) -> tuple[float, float]:
        """Start and width of the losses below the margin."""
        start = self.axis.at(-self.margin)
        return start, round(self.axis.at(0) - start, 2)

    def mark(self, task: TaskScore) -> Mark:
        ci, least = task.delta_ci, task.smallest_loss
        return Mark(
            at=self.axis.at(task.delta),
            ci=None if ci is None else (self.axis.at(ci[0]), self.axis.at(ci[1])),
            least=None if least is None or -least < self.axis.low else self.axis.at(-least),
            kind=(task.verdict or "").replace(" ", "-"),
        )


def forest_of(card: Scorecard) -> Forest:
    """The scale that all prior and target-adjacent tasks of ``card`` share: at least twice the margin on both sides."""
    shown: Iterable[TaskScore] = (task for task in card.tasks.values() if task.role in ("prior", "adjacent"))
    ends = [end for task in shown for end in (task.delta, *(task.delta_ci or ()))]
    return Forest(Axis(min([*ends, -2 * card.margin]), max([*ends, 2 * card.margin])), card.margin)


def shared_styles() -> str:
    """What a report and the site colour alike: the words of verdicts and the forest."""
    return (TEMPLATES / "shared.css").read_text(encoding="utf-8")
