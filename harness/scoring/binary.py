"""Binary: tests and intervals of the difference of two paired rates, from the counts of moved items."""

import math

import numpy as np
from scipy.special import betainc, betaincinv

from harness.scoring.clusters import Clusters, Counts, design_effect
from harness.scoring.repeats import by_item, repeat_effect
from harness.scoring.transitions import Floats

# Each of the four transitions gets half an item (Jeffreys).
_PRIOR = 0.5
# Gauss-Legendre on the quantiles of S: with 64 nodes a limit is off by less than a thousandth of the interval.
NODES, WEIGHTS = ((np.polynomial.legendre.leggauss(64)[0] + 1) / 2, np.polynomial.legendre.leggauss(64)[1] / 2)
_TIGHT = 1e-10


def jeffreys_interval(counts: Counts, tail: float = 0.025) -> tuple[float, float]:
    """Equal-tailed interval of delta = p01 - p10, in [-1, 1], from the posterior of the transition cells.

    The four cells get a Dirichlet prior of 1/2 each (Jeffreys). Then S = p01 + p10 is Beta(n01 + n10 + 1, n - n01 - n10
    + 1), the share of S that p01 has is Beta(n01 + 1/2, n10 + 1/2) and independent of it, and the distribution of their
    product is a mean over the quantiles of S. ``tail`` is left out on either side. It never shrinks to a point: where
    nothing moved, a small loss and a small gain both fit. Source: Jeffreys 1946; Agresti and Min 2005.
    """
    from scipy.optimize import brentq

    won, lost = counts.n01 + _PRIOR, counts.n10 + _PRIOR
    moved = betaincinv(won + lost, max(counts.n - counts.n01 - counts.n10, 0.0) + 2 * _PRIOR, NODES)

    def below(delta: float) -> float:
        return float(WEIGHTS @ betainc(won, lost, np.minimum(np.maximum((delta / moved + 1) / 2, 0), 1)))

    low, high = (brentq(lambda delta, p=p: below(delta) - p, -1, 1, xtol=_TIGHT) for p in (tail, 1 - tail))
    return float(low), float(high)


def effective_counts(difference: Floats, clusters: Clusters | None, repeats: int = 1) -> Counts | None:
    """The moved items, ``difference`` -1, 0 or 1 each, as so many independent ones; None with fewer than two units.

    With ``repeats`` there are so many answers to an item, one after the other; ``clusters`` are of items.
    """
    items = by_item(difference, repeats)
    units = len(items) if clusters is None else len(np.unique(clusters))
    if units < 2:
        return None
    lost, won = int((difference < 0).sum()), int((difference > 0).sum())
    effect = design_effect(items, clusters) * repeat_effect(difference, repeats)
    return Counts.effective(lost, won, len(difference), effect, None if clusters is None else units)


def difference_interval(
    difference: Floats, clusters: Clusters | None = None, repeats: int = 1
) -> tuple[float, float] | None:
    """95 % interval of the mean of ``difference``, as of :func:`effective_counts`; None below two units."""
    counts = effective_counts(difference, clusters, repeats)
    return None if counts is None else jeffreys_interval(counts)


def tango_z(counts: Counts, delta: float) -> float:
    """Tango's score statistic of H0: p01 - p10 = ``delta``, for ``delta`` in (-1, 1); it is N(0, 1) under H0.

    z = (n01 - n10 - n delta)/sqrt(n (2 q + delta (1 - delta))), where q is the maximum-likelihood p10 under H0. At
    delta = 0 its square is McNemar's statistic; above 1.96 it rejects a loss of -delta or more at 2.5 %. 0 where
    nothing moved and delta is 0. Source: Tango 1998, Statistics in Medicine 17.
    """
    n, won, lost = counts.n, counts.n01, counts.n10
    b = -won - lost + (2 * n - won + lost) * delta
    c = -lost * delta * (1 - delta)
    # A square of a tiny b is 0, and q must not be below 0.
    q = (max(math.sqrt(max(b * b - 8 * n * c, 0.0)), abs(b) if c == 0 else 0.0) - b) / (4 * n)
    variance = n * (2 * q + delta * (1 - delta))
    distance = won - lost - n * delta
    return distance / math.sqrt(variance) if variance > 0 else 0.0 if distance == 0 else math.inf * distance
