"""Repeats: several sampled answers to one item, which stays one unit however often it was answered.

Rows are answers, those to one item one after the other. The mean of an item's answers is its score: everything that
looks at items or clusters takes these means, and only what counts single answers (transitions, pass@k) sees the rest.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.scoring.transitions import Bools, Floats


def repeats_of(items: pd.DataFrame) -> int:
    """How many answers each item of one task has; ``items`` has one row an answer."""
    return int(items["repeat"].max()) + 1 if "repeat" in items else 1


def by_item(values: Floats, repeats: int) -> Floats:
    """The mean of each item's ``repeats`` answers; with one answer the values themselves."""
    if repeats == 1:
        return values
    means: Floats = values.reshape(-1, repeats).mean(axis=1)
    return means


def repeat_effect(difference: Floats, repeats: int) -> float:
    """How many answers to one item are worth one answer to another, in [1, repeats]; 1 with one answer an item.

    The variance of the mean over items to that of as many independent answers: ``repeats`` times the variance of the
    items' means over that of the answers. As in :func:`harness.scoring.clusters.design_effect` a ratio seen on few
    moved items is averaged, over these, with one item more whose answers all move together. Source: Kish 1965.
    """
    if repeats == 1:
        return 1.0
    items = by_item(difference, repeats)
    spread = float(np.mean((difference - difference.mean()) ** 2))
    moved = int((difference.reshape(-1, repeats) != 0).any(axis=1).sum())
    if not spread:
        return float(repeats)
    ratio = repeats * float(np.mean((items - items.mean()) ** 2)) / spread
    return min(max((ratio * moved + repeats) / (moved + 1), 1.0), float(repeats))


def whole(correct: Bools | Floats) -> int:
    """How many whole items are correct; shares of answers are added up and rounded down."""
    # A sum of shares such as 1/3 may lie just below the whole number that it is.
    return int(np.floor(float(correct.sum()) + 1e-9))


def powers(repeats: int) -> tuple[int, ...]:
    """The k of pass@k that are shown: 1, 2, 4, ... below ``repeats``, and ``repeats``."""
    return (*(2**power for power in range(repeats.bit_length()) if 2**power < repeats), repeats)


def pass_at(correct: NDArray[np.int64], repeats: int, k: int) -> Floats:
    """The chance of each item, in [0, 1], that one of ``k`` answers at least is correct: 1 - C(n - c, k) / C(n, k).

    ``correct`` is c, how many of the n = ``repeats`` answers are; the estimate is unbiased. It is computed as a
    product, as binomials of hundreds of answers have no place in a float. A ``k`` outside [1, n] raises
    ``ValueError``. Source: Chen et al. 2021, arXiv 2107.03374.
    """
    if not 1 <= k <= repeats:
        raise ValueError(f"pass@{k} of {repeats} answers")
    wrong = repeats - correct
    # C(n - c, k) / C(n, k) = product over i < k of (n - c - i) / (n - i), which is 0 once a factor is.
    factors = [np.maximum(wrong - place, 0) / (repeats - place) for place in range(k)]
    found: Floats = 1.0 - np.prod(factors, axis=0)
    return found
