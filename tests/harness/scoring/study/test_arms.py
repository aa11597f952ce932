"""Arms as points: a quantity against forgetting, the unit the training, whatever number of seeds it has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test, spearmanr

from harness.scoring.study.arms import across_arms, common_level, permutation_p
from tests.support.studies import Arm, target


def arms(count: int, seeds: int = 2) -> dict[str, Arm]:
    """Trainings that forget more the more perplexing their data and the further they drift."""
    return {
        f"arm{place}": Arm((1 - 0.1 * place,) * seeds, perplexity=2.0**place, kl=0.01 * (place + 1))
        for place in range(count)
    }


def test_arms_are_points_whose_number_of_seeds_does_not_matter() -> None:
    for seeds in (1, 2, 5):
        perplexity, prior, on_target = across_arms(target(arms(6, seeds)))
        for across in (perplexity, prior, on_target):
            assert len(across.arms) == 6
            assert across.spearman == pytest.approx(1)
            assert across.p == pytest.approx(2 / 720)
            assert across.reading == "more"
    assert perplexity.at == 0.9
    assert prior.at is None


def test_three_arms_are_too_few_and_four_cannot_decide() -> None:
    assert across_arms(target(arms(3)))[0].reading == "too few"
    four = across_arms(target(arms(4)))[0]
    assert four.p == pytest.approx(2 / 24)
    assert four.reading == "undecided"


def test_less_is_read_as_less() -> None:
    made = {name: Arm(arm.ends, perplexity=1 / (arm.perplexity or 1)) for name, arm in arms(6).items()}
    assert across_arms(target(made))[0].reading == "less"


def test_what_was_not_measured_is_absent_with_its_reason() -> None:
    made = target({"rft": Arm((0.9, 0.9), method="rft", perplexity=9.0), "sft": Arm((0.8, 0.8))})
    perplexity, prior, _ = across_arms(made)
    assert perplexity.arms == prior.arms == ()
    assert {training.name: why for training, why in perplexity.absent} == {
        "rft": "learns from samples of its own, whose perplexity the study does not record",
        "sft": "not measured for every seed",
    }
    assert [why for _, why in prior.absent] == ["not measured for every seed"] * 2


def test_the_common_level_is_the_highest_that_all_reach() -> None:
    assert common_level(target(arms(2))) == 0.9
    assert common_level(target({**arms(2), "short": Arm((0.9, 0.9), reach=0.6)})) == 0.5
    assert common_level(target({**arms(2), "failed": Arm((None, 0.9))})) is None


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=4, max_size=6))
def test_the_p_value_counts_all_orders(pairs: list[tuple[int, int]]) -> None:
    x, y = zip(*pairs, strict=True)
    if len(set(x)) == 1 or len(set(y)) == 1:
        return
    found = permutation_p([(float(a), float(b)) for a, b in pairs])
    exact = permutation_test(
        (x,), lambda order: abs(spearmanr(order, y).statistic), permutation_type="pairings", alternative="greater"
    )
    assert found == pytest.approx(exact.pvalue, abs=1e-9)


def test_beyond_eight_arms_students_t_is_used_and_too_few_are_refused() -> None:
    pairs = [(float(place), float(place % 4)) for place in range(10)]
    assert permutation_p(pairs) == pytest.approx(spearmanr(*zip(*pairs, strict=True)).pvalue)
    with pytest.raises(ValueError, match="3 pairs: fewer than 4"):
        permutation_p(pairs[:3])
