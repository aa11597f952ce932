"""Sign flips: the exact test of a change on clustered items."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from harness.scoring.binomial import above, chances
from harness.scoring.transitions import Floats

Sums = NDArray[np.int64]

# What a binomial holds beyond this is left out where there is much of it: far below the rounding of the sum.
_TAIL = 1e-22
_SMALL = 2000


def sign_flip(sums: Sums) -> float:
    """Exact two-sided p-value, in [0, 1], that a change is none: P(|sum e_k D_k| >= |sum D_k|), e_k = -1 or 1 alike.

    ``sums`` holds D_k, the sum of c_i - a_i over the items of cluster k. Were the two models alike, the clusters could
    change sides one by one, and every pattern of signs would be as likely. Clusters with D_k = 0 say nothing; 1 when
    nothing is left. The distribution is made by convolution: of the m clusters with |D_k| = v, v times a binomial count
    of m at 1/2 goes up. With single items it is the exact McNemar test. Source: Fisher 1935; McNemar 1947.
    """
    sizes = np.abs(sums[sums != 0])
    observed = abs(int(sums.sum()))
    if not len(sizes) or observed == 0:
        return 1.0
    total = int(sizes.sum())
    values, counts = np.unique(sizes, return_counts=True)
    # What goes up must be at least so much for the sum to be as large as the one observed.
    least = (total + observed) // 2
    if len(values) == 1:
        upper = above(least // int(values[0]) - 1, int(counts[0]), 0.5)
    else:
        upper = _upper_tail(zip(values.tolist(), counts.tolist(), strict=True), least)
    # Of all 2^K patterns at least the observed one and its mirror image are as large.
    return min(max(2 * upper, 2.0 ** (1 - len(sizes))), 1.0)


def _upper_tail(groups: Iterator[tuple[int, int]], least: int) -> float:
    """P(sum over groups of value * Binomial(count, 1/2) >= least)."""
    start = 0
    chances: Floats = np.ones(1)
    for value, count in groups:
        low, own = _binomial(count)
        spread = np.zeros(value * (len(own) - 1) + 1)
        spread[::value] = own
        start += value * low
        chances = np.convolve(chances, spread).astype(np.float64)
    return float(chances[max(least - start, 0) :].sum())


def _binomial(count: int) -> tuple[int, Floats]:
    """Where the chances of Binomial(count, 1/2) begin, and they themselves."""
    low = 0
    if count > _SMALL:
        from scipy.stats import binom

        low = int(binom.ppf(_TAIL, count, 0.5))
    return low, chances(np.arange(low, count - low + 1), count)
