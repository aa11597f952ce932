"""Clusters: items that share an image or a passage are not independent, and count for less than as many single ones."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from harness.scoring.transitions import Floats

Clusters = NDArray[Any]

# With fewer clusters than this, Student's t takes the place of the normal distribution.
FEW = 20
Z = 1.959963984540054


def cluster_sums(values: Floats, clusters: Clusters | None) -> Floats:
    """Sums of each column of ``values`` (items x quantities) over the clusters, in the order in which they appear."""
    if clusters is None:
        return values
    place, labels = pd.factorize(clusters)
    return np.column_stack([np.bincount(place, weights=column, minlength=len(labels)) for column in values.T])


def standard_error(difference: Floats, clusters: Clusters | None = None) -> float | None:
    """Standard error of mean(c - a), >= 0: sd(c_i - a_i)/sqrt(n), or its cluster-robust form.

    Robust: sqrt(K/(K-1) * sum_k (sum_{i in k} (d_i - mean d))^2)/n over K clusters, which is the first form when
    every item is its own. None with fewer than two items (or clusters): there is no spread to see. Source: Miller
    2024, arXiv 2411.00640.
    """
    n = len(difference)
    centred = difference - difference.mean() if n else difference
    sums = cluster_sums(centred[:, None], clusters)[:, 0]
    if (k := len(sums)) < 2:
        return None
    return math.sqrt(k / (k - 1) * float((sums**2).sum())) / n


def quantile(units: int) -> float:
    """How many standard errors the 95 % interval reaches to either side: 1.96, or Student's t with units - 1 degrees of
    freedom below 20 ``units``. Fewer than two raise ``ValueError``."""
    if units < 2:
        raise ValueError(f"{units} independent units: there is no spread to see")
    return Z if units >= FEW else float(stdtrit(units - 1, 0.975))


def widening(units: int) -> float:
    """How much wider than by the normal distribution an interval of ``units`` clusters is, squared: 1 from 20 on."""
    return (quantile(units) / Z) ** 2


def design_effect(difference: Floats, clusters: Clusters | None) -> float:
    """How many of the clustered items are worth one independent item, at least 1; 1 where every item stands alone.

    The ratio of the cluster-robust variance of the mean to that of independent items. A ratio seen on few moved items
    is a guess, so it is averaged, over these items, with one item more of clusters that move as one (whose ratio is
    sum m_k^2 / n for clusters of m_k items). Where nothing moved only that one is left. Source: Kish 1965.
    """
    if clusters is None:
        return 1.0
    sizes = cluster_sums(np.ones((len(difference), 1)), clusters)[:, 0]
    whole = float((sizes**2).sum()) / len(difference)
    moved = int(np.count_nonzero(difference))
    robust, simple = standard_error(difference, clusters), standard_error(difference)
    if not robust or not simple:
        return max(whole, 1.0)
    return max(((robust / simple) ** 2 * moved + whole) / (moved + 1), 1.0)


@dataclass(frozen=True)
class Counts:
    """The moved items of one task, and all, as so many independent ones: real numbers, n10 + n01 <= n."""

    n10: float
    n01: float
    n: float

    @classmethod
    def effective(cls, n10: int, n01: int, n: int, effect: float, clusters: int | None) -> "Counts":
        """The counts divided by the design effect; below 20 ``clusters`` (None: single items) also by what Student's t
        with clusters - 1 degrees of freedom is wider than the normal distribution, squared."""
        wider = 1.0 if clusters is None else widening(clusters)
        return cls(*(count / (effect * wider) for count in (n10, n01, n)))
