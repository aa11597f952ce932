"""Power: how small a change a task of so many items would find."""

import math
from collections.abc import Sequence

from scipy.special import ndtri

_ALPHA = 0.05
_POWER = float(ndtri(0.8))
_POWER_FACTOR = 2.8


def smallest_loss(churn: float, n: float, tests: int = 1, units: int | None = None) -> float:
    """The smallest loss that would be called forgot four times in five, in (0, 1].

    (z(1 - .05/(2m)) + .84) * sqrt(churn / n) for ``n`` independent items (clustered ones divided by their design
    effect) and m ``tests`` that Holm adjusts. Where nothing moved, the rule of three in its exact form over the
    ``units`` independent units: 1 - .05^(1/units), the loss that would have shown in one of them with 95 %
    probability. ``n`` or ``tests`` below 1 raises ``ValueError``. Source: Miller 2024, arXiv 2411.00640; Hanley and
    Lippman-Hand 1983.
    """
    if n < 1 or tests < 1:
        raise ValueError("no items" if n < 1 else "no tests")
    if churn == 0:
        return float(1 - _ALPHA ** (1 / (units or n)))
    return min((float(ndtri(1 - _ALPHA / (2 * tests))) + _POWER) * math.sqrt(churn / n), 1.0)


def mean_minimum_detectable_difference(churn: float, counts: Sequence[int]) -> float:
    """The smallest change that is found with 80 % power in the mean of k tasks of these sizes, each counted alike:
    2.8 * sqrt(churn * sum(1/n_t)) / k, >= 0.

    The variance of a mean of independent means is the sum of theirs over k^2; ``churn`` is that of every task. No
    tasks, or one without items, raise ``ValueError``.
    """
    if not counts or min(counts) < 1:
        raise ValueError("no items")
    return _POWER_FACTOR * math.sqrt(churn * sum(1 / n for n in counts)) / len(counts)
