"""Statistics: laws, and agreement with scipy, statsmodels and plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, t
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from harness.scoring import mean_minimum_detectable_difference, statistics
from harness.scoring.clusters import Counts


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
@pytest.mark.slow
def test_holm_agrees_with_statsmodels(p_values: list[float]) -> None:
    assert statistics.holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]), abs=1e-12)


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
    ("delta", "p", "above_chance", "retained", "word"),
    [
        (-0.1, 0.001, True, False, "forgot"),
        (-0.01, 0.001, True, True, "forgot"),  # certain and small is still forgotten
        (0.1, 0.001, True, False, "improved"),
        (0.0, 1.0, True, True, "retained"),
        (0.0, 1.0, True, False, "inconclusive"),  # a large p is no evidence of keeping
        (-0.1, 0.05, True, False, "inconclusive"),
        (0.37, 0.001, False, False, "improved"),
        (-0.1, 0.001, False, False, "nothing to lose"),
        (0.0, 1.0, False, True, "nothing to lose"),
    ],
)
def test_verdict(delta: float, p: float, above_chance: bool, retained: bool, word: str) -> None:
    assert statistics.verdict(delta, p, above_chance=above_chance, retained=retained) == word


def test_too_few_items_cannot_show_that_all_was_retained() -> None:
    shown = [statistics.is_retained(Counts(0, 0, units), units) for units in (1, 188, 189)]
    assert shown == [False, False, True]
    assert statistics.is_retained(Counts(0, 0, 40), 40, margin=0.1)
    # Ten clusters whose items all stayed cannot have shown a loss of two points, however many items they hold.
    assert not statistics.is_retained(Counts(0, 0, 1000), 10)
    assert [statistics.enough_to_retain(units) for units in (148, 149)] == [False, True]


def test_a_true_loss_of_the_margin_is_seldom_called_retained() -> None:
    rng = np.random.default_rng(2)
    for n in (151, 300, 1000):
        cells = rng.multinomial(n, [0.02, 0.0, 0.98], size=4000)
        found = [statistics.is_retained(Counts(lost, won, n), n) for lost, won, _ in cells]
        assert np.mean(found) <= 0.03
        cells = rng.multinomial(n, [0.04, 0.02, 0.94], size=4000)
        assert np.mean([statistics.is_retained(Counts(lost, won, n), n) for lost, won, _ in cells]) <= 0.03


def test_graded_scores_of_few_clusters_have_students_interval() -> None:
    values = np.random.default_rng(4).normal(size=10)
    expected = t.interval(0.95, 9, values.mean(), values.std(ddof=1) / math.sqrt(10))
    assert statistics.mean_interval("task", values) == pytest.approx(expected, rel=1e-9)
    assert statistics.mean_interval("task", values[:1]) is None
    assert statistics.mean_interval("task", values, np.zeros(10)) is None
    many = np.random.default_rng(5).normal(size=400)
    low, high = statistics.mean_interval("task", many)
    assert (low, high) == pytest.approx(t.interval(0.95, 399, many.mean(), many.std() / 20), abs=0.01)


def test_the_minimum_detectable_difference_of_a_mean_of_tasks_is_found_four_times_in_five() -> None:
    """Simulated: three tasks of unlike sizes, a z test of the mean of their deltas against its standard error."""
    counts, churn = (300, 1000, 2000), 0.1
    delta = mean_minimum_detectable_difference(churn, counts)
    rng = np.random.default_rng(9)
    sums, variances = np.zeros(2000), np.zeros(2000)
    for n in counts:
        cells = rng.multinomial(n, [(churn + delta) / 2, (churn - delta) / 2, 1 - churn], size=2000)
        sums += (cells[:, 0] - cells[:, 1]) / n
        variances += ((cells[:, 0] + cells[:, 1]) / n - ((cells[:, 0] - cells[:, 1]) / n) ** 2) / n
    assert 0.77 < np.mean(np.abs(sums) > 1.96 * np.sqrt(variances)) < 0.83


def test_a_mean_of_no_tasks_has_no_detectable_difference() -> None:
    for nothing in ([], [3, 0]):
        with pytest.raises(ValueError, match="no items"):
            mean_minimum_detectable_difference(0.1, nothing)


def test_harmonic_mean_is_zero_where_either_is() -> None:
    x, y = np.array([0.0, 0.0, 1.0, 0.5]), np.array([0.0, 1.0, 1.0, 0.25])
    assert statistics.harmonic_mean(x, y) == pytest.approx([0, 0, 1, 1 / 3])
