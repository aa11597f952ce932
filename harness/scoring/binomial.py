"""Binomial: chances and tails of a binomial count, by the functions behind scipy.stats.

Importing scipy.stats itself takes longer than scoring a small pair.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincc

from harness.scoring.transitions import Floats

try:
    from scipy.special._ufuncs import _binom_pmf as _pmf
except ImportError:  # Not a public name: where a version of scipy lacks it, take the long way.
    from scipy.stats import binom

    _pmf = binom.pmf


def chances(counts: NDArray[np.int64], n: int, p: float = 0.5) -> Floats:
    """P(X = k), in [0, 1], for each k of ``counts``, all in [0, ``n``], of X binomial (``n``, ``p``)."""
    found: Floats = _pmf(counts, n, p)
    return found


def above(k: int, n: int, p: float) -> float:
    """P(X > ``k``), in [0, 1], of X binomial (``n``, ``p``)."""
    return 1.0 if k < 0 else 0.0 if k >= n else float(betainc(k + 1, n - k, p))


def up_to(k: int, n: int, p: float) -> float:
    """P(X <= ``k``), in [0, 1], of X binomial (``n``, ``p``)."""
    return 0.0 if k < 0 else 1.0 if k >= n else float(betaincc(k + 1, n - k, p))


def two_sided(k: int, n: int) -> float:
    """Exact two-sided p-value, in [0, 1], of ``k`` among ``n`` where either side has chance 1/2."""
    return min(2 * above(max(k, n - k) - 1, n, 0.5), 1.0)
