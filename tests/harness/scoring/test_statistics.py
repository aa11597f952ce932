"""Statistics: laws, and agreement with scipy, statsmodels and plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from harness.scoring import statistics

outcomes = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60)


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_agrees_with_scipy_and_statsmodels(n10: int, n01: int) -> None:
    p = statistics.mcnemar(n10, n01)
    assert p == statistics.mcnemar(n01, n10)
    assert 0 <= p <= 1
    if n10 + n01:
        assert p == pytest.approx(binomtest(n10, n10 + n01).pvalue, abs=1e-12)
        reference = statsmodels_mcnemar([[5, n10], [n01, 7]], exact=True).pvalue
        assert p == pytest.approx(reference, abs=1e-12)
    else:
        assert p == 1


@settings(max_examples=20)  # the reference collects garbage on every call
@given(st.lists(st.integers(0, 1000).map(lambda k: k / 1000), min_size=1, max_size=20))
def test_holm_agrees_with_statsmodels(p_values: list[float]) -> None:
    assert statistics.holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]), abs=1e-12)


@given(outcomes)
def test_standard_error_is_the_formula_item_by_item(pairs: list[tuple[bool, bool]]) -> None:
    differences = [int(c) - int(a) for a, c in pairs]
    mean = sum(differences) / len(differences)
    spread = sum((d - mean) ** 2 for d in differences) / (len(differences) - 1)
    assert statistics.standard_error(np.array(differences, float)) == pytest.approx(
        math.sqrt(spread / len(differences)), abs=1e-12
    )


@given(outcomes)
def test_items_that_are_their_own_clusters_change_nothing(pairs: list[tuple[bool, bool]]) -> None:
    differences = np.array([int(c) - int(a) for a, c in pairs], float)
    alone = np.array([f"image-{i}" for i in range(len(pairs))])
    assert statistics.standard_error(differences, alone) == pytest.approx(
        statistics.standard_error(differences), abs=1e-12
    )


def test_cluster_robust_standard_error_agrees_with_statsmodels() -> None:
    rng = np.random.default_rng(3)
    clusters = np.repeat([f"image-{k:02}" for k in range(30)], 5)
    differences = np.repeat(rng.integers(-1, 2, 30), 5) * (rng.random(150) < 0.7).astype(float)
    fitted = OLS(differences, np.ones(150)).fit(
        cov_type="cluster", cov_kwds={"groups": np.repeat(np.arange(30), 5), "use_correction": False}
    )
    expected = fitted.bse[0] * math.sqrt(30 / 29)
    assert statistics.standard_error(differences, clusters) == pytest.approx(expected, abs=1e-9)
    assert statistics.standard_error(differences, clusters) > statistics.standard_error(differences)


def test_standard_error_needs_two() -> None:
    assert statistics.standard_error(np.array([])) is None
    assert statistics.standard_error(np.array([1.0])) is None
    assert statistics.standard_error(np.array([1.0, 0.0]), np.array(["same", "same"])) is None


def test_cell_resampling_has_the_distribution_of_index_resampling() -> None:
    rng = np.random.default_rng(0)
    values = rng.choice([-1.0, 0.0, 0.0, 1.0], size=(200, 1))
    drawn = statistics.resample(values, "task")[:, 0]
    by_index = values[rng.integers(0, 200, size=(10_000, 200)), 0].mean(axis=1)
    assert drawn.mean() == pytest.approx(values.mean(), abs=0.003)
    assert drawn.std() == pytest.approx(by_index.std(), rel=0.05)
    assert statistics.interval(drawn) == pytest.approx(statistics.interval(by_index), abs=0.011)


def test_cluster_resampling_has_the_distribution_of_drawing_whole_clusters() -> None:
    rng = np.random.default_rng(1)
    sizes = rng.integers(1, 7, 40)
    clusters = np.repeat([f"image-{k:02}" for k in range(40)], sizes)
    values = np.repeat(rng.choice([-1.0, 0.0, 1.0], 40), sizes)
    drawn = statistics.resample(values[:, None], "task", clusters)[:, 0]
    members = [values[clusters == name] for name in np.unique(clusters)]
    slow = np.array([np.concatenate([members[k] for k in rng.integers(0, 40, 40)]).mean() for _ in range(2000)])
    assert drawn.std() == pytest.approx(slow.std(), rel=0.08)
    assert drawn.std() > 1.3 * statistics.resample(values[:, None], "task").std()


def test_a_resample_depends_on_its_name_and_seed_not_on_the_order_of_items() -> None:
    values = np.random.default_rng(5).integers(0, 2, size=(50, 2)).astype(float)
    first = statistics.resample(values, "task", n_resamples=200)
    assert np.array_equal(first, statistics.resample(values[::-1], "task", n_resamples=200))
    assert not np.array_equal(first, statistics.resample(values, "other", n_resamples=200))
    assert not np.array_equal(first, statistics.resample(values, "task", n_resamples=200, seed=1))


def test_blocks_bound_the_memory_and_not_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(100.0)[:, None]
    whole = statistics.resample(values, "task", n_resamples=101)
    monkeypatch.setattr(statistics, "_BLOCK", 300)
    assert np.array_equal(whole, statistics.resample(values, "task", n_resamples=101))


@pytest.mark.parametrize("clustered", [False, True])
def test_drawing_cells_and_drawing_items_have_the_same_distribution(
    monkeypatch: pytest.MonkeyPatch, clustered: bool
) -> None:
    values = np.random.default_rng(0).choice([-1.0, 0.0, 0.5, 1.0], size=(300, 1))
    clusters = np.arange(300) // 3 if clustered else None
    monkeypatch.setattr(statistics, "_CELL_COST", 0)
    cells = statistics.resample(values, "task", clusters)[:, 0]
    monkeypatch.setattr(statistics, "_CELL_COST", 10**6)
    items = statistics.resample(values, "task", clusters)[:, 0]
    assert not np.array_equal(cells, items)
    assert cells.mean() == pytest.approx(items.mean(), abs=0.003)
    assert cells.std() == pytest.approx(items.std(), rel=0.03)
    assert statistics.interval(cells) == pytest.approx(statistics.interval(items), abs=0.006)


def test_no_items_cannot_be_resampled() -> None:
    with pytest.raises(ValueError, match="no items"):
        statistics.resample(np.empty((0, 1)), "task")


@pytest.mark.parametrize(
    ("delta", "lower", "p", "word"),
    [
        (-0.1, -0.15, 0.001, "forgot"),
        (-0.01, -0.015, 0.001, "forgot"),  # certain and small is still forgotten
        (0.1, 0.05, 0.001, "improved"),
        (0.0, -0.01, 1.0, "retained"),
        (-0.01, -0.019, 0.3, "retained"),
        (-0.01, -0.02, 0.3, "inconclusive"),
        (0.0, -0.05, 1.0, "inconclusive"),  # a large p is no evidence of keeping
        (-0.1, -0.15, 0.05, "inconclusive"),
    ],
)
def test_verdict(delta: float, lower: float, p: float, word: str) -> None:
    assert statistics.verdict(delta, lower, p, units=149) == word


def test_too_few_items_cannot_show_that_all_was_retained() -> None:
    assert [statistics.verdict(0, 0, 1, units) for units in (1, 148, 149)] == ["inconclusive"] * 2 + ["retained"]
    assert statistics.verdict(0, 0, 1, 30, margin=0.1) == "retained"
    assert statistics.verdict(-0.1, -0.2, 0.001, units=20) == "forgot"
    # The exact form of the rule of three.
    assert pytest.approx(statistics.MARGIN, abs=0.0002) == 3 / 149


def test_minimum_detectable_difference() -> None:
    assert statistics.minimum_detectable_difference(0.25, 100) == pytest.approx(0.14)
    assert statistics.minimum_detectable_difference(0, 1) == 0
    with pytest.raises(ValueError, match="no items"):
        statistics.minimum_detectable_difference(0.1, 0)


def test_the_minimum_detectable_difference_is_found_four_times_in_five() -> None:
    n, churn = 1000, 0.1
    delta = statistics.minimum_detectable_difference(churn, n)
    rng = np.random.default_rng(8)
    tables = rng.multinomial(n, [(churn + delta) / 2, (churn - delta) / 2, 1 - churn], size=1000)
    found = np.mean([statistics.mcnemar(int(lost), int(won)) < 0.05 for lost, won, _ in tables])
    assert 0.75 < found < 0.85


def test_the_minimum_detectable_difference_of_a_mean_of_tasks_is_found_four_times_in_five() -> None:
    """Simulated: three tasks of unlike sizes, a z test of the mean of their deltas against its standard error."""
    counts, churn = (300, 1000, 2000), 0.1
    delta = statistics.mean_minimum_detectable_difference(churn, counts)
    rng = np.random.default_rng(9)
    sums, variances = np.zeros(2000), np.zeros(2000)
    for n in counts:
        cells = rng.multinomial(n, [(churn + delta) / 2, (churn - delta) / 2, 1 - churn], size=2000)
        sums += (cells[:, 0] - cells[:, 1]) / n
        variances += ((cells[:, 0] + cells[:, 1]) / n - ((cells[:, 0] - cells[:, 1]) / n) ** 2) / n
    assert 0.77 < np.mean(np.abs(sums) > 1.96 * np.sqrt(variances)) < 0.83


def test_the_detectable_difference_of_one_task_is_the_same_either_way() -> None:
    one = statistics.mean_minimum_detectable_difference(0.1, [700])
    assert one == pytest.approx(statistics.minimum_detectable_difference(0.1, 700))
    for nothing in ([], [3, 0]):
        with pytest.raises(ValueError, match="no items"):
            statistics.mean_minimum_detectable_difference(0.1, nothing)


def test_harmonic_mean_is_zero_where_either_is() -> None:
    x, y = np.array([0.0, 0.0, 1.0, 0.5]), np.array([0.0, 1.0, 1.0, 0.25])
    assert statistics.harmonic_mean(x, y) == pytest.approx([0, 0, 1, 1 / 3])
