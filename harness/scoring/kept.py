"""Kept: how much of what the base knew above chance a capability group still has, and how sure that is.

Two numbers. The **ratio** of the sums, corrected tuned over corrected base, is the plain one: above 1 is improved. The
**one-sided** one is what is averaged and ranked, because gains in one group must not pay for losses in another. A clip
of the ratio at 1 would do that and call an unchanged model forgetful: it keeps the unlucky half of the noise and drops
the lucky half. So the clusters are split into 10 folds, and the change of each fold counts only if the *other* nine
show no gain: where nothing changed, a fold's own noise has nothing to do with that, and the expectation is 1.

How clear a gain must be was chosen by simulation (``python -m tests.bench.statistics``): above half a standard error.
At 0 a true loss of 2 % in every group was estimated .4 points too small, with intervals that held it 88 % of the time;
at 1 a gain of 2 % in every group was counted for more than half of it.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.scoring.binomial import above
from harness.scoring.clusters import Clusters, cluster_sums, quantile, standard_error
from harness.scoring.knowledge import corrected_items
from harness.scoring.repeats import whole
from harness.scoring.transitions import Bools, Floats

FOLDS = 10
# A gain counts as one where it is above so many of its standard errors on the other folds.
SHOWN = 0.5
# An error of this many units' worth makes the interval of a group in which nothing moved the rule of three: 3 / 1.96.
_LEAST_UNITS = 1.5
_SEED = 20_250_623
_TAIL = 0.025


def is_above_chance(correct: Bools | Floats, guess_rate: Floats, clusters: Clusters | None = None) -> bool:
    """Whether a model scores above chance, beyond what chance does: else there is nothing to lose.

    ``correct`` is 0 or 1 an item, or the share of an item's sampled answers; the binomial test rounds their sum down.
    The 95 % interval of the mean corrected score, cluster-robust, lies above 0, and so many correct answers or more
    would come with probability below 2.5 % if all were guesses at the mean guess rate. False below 2 clusters.
    """
    corrected = corrected_items(correct, guess_rate)
    units = len(correct) if clusters is None else len(np.unique(clusters))
    error = standard_error(corrected, clusters)
    if error is None or corrected.mean() - quantile(units) * error <= 0:
        return False
    return above(whole(correct) - 1, len(correct), float(guess_rate.mean())) < _TAIL


@dataclass(frozen=True)
class Units:
    """The clusters of a group's tasks: sums over each of the corrected ``base`` scores and of the ``change`` to the
    tuned ones, and ``worth``, the mean over clusters of what one moving as a whole changes."""

    base: Floats
    change: Floats
    worth: float

    @classmethod
    def of(
        cls, correct: tuple[Bools | Floats, Bools | Floats], guess_rate: Floats, clusters: Clusters | None
    ) -> "Units":
        """From the items of one task; ``correct`` is that of base and tuned, a share where answers were sampled."""
        before, after = (corrected_items(side, guess_rate) for side in correct)
        sums = cluster_sums(np.column_stack([before, after - before, 1 / (1 - guess_rate)]), clusters)
        return cls(sums[:, 0], sums[:, 1], float(sums[:, 2].mean()))

    @classmethod
    def joined(cls, parts: Sequence["Units"]) -> "Units":
        """Those of several tasks together."""
        sizes = [len(part.base) for part in parts]
        worth = float(np.average([part.worth for part in parts], weights=sizes))
        return cls(np.concatenate([p.base for p in parts]), np.concatenate([p.change for p in parts]), worth)


@dataclass(frozen=True)
class Kept:
    """One group: ``ratio`` of the sums, the ``one_sided`` retention, their common standard ``error``, and ``units``."""

    ratio: float
    one_sided: float
    error: float
    units: int


def kept(name: str, units: Units) -> Kept:
    """Retention of a group whose base is above chance; ``name`` seeds the split into folds.

    ratio = C/A and one_sided = 1 + (1/A) sum_k 1[D_(-k) < s_(-k)/2] D_k, with A and C the sums of corrected base and
    tuned scores, D_k the change in fold k, D_(-k) that in the others and s_(-k) its standard error. The error is that
    of the ratio, linearised: sqrt(K/(K-1) sum over clusters (D_j - (C/A - 1) A_j)^2)/A, and at least that of one unit
    and a half moving, so that a group in which nothing moved has the rule of three for its interval. Source: Cochran
    1977, section 6.3 (ratios); Chernozhukov et al. 2018 (cross-fitting).
    """
    total, change = float(units.base.sum()), float(units.change.sum())
    count = len(units.base)
    spread = units.change - change / total * units.base
    linear = math.sqrt(count / (count - 1) * float((spread**2).sum()))
    error = max(linear, _LEAST_UNITS * units.worth) / total
    return Kept(1 + change / total, 1 + _counted(name, units.change) / total, error, count)


def _counted(name: str, change: Floats) -> float:
    """The change in those folds whose others show no gain."""
    fold = _folds(name, len(change))
    sums = np.bincount(fold, weights=change)
    squares = np.bincount(fold, weights=change**2)
    others, error = change.sum() - sums, np.sqrt(squares.sum() - squares)
    # Sums of the same numbers in another order differ by about 1e-13, which must not make a loss of no change.
    return float(sums[others < SHOWN * error - 1e-9].sum())


def _folds(name: str, count: int) -> NDArray[np.int64]:
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    return np.random.default_rng([_SEED, seed]).permutation(count) % FOLDS


def mean_interval(values: Sequence[float], errors: Sequence[float], units: int) -> tuple[float, float]:
    """95 % interval of the mean of independent ``values``: by Student's t with ``units`` - 1 degrees of freedom below
    20 units, those of the smallest part, else by the normal distribution."""
    centre = float(np.mean(values))
    half = quantile(units) * math.sqrt(sum(error**2 for error in errors)) / len(values)
    return centre - half, centre + half
