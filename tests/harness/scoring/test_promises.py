"""Promises of the statistics, by simulation: the short form of ``python -m tests.bench.statistics``.

The bounds leave room for few repetitions, and none of them would pass what scorer version 1 did (in the comments).
"""

import pytest

from tests.bench import statistics as bench


@pytest.mark.parametrize("icc", [0.3, 0.7])
def test_clustered_items_raise_no_false_alarm(icc: float) -> None:
    assert bench.forgot_on_clusters(60, icc) <= 0.15  # .36 and .77


@pytest.mark.parametrize("n", [151, 400])
def test_a_loss_of_the_margin_is_not_called_retained(n: int) -> None:
    assert bench.retained_at_the_margin(1500, n) <= 0.04  # .19


@pytest.mark.parametrize("n", [300, 100])
def test_an_unchanged_model_keeps_all_of_it(n: int) -> None:
    found = bench.retention(120, (1.0,) * 5, n)
    assert abs(found["bias_points"]) < 0.6  # -1.1
    assert found["covers"] >= 0.85  # .00


@pytest.mark.parametrize("ratios", [(0.98,) * 5, (0.9,) * 5, bench.HALF])
def test_losses_are_estimated_and_gains_do_not_pay_for_them(ratios: tuple[float, ...]) -> None:
    found = bench.retention(120, ratios, 300)
    assert abs(found["bias_points"]) < 0.7
    assert found["covers"] >= 0.82


def test_a_base_near_chance_that_lost_nothing_keeps_all_of_it() -> None:
    assert bench.retention(120, (1.0,) * 5, 300, 0.2875)["mean"] == pytest.approx(1, abs=0.06)  # .65


@pytest.mark.parametrize("n", [50, 100, 200])
def test_intervals_hold_a_small_loss(n: int) -> None:
    assert bench.covers(300, bench.Truth(0.9, 0.02, 0.0, n)) >= 0.93  # .65, .87, .90


@pytest.mark.parametrize("icc", [0.0, 0.3, 0.7])
def test_intervals_of_few_clusters_hold_the_truth(icc: float) -> None:
    assert bench.covers(300, bench.Truth(0.95, 0.03, 0.03, 10, 10, icc)) >= 0.94  # .82 to .92


def test_intervals_of_balanced_churn_are_not_too_wide() -> None:
    assert 0.92 <= bench.covers(500, bench.Truth(0.8, 0.05, 0.05, 300)) <= 0.98


@pytest.mark.parametrize("tasks", [9, 20])
def test_the_smallest_loss_is_found_four_times_in_five(tasks: int) -> None:
    assert 0.72 <= bench.power(400, tasks, bench.Truth(0.8, 0.05, 0.05, 400)) <= 0.9  # .47 and .36


def test_the_smallest_loss_of_clusters_is_found_four_times_in_five() -> None:
    assert 0.7 <= bench.power(300, 1, bench.Truth(0.8, 0.1, 0.1, 87, 6, 0.5)) <= 0.92  # .40


@pytest.mark.parametrize("seeds", [1, 3])
def test_trainings_that_differ_by_their_seeds_alone_are_not_told_apart(seeds: int) -> None:
    assert bench.study_claims(150, seeds) <= 0.08  # .82 and .48


def test_matched_retention_of_an_unchanged_model_holds_all_of_it() -> None:
    assert bench.matched_retention(120, 300) >= 0.86  # .00
