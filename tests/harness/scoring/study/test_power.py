"""Which differences a study would show: more of larger ones, by more seeds, and next to none where there is none."""

from harness.scoring.study.power import StudySize, detectable_difference, shown_share

CLAIMS = [("rft", "sft", "made up"), ("rft", "other", "made up")]
SIZE = StudySize(seeds=5, items=150, tasks=9, seed_sd=0.01)


def test_noise_of_items_is_binomial_over_all_prior_items() -> None:
    assert abs(SIZE.item_sd - (0.92 * 0.08 / 1350) ** 0.5) < 1e-12


def test_a_base_that_knows_little_hides_what_one_that_knows_all_would_show() -> None:
    little = StudySize(seeds=5, items=150, tasks=9, seed_sd=0.01, above_chance=0.2, churn=0.1)
    assert abs(little.item_sd - 5 * (0.1 / 1350) ** 0.5) < 1e-12
    assert shown_share(little, CLAIMS, 0.05, 10) < shown_share(SIZE, CLAIMS, 0.05, 10) - 0.5


def test_nothing_is_shown_where_nothing_is_different() -> None:
    assert shown_share(SIZE, CLAIMS, 0.0, 10) < 0.05


def test_large_differences_are_shown_and_the_same_numbers_come_again() -> None:
    assert shown_share(SIZE, CLAIMS, 0.1, 10) > 0.95
    assert shown_share(SIZE, CLAIMS, 0.03, 10) == shown_share(SIZE, CLAIMS, 0.03, 10)


def test_more_seeds_show_smaller_differences() -> None:
    few, many = (detectable_difference(StudySize(seeds, 150, 9, 0.01), CLAIMS, 4) for seeds in (3, 6))
    assert few is not None
    assert many is not None
    assert many < few


def test_a_spread_that_hides_everything_is_said() -> None:
    assert detectable_difference(StudySize(2, 20, 2, 0.3), CLAIMS, 2) is None


def test_a_chain_of_claims_can_be_shown_whole() -> None:
    chain = [("rft", "rollout-sft", "made up"), ("rollout-sft", "sft", "made up"), ("rft", "sft", "made up")]
    assert shown_share(SIZE, chain, 0.1, 10) > 0.95
