"""Agreement: the two exact tests, what they find, and how rarely they call an honest entry false."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import binom

from harness.scoring.agreement import (
    ALPHA,
    ENOUGH,
    Agreement,
    SideAgreement,
    agree,
    compare_side,
    detectable_share,
    smallest_p,
)

DIGEST = "ab" * 32


def side(n: int = 300, **counts: int) -> SideAgreement:
    fields = {"same_text": n, "stored_odd": 0, "noise": 0, "lost": 0, "won": 0} | counts
    return SideAgreement(weights_digest=DIGEST, samples_sha256=DIGEST, n=n, **fields)


def agreement(base: SideAgreement, tuned: SideAgreement, agrees: bool) -> Agreement:
    return Agreement(
        seed="0" * 40, environment="e/1/float32/eager/cpu", tasks={"a": tuned.n}, base=base, tuned=tuned, agrees=agrees
    )


def test_equal_answers_agree() -> None:
    assert agree(side(), side())
    assert agreement(side(), side(), True).p_value == 1


@pytest.mark.parametrize(("altered", "agrees"), [(1, True), (5, True), (6, False), (40, False)])
def test_on_an_engine_without_noise_six_altered_answers_are_found(altered: int, agrees: bool) -> None:
    changed = side(stored_odd=altered, lost=altered)
    assert agree(side(), changed) is agrees
    assert agree(changed, side()) is agrees


def test_as_much_noise_as_change_is_no_evidence() -> None:
    assert agree(side(), side(stored_odd=12, noise=24, lost=6, won=6))
    assert not agree(side(), side(stored_odd=24, noise=6, lost=12, won=12))


def test_inflated_answers_are_found_below_the_noise() -> None:
    """A third of what moves is the stored answer, as it should be, but all of it in one direction."""
    assert agree(side(), side(stored_odd=12, noise=24, lost=7, won=5))
    assert not agree(side(), side(stored_odd=12, noise=24, lost=12, won=0))


def test_counts_follow_from_the_three_answers() -> None:
    stored = np.array([1, 1, 1, 0, 0, 0, 1, 0], dtype=bool)
    first = np.array([1, 0, 1, 0, 1, 0, 0, 0], dtype=bool)
    second = np.array([1, 0, 0, 0, 1, 1, 1, 0], dtype=bool)
    counted = compare_side(stored, first, second, stored == first, DIGEST, DIGEST)
    assert (counted.stored_odd, counted.noise, counted.lost, counted.won) == (2, 3, 2, 1)
    assert (counted.n, counted.same_text) == (8, 5)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_any_three_answers_give_counts_that_add_up(answers: list[tuple[bool, bool, bool]]) -> None:
    stored, first, second = np.array(answers, dtype=bool).T
    counted = compare_side(stored, first, second, stored == first, DIGEST, DIGEST)
    moved = sum(len(set(each)) > 1 for each in answers)
    assert counted.stored_odd + counted.noise == moved
    assert all(0 <= p <= 1 for p in counted.p_values)


def test_honest_entries_are_called_false_at_most_once_in_a_hundred() -> None:
    """4,000 honest entries on a noisy engine: the share that does not agree stays below the level, with its error."""
    rng = np.random.default_rng(3)
    false = 0
    for _ in range(4000):
        sides = []
        for accuracy in (0.9, 0.5):
            known = rng.random(200) < accuracy
            stored, first, second = (known ^ (rng.random(200) < 0.05) for _ in range(3))
            sides.append(compare_side(stored, first, second, stored == first, DIGEST, DIGEST))
        false += not agree(*sides)
    assert false / 4000 <= ALPHA + 3 * (ALPHA * (1 - ALPHA) / 4000) ** 0.5


def test_the_share_that_is_found_is_found_with_that_power() -> None:
    share = detectable_share(ENOUGH)
    assert share == pytest.approx(0.039, abs=0.002)
    assert binom.sf(5, ENOUGH, share) >= 0.8 > binom.sf(5, ENOUGH, share - 0.001)
    assert detectable_share(5) == 1.0
    rng = np.random.default_rng(5)
    found = [not agree(side(200), side(200, stored_odd=k, lost=k)) for k in rng.binomial(200, share, 2000)]
    assert np.mean(found) > 0.77


def test_a_verdict_that_the_counts_do_not_give_is_refused() -> None:
    forged = side(stored_odd=40, lost=40)
    with pytest.raises(ValidationError, match="agrees: the counts say False"):
        agreement(side(), forged, True)
    assert agreement(side(), forged, False).p_value == smallest_p(side(), forged)


@pytest.mark.parametrize(
    "counts",
    [{"stored_odd": 2}, {"lost": 1}, {"stored_odd": 200, "noise": 200, "lost": 200}, {"same_text": 301}],
)
def test_counts_that_contradict_each_other_are_refused(counts: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        side(**counts)


def test_both_sides_are_of_the_same_items() -> None:
    with pytest.raises(ValidationError, match="the items of all tasks"):
        agreement(side(200), side(300), True)
