"""Clusters: standard errors against statsmodels and plain loops, design effects, effective counts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t
from statsmodels.regression.linear_model import OLS

from harness.scoring.clusters import Counts, Z, design_effect, quantile, standard_error

outcomes = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60)


@given(outcomes)
def test_standard_error_is_the_formula_item_by_item(pairs: list[tuple[bool, bool]]) -> None:
    differences = [int(c) - int(a) for a, c in pairs]
    mean = sum(differences) / len(differences)
    spread = sum((d - mean) ** 2 for d in differences) / (len(differences) - 1)
    assert standard_error(np.array(differences, float)) == pytest.approx(
        math.sqrt(spread / len(differences)), abs=1e-12
    )


@given(outcomes)
def test_items_that_are_their_own_clusters_change_nothing(pairs: list[tuple[bool, bool]]) -> None:
    differences = np.array([int(c) - int(a) for a, c in pairs], float)
    alone = np.array([f"image-{i}" for i in range(len(pairs))])
    assert standard_error(differences, alone) == pytest.approx(standard_error(differences), abs=1e-12)
    assert design_effect(differences, alone) == pytest.approx(1)


def test_cluster_robust_standard_error_agrees_with_statsmodels() -> None:
    rng = np.random.default_rng(3)
    clusters = np.repeat([f"image-{k:02}" for k in range(30)], 5)
    differences = np.repeat(rng.integers(-1, 2, 30), 5) * (rng.random(150) < 0.7).astype(float)
    fitted = OLS(differences, np.ones(150)).fit(
        cov_type="cluster", cov_kwds={"groups": np.repeat(np.arange(30), 5), "use_correction": False}
    )
    expected = fitted.bse[0] * math.sqrt(30 / 29)
    assert standard_error(differences, clusters) == pytest.approx(expected, abs=1e-9)
    assert standard_error(differences, clusters) > standard_error(differences)


def test_standard_error_needs_two() -> None:
    assert standard_error(np.array([])) is None
    assert standard_error(np.array([1.0])) is None
    assert standard_error(np.array([1.0, 0.0]), np.array(["same", "same"])) is None


@pytest.mark.parametrize("units", [2, 10, 19])
def test_few_clusters_have_students_quantile(units: int) -> None:
    assert quantile(units) == pytest.approx(t.ppf(0.975, units - 1), rel=1e-12)
    assert (quantile(20), quantile(1000)) == (Z, Z)
    with pytest.raises(ValueError, match="1 independent units"):
        quantile(1)


def test_design_effect_is_the_size_of_clusters_that_move_as_one() -> None:
    clusters = np.repeat(np.arange(60), 5)
    moved = np.repeat(np.random.default_rng(1).choice([-1.0, 0.0, 1.0], 60), 5)
    assert design_effect(moved, clusters) == pytest.approx(5, rel=0.05)
    assert design_effect(np.zeros(300), clusters) == pytest.approx(5)
    assert design_effect(moved, None) == 1
    alone = np.random.default_rng(2).choice([-1.0, 0.0, 0.0, 1.0], 300)
    assert design_effect(alone, clusters) == pytest.approx(1, abs=0.4)


def test_effective_counts() -> None:
    assert Counts.effective(6, 3, 100, 1.0, None) == Counts(6, 3, 100)
    assert Counts.effective(6, 3, 100, 2.0, 50) == Counts(3, 1.5, 50)
    few = Counts.effective(6, 3, 100, 2.0, 10)
    assert few.n == pytest.approx(50 * (Z / t.ppf(0.975, 9)) ** 2)
