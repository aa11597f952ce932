"""Seeds: means, intervals and tests over the seeds of recipes, whatever the order they come in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.scoring import holm
from leaderboard.board.seeds import Differences, Interval, SeedMean, adjusted, over_seeds

Value = tuple[float, Interval | None]

shares = st.floats(-0.2, 1.2, allow_nan=False).map(lambda value: round(value, 4))
values = st.tuples(shares, st.floats(0.001, 0.2)).map(lambda each: around(*each))


def around(value: float, half: float) -> Value:
    return value, (value - half, value + half)


@given(st.lists(values, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_seeds_does_not_matter(found: list[Value], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert over_seeds(shuffled) == over_seeds(found)


@given(st.lists(values, min_size=1, max_size=6))
def test_the_mean_lies_among_the_seeds_and_in_its_interval(found: list[Value]) -> None:
    mean = over_seeds(found)
    assert mean.seeds == len(found)
    assert mean.low - 1e-9 <= mean.mean <= mean.high + 1e-9
    assert (mean.interval is None) == (len(found) < 3)
    if mean.interval is not None:
        assert mean.interval[0] - 1e-9 <= mean.mean <= mean.interval[1] + 1e-9


@given(values)
def test_one_seed_has_neither_an_interval_nor_a_test(found: Value) -> None:
    mean = over_seeds([found])
    assert (mean.interval, mean.disagree_p, mean.disagree) == (None, None, False)


@given(values, st.integers(2, 6))
def test_equal_seeds_do_not_disagree(found: Value, times: int) -> None:
    mean = over_seeds([found] * times)
    assert mean.disagree_p == pytest.approx(1)
    assert not mean.disagree


def test_the_interval_is_students_and_q_is_cochrans() -> None:
    found = [around(0.93, 0.02), around(0.72, 0.03), around(0.88, 0.01)]
    mean = over_seeds(found)
    point = np.array([value for value, _ in found])
    low, high = stats.t.interval(0.95, 2, loc=point.mean(), scale=stats.sem(point))
    assert mean.interval == pytest.approx((low, high))
    weight = np.array([(stats.norm.ppf(0.975) / half) ** 2 for half in (0.02, 0.03, 0.01)])
    q = (weight * (point - np.average(point, weights=weight)) ** 2).sum()
    assert mean.disagree_p == pytest.approx(stats.chi2.sf(q, 2), rel=1e-4)
    assert mean.disagree


def test_an_interval_is_not_cut_and_says_when_any_value_fits() -> None:
    apart = over_seeds([around(0.93, 0.02), around(0.72, 0.02), around(-0.11, 0.01)])
    assert apart.interval is not None
    assert apart.interval[0] < 0
    assert apart.interval[1] > 1
    assert apart.is_open
    near = over_seeds([around(0.99, 0.02), around(0.9, 0.02), around(1.04, 0.02)])
    assert near.interval is not None
    assert near.interval[1] > 1
    assert not near.is_open


def test_seeds_without_an_interval_or_with_a_point_are_not_tested() -> None:
    assert over_seeds([(0.9, None), around(0.1, 0.01)]).disagree_p is None
    assert over_seeds([(0.9, (0.9, 0.9)), around(0.1, 0.01)]).disagree_p is None


def test_what_is_common_to_all_seeds_widens_intervals_and_errs_towards_agreement() -> None:
    rng = np.random.default_rng(7)
    rejected = 0
    for _ in range(400):
        shared, own = rng.normal(0, 0.02), rng.normal(0, 0.01, 3)
        half = 1.959964 * float(np.hypot(0.02, 0.01))
        rejected += over_seeds([around(0.8 + shared + each, half) for each in own]).disagree
    assert rejected / 400 < 0.01


def test_disagreement_is_adjusted_over_the_recipes_of_a_track() -> None:
    means = [SeedMean(0.5, 2, None, p) for p in (0.02, None, 0.9, 0.03)]
    told = adjusted(means)
    assert [each.disagree_p for each in told if each.disagree_p is not None] == holm([0.02, 0.9, 0.03])
    assert told[1] is means[1]
    assert [each.disagree for each in told] == [False] * 4
    assert adjusted([means[0]])[0].disagree
    assert adjusted([]) == []


def seeds(*found: float) -> SeedMean:
    return over_seeds([around(value, 0.02) for value in found])


def test_differences_are_welchs_after_holm_over_the_pairs_that_could_be_tested() -> None:
    one, other, third, alone = (0.94, 0.93, 0.95), (0.90, 0.91, 0.89), (0.5, 0.9), (0.99,)
    found = Differences([seeds(*each) for each in (one, other, third, alone)])
    raw = [
        float(stats.ttest_ind(a, b, equal_var=False).pvalue) for a, b in ((other, one), (third, one), (third, other))
    ]
    told = holm(raw)
    assert [found[pair].p for pair in ((1, 0), (2, 0), (2, 1))] == pytest.approx(told)
    assert found[0, 1].difference == pytest.approx(0.04)
    assert found[1, 0].difference == pytest.approx(-0.04)
    assert found[0, 1].is_shown
    assert not found[0, 2].is_shown
    assert [found[at, 3].p for at in range(3)] == [None] * 3
    assert not found[0, 3].is_shown


@given(st.lists(st.lists(shares, min_size=1, max_size=4), min_size=1, max_size=5))
def test_no_difference_is_shown_between_recipes_of_one_seed_or_without_spread(found: list[list[float]]) -> None:
    told = Differences([seeds(*each) for each in found])
    for one in range(len(found)):
        for other in range(one):
            assert told[other, one].p == told[one, other].p
            if min(len(found[one]), len(found[other])) < 2:
                assert told[one, other].p is None
    assert all(each.p is not None and each.one < each.other for each in told)
    same = Differences([seeds(0.9, 0.9), seeds(0.5, 0.5)])
    assert same[0, 1].p is None


def test_equal_seeds_have_no_spread_whatever_their_binary_digits() -> None:
    """The mean of three times 0.95 is not 0.95 in binary, and a spread of rounding errors would show any difference."""
    for value in (0.95, 0.1, 1 / 3):
        pair = [over_seeds([(each, None)] * 3) for each in (value, value + 1e-3)]
        assert Differences(pair)[0, 1].p is None
