"""Passes: pass@k of both sides of a task, and its change, with intervals over items or their clusters."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from harness.scoring import statistics
from harness.scoring.clusters import FEW, Clusters, quantile, standard_error
from harness.scoring.repeats import pass_at, powers
from harness.scoring.scorecard import PassAt
from harness.scoring.transitions import Bools, Floats

Interval = tuple[float, float]
_FEW_UNITS = "fewer than two independent units"


def score_passes(
    name: str, answers: tuple[Bools, Bools], clusters: Clusters | None, repeats: int, delta_ci: Interval | None
) -> tuple[PassAt, ...]:
    """pass@k for k = 1, 2, 4, ... and ``repeats``; nothing where an item has one answer.

    ``answers`` are those of base and tuned, ``repeats`` to an item one after the other; ``clusters`` are of items.
    Means over items; intervals by the paired bootstrap over items or clusters, below 20 of them by Student's t
    (METRICS.md, "pass@k"). That of the change at k = 1 is ``delta_ci``, as the change is delta.
    """
    if repeats == 1:
        return ()
    counts = [side.reshape(-1, repeats).sum(axis=1) for side in answers]
    levels = powers(repeats)
    chances = [np.column_stack([pass_at(count, repeats, k) for k in levels]) for count in counts]
    parts = np.column_stack([*chances, chances[1] - chances[0]])
    intervals = iter(_intervals(f"{name} pass@k", parts, clusters))
    by_part = [[next(intervals) for _ in levels] for _ in range(3)]
    by_part[2][0] = delta_ci
    means = parts.mean(axis=0).reshape(3, -1)
    return tuple(_passes(levels, means, by_part))


def _passes(levels: tuple[int, ...], means: Floats, intervals: list[list[Interval | None]]) -> Iterator[PassAt]:
    for place, k in enumerate(levels):
        base, tuned, delta = (float(each[place]) for each in means)
        base_ci, tuned_ci, delta_ci = (each[place] for each in intervals)
        fields: dict[str, Any] = {"base_ci": base_ci, "tuned_ci": tuned_ci, "delta_ci": delta_ci}
        why = {field: _FEW_UNITS for field, value in fields.items() if value is None}
        yield PassAt(k=k, base=_share(base), tuned=_share(tuned), delta=delta, **fields, reasons=why)


def _share(value: float) -> float:
    """A mean of shares, which rounding may have moved out of [0, 1]."""
    return min(max(value, 0.0), 1.0)


def _intervals(name: str, parts: Floats, clusters: Clusters | None) -> list[Interval | None]:
    """The 95 % interval of the mean of each column; None below two units."""
    units = len(parts) if clusters is None else len(np.unique(clusters))
    if units < 2:
        return [None] * parts.shape[1]
    if units >= FEW:
        draws = statistics.resample(parts, name, clusters)
        return [statistics.interval(column) for column in draws.T]
    halves = [quantile(units) * (standard_error(column, clusters) or 0.0) for column in parts.T]
    centres = parts.mean(axis=0).tolist()
    return [(centre - half, centre + half) for centre, half in zip(centres, halves, strict=True)]
