"""Sign flips: McNemar for single items, every pattern listed for a few clusters."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, permutation_test
from statsmodels.stats.contingency_tables import mcnemar

from harness.scoring.sign_flip import sign_flip


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 5))
def test_single_items_give_exact_mcnemar(n10: int, n01: int, still: int) -> None:
    p = sign_flip(np.repeat([-1, 1, 0], [n10, n01, still]))
    if n10 + n01:
        assert p == pytest.approx(binomtest(n10, n10 + n01).pvalue, abs=1e-13)
        assert p == pytest.approx(mcnemar([[5, n10], [n01, 7]], exact=True).pvalue, abs=1e-12)
    else:
        assert p == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-6, 6), min_size=1, max_size=11))
def test_clusters_give_the_share_of_all_patterns(sums: list[int]) -> None:
    observed = abs(sum(sums))
    patterns = [
        abs(sum(sign * value for sign, value in zip(signs, sums, strict=True)))
        for signs in product((-1, 1), repeat=len(sums))
    ]
    assert sign_flip(np.array(sums)) == pytest.approx(np.mean([each >= observed for each in patterns]), abs=1e-14)


def test_it_is_scipys_permutation_test_of_paired_samples() -> None:
    sums = np.array([3, -1, 2, 2, 0, -2, 5, 1, 1, -1])
    found = permutation_test((sums,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(sums) == pytest.approx(found.pvalue, abs=1e-12)


def test_a_million_items_agree_with_the_normal_distribution() -> None:
    rng = np.random.default_rng(4)
    sums = rng.integers(-6, 7, 160_000)
    z = abs(sums.sum()) / np.sqrt((sums**2).sum())
    assert sign_flip(sums) == pytest.approx(2 * norm.sf(z), rel=1e-3)


def test_the_sign_of_the_change_does_not_matter() -> None:
    sums = np.array([3, 1, -2, 4, 1, 1])
    assert sign_flip(sums) == sign_flip(-sums)
    assert sign_flip(np.array([], dtype=np.int64)) == 1
    assert sign_flip(np.array([5])) == 1
