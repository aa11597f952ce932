"""Seeds: what several runs of one recipe say together, and whether two recipes differ.

The unit of a claim about a recipe is its seed. A mean over seeds has Student's interval where there are at least three;
it is not cut at 0 or 1, so that seeds far apart give an interval which says that nothing is known. Whether the seeds of
a recipe agree is tested by Cochran's Q over their own intervals, two recipes are compared by Welch's t between their
seeds, and both kinds of p-value are adjusted after Holm.

Sources: Student 1908; Cochran 1954, "The combination of estimates from different experiments", Biometrics 10; Welch
1947, doi:10.1093/biomet/34.1-2.28.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, stdtr, stdtrit

from harness.scoring import ALPHA, Floats, holm

Interval = tuple[float, float]
Indices = NDArray[np.intp]

# An interval over fewer seeds than these says next to nothing, and fewer than two have no spread to test by.
LEAST_SEEDS, LEAST_TESTED = 3, 2
_Z95 = 1.959964


@dataclass(frozen=True)
class SeedMean:
    """The mean of a number over the seeds of a recipe.

    ``interval`` is Student's 95 % over seeds, None below three; it may leave [0, 1]. ``disagree_p`` is the p-value of
    Cochran's Q that all seeds have one value, None with one seed or without intervals; that of a track's recipes is
    adjusted after Holm over them. ``values`` are those of the seeds, highest first.
    """

    mean: float
    seeds: int
    interval: Interval | None
    disagree_p: float | None
    values: tuple[float, ...] = ()

    @property
    def disagree(self) -> bool:
        """Whether the seeds are shown not to have one value."""
        return self.disagree_p is not None and self.disagree_p < ALPHA

    @property
    def low(self) -> float:
        return self.values[-1] if self.values else self.mean

    @property
    def high(self) -> float:
        return self.values[0] if self.values else self.mean

    @property
    def is_open(self) -> bool:
        """Whether the interval holds every share from 0 to 1: the seeds lie so far apart that any value fits."""
        return self.interval is not None and self.interval[0] <= 0 and self.interval[1] >= 1


def over_seeds(values: Sequence[tuple[float, Interval | None]]) -> SeedMean:
    """The mean of the seeds' values, given each with its own 95 % interval, which may be None; at least one.

    The order of the seeds does not matter.
    """
    ordered = sorted(values, key=lambda each: (-each[0], each[1] or (0.0, 0.0)))
    found = np.array([value for value, _ in ordered])
    mean, seeds = float(found.mean()), len(found)
    interval = None
    if seeds >= LEAST_SEEDS:
        half = float(stdtrit(seeds - 1, 1 - ALPHA / 2)) * float(found.std(ddof=1)) / sqrt(seeds)
        interval = (mean - half, mean + half)
    return SeedMean(mean, seeds, interval, _heterogeneity(ordered), tuple(map(float, found)))


def _heterogeneity(values: Sequence[tuple[float, Interval | None]]) -> float | None:
    """p of Cochran's Q with k - 1 degrees of freedom; None with one seed, or where an interval is absent or a point.

    The seeds' intervals are over items, whose choice all seeds share: what is common to them widens every interval and
    moves no seed apart from another, so that Q is too small rather than too large, and a disagreement that it shows is
    there.
    """
    intervals = [interval for _, interval in values if interval is not None and interval[1] > interval[0]]
    if len(values) < LEAST_TESTED or len(intervals) < len(values):
        return None
    found = np.array([value for value, _ in values])
    weight = np.array([(2 * _Z95 / (high - low)) ** 2 for low, high in intervals])
    q = float((weight * (found - (weight * found).sum() / weight.sum()) ** 2).sum())
    return float(chdtrc(len(values) - 1, q))


def adjusted(means: Sequence[SeedMean]) -> list[SeedMean]:
    """The same means with ``disagree_p`` adjusted after Holm over all of them that have one."""
    known = [mean.disagree_p for mean in means if mean.disagree_p is not None]
    after = iter(holm(known) if known else ())
    return [mean if mean.disagree_p is None else replace(mean, disagree_p=float(next(after))) for mean in means]


@dataclass(frozen=True)
class Difference:
    """The mean of ``one`` less that of ``other``, by their places in what was compared.

    ``p`` is Welch's, two-sided, after Holm over all pairs that could be tested; None where one of the two has fewer
    than two seeds, or neither has any spread.
    """

    one: int
    other: int
    difference: float
    p: float | None

    @property
    def is_shown(self) -> bool:
        return self.p is not None and self.p < ALPHA


class Differences:
    """Every pair of some means, tested between their seeds and adjusted together."""

    def __init__(self, means: Sequence[SeedMean]) -> None:
        self._mean = np.array([each.mean for each in means])
        self._p = np.full((len(means), len(means)), np.nan)
        one, other = np.triu_indices(len(means), 1)
        raw = _welch(means, one, other)
        tested = ~np.isnan(raw)
        if tested.any():
            one, other = one[tested], other[tested]
            self._p[one, other] = self._p[other, one] = holm(raw[tested])

    def __getitem__(self, pair: tuple[int, int]) -> Difference:
        one, other = pair
        p = float(self._p[one, other])
        return Difference(one, other, float(self._mean[one] - self._mean[other]), None if np.isnan(p) else p)

    def __iter__(self) -> Iterator[Difference]:
        """Every pair that could be tested, once."""
        for one, other in np.argwhere(np.triu(~np.isnan(self._p), 1)):
            yield self[int(one), int(other)]


def _variance(mean: SeedMean) -> float:
    """Between seeds; exactly 0 for equal ones, whose mean in binary may miss them by a rounding error."""
    return float(np.var(mean.values, ddof=1)) if mean.high > mean.low else 0.0


def _welch(means: Sequence[SeedMean], one: Indices, other: Indices) -> Floats:
    """The two-sided p-value of Welch's t of each pair; NaN with fewer than two seeds of one, or no spread of either."""
    seeds = np.array([each.seeds for each in means], dtype=float)
    spread = [_variance(each) / each.seeds if each.seeds > 1 else np.nan for each in means]
    mean, squared = np.array([each.mean for each in means]), np.array(spread)
    both = squared[one] + squared[other]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (mean[one] - mean[other]) / np.sqrt(both)
        freedom = both**2 / (squared[one] ** 2 / (seeds[one] - 1) + squared[other] ** 2 / (seeds[other] - 1))
        found: Floats = 2 * stdtr(freedom, -np.abs(t))
    return np.where(both > 0, found, np.nan)
