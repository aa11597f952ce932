"""Statistics: resampled intervals, tests and verdicts. Paired, always (METRICS.md, "Statistics")."""

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.scoring.binary import tango_z
from harness.scoring.binomial import two_sided
from harness.scoring.clusters import FEW, Clusters, Counts, Z, cluster_sums, quantile, standard_error
from harness.scoring.transitions import Floats

RESAMPLES = 10_000
SEED = 20_250_623
MARGIN = 0.02
ALPHA = 0.05
# Drawing how often one distinct row came takes about as long as drawing so many items.
_CELL_COST = 16
# Items drawn at once: few enough to stay in a processor's cache.
_BLOCK = 200_000

Verdict = Literal["forgot", "retained", "improved", "nothing to lose", "inconclusive"]


def interval(draws: Floats) -> tuple[float, float]:
    """95 % percentile interval of a statistic over its bootstrap draws, lower first (METRICS.md, "Statistics")."""
    low, high = np.quantile(draws, (ALPHA / 2, 1 - ALPHA / 2))
    return float(low), float(high)


def resample(
    values: Floats, name: str, clusters: Clusters | None = None, *, n_resamples: int = RESAMPLES, seed: int = SEED
) -> Floats:
    """Paired (cluster) bootstrap: the mean of each column of ``values`` (items x quantities), one row a resample.

    Resampling n items with replacement and counting how often each distinct row came is one multinomial draw, so
    where few rows are distinct only those are drawn: for binary items these are the four transition cells. Where many
    are (graded scores, clusters), indices are drawn instead, which has the same distribution. With ``clusters``, whole
    clusters are drawn and the mean is over the items they bring. The generator is seeded with ``seed`` and ``name``
    (the task), so that one task's interval never depends on which others are scored, and rows are sorted first, so
    that it does not depend on their order either. No items raise ``ValueError``. Source: METRICS.md, "Statistics";
    Efron 1979.
    """
    if not len(values):
        raise ValueError("cannot resample no items")
    units = np.column_stack([np.ones(len(values)), values])
    if clusters is not None:
        units = cluster_sums(units, clusters)
    rows, multiplicity = _distinct(units)
    rng = np.random.default_rng([seed, int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])])
    draw = _draw_cells if len(rows) * _CELL_COST <= len(units) else _draw_items
    drawn = draw(rng, rows, multiplicity, n_resamples)
    means: Floats = drawn[:, 1:] / drawn[:, :1]
    return means


def _draw_cells(rng: np.random.Generator, rows: Floats, multiplicity: NDArray[np.int64], size: int) -> Floats:
    """Sums of ``size`` resamples: how often each distinct row comes is one multinomial draw."""
    total = int(multiplicity.sum())
    return rng.multinomial(total, multiplicity / total, size=size) @ rows


def _draw_items(rng: np.random.Generator, rows: Floats, multiplicity: NDArray[np.int64], size: int) -> Floats:
    """Sums of ``size`` resamples, item by item."""
    total = int(multiplicity.sum())
    columns = [np.repeat(column, multiplicity) for column in rows.T]
    block = max(1, _BLOCK // total)
    sums = []
    for done in range(0, size, block):
        places = rng.integers(0, total, size=(min(block, size - done), total))
        sums.append(np.column_stack([column.take(places).sum(axis=1) for column in columns]))
    return np.concatenate(sums)


def _distinct(units: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Distinct rows in ascending order and how often each is there; column by column, which is fast for a million."""
    code = np.zeros(len(units), dtype=np.int64)
    for column in units.T:
        _, place = np.unique(column, return_inverse=True)
        _, code = np.unique(code * (int(place.max()) + 1) + place, return_inverse=True)
    _, first, count = np.unique(code, return_index=True, return_counts=True)
    return units[first], count


def mcnemar(n10: int, n01: int) -> float:
    """Exact McNemar p-value, in [0, 1]: two-sided binomial test of n01 among n01 + n10 at 1/2; 1 when nothing moved.

    Source: METRICS.md, "Statistics"; McNemar 1947.
    """
    return two_sided(n01, n10 + n01) if n10 + n01 else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm-adjusted p-values in the order given, each in [p, 1].

    Sorted ascending, the i-th (from 0) becomes the running maximum of (m - i) * p_(i), at most 1. Source:
    METRICS.md, "Statistics"; Holm 1979.
    """
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    ranked = np.asarray(p_values, dtype=float)[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(ranked * np.arange(len(ranked), 0, -1)), 1)
    return [float(p) for p in adjusted]


def enough_to_retain(units: int, margin: float = MARGIN) -> bool:
    """Whether ``units`` independent items (or clusters) could have shown a loss of ``margin`` at all.

    (1 - margin)^units <= .05: were F = margin true, not one forgotten item would be seen with at most that
    probability. It is the "rule of three" in its exact form (F < 3/n when none of n is forgotten; 149 items for 2
    points). Without it one item kept of one would be "retained", since a bootstrap of no losses draws none. Source:
    Hanley and Lippman-Hand 1983.
    """
    return (1 - margin) ** units <= ALPHA


def is_retained(counts: Counts, units: int, margin: float = MARGIN) -> bool:
    """Whether a loss of ``margin`` is ruled out: by a test, and by units enough to have shown one.

    Tango's score test rejects delta <= -margin at 2.5 % on the effective ``counts``, and ``enough_to_retain``.
    """
    return tango_z(counts, -margin) > Z and enough_to_retain(units, margin)


def verdict(delta: float, p_holm: float, *, above_chance: bool, retained: bool) -> Verdict:
    """One word for a prior task (METRICS.md, "Statistics").

    improved: Holm-adjusted p < .05 and delta > 0. nothing to lose: not that, and the base is not shown to be above
    chance. forgot: p < .05 and delta < 0. retained: neither, and a loss of the margin is ruled out (``is_retained``).
    Else inconclusive: never "retained" because p is large or items are few.
    """
    significant = p_holm < ALPHA and delta != 0
    if significant and delta > 0:
        return "improved"
    if not above_chance:
        return "nothing to lose"
    if significant:
        return "forgot"
    return "retained" if retained else "inconclusive"


def mean_interval(name: str, values: Floats, clusters: Clusters | None = None) -> tuple[float, float] | None:
    """95 % interval of the mean of graded scores: cluster bootstrap; below 20 clusters Student's t, below 2 None."""
    units = len(values) if clusters is None else len(np.unique(clusters))
    if units < 2:
        return None
    if units >= FEW:
        return interval(resample(values[:, None], name, clusters)[:, 0])
    half = quantile(units) * (standard_error(values, clusters) or 0.0)
    return float(values.mean()) - half, float(values.mean()) + half


def harmonic_mean(x: Floats, y: Floats) -> Floats:
    """2xy/(x + y) elementwise for x, y in [0, 1], and 0 where both are 0 (METRICS.md, "One number")."""
    total = x + y
    return np.divide(2 * x * y, total, out=np.zeros_like(total), where=total > 0)
