"""Which option each metric takes: as lm-eval's multiple_choice takes it, the first in a tie."""

import pytest

from harness.answers.likelihoods import likeliest, normalised

# Two characters of one byte, and one character of three bytes.
TEXTS = ("a cat", "cat", "猫猫猫")


@pytest.mark.parametrize(
    ("logprobs", "chosen"),
    [
        ((-5.0, -4.0, -6.0), {"acc": 1, "acc_norm": 0, "acc_bytes": 2}),
        ((-1.0, -1.0, -9.0), {"acc": 0, "acc_norm": 0, "acc_bytes": 0}),
        ((-5.0, -3.0, -9.0), {"acc": 1, "acc_norm": 0, "acc_bytes": 0}),
    ],
)
def test_each_metric_takes_the_option_with_the_highest_score(
    logprobs: tuple[float, ...], chosen: dict[str, int]
) -> None:
    assert {metric: likeliest(logprobs, TEXTS, metric) for metric in chosen} == chosen


def test_scores_are_by_character_and_by_byte() -> None:
    assert normalised((-10.0, -6.0, -9.0), TEXTS, "acc_norm") == [-2.0, -2.0, -3.0]
    assert normalised((-10.0, -6.0, -9.0), TEXTS, "acc_bytes") == [-2.0, -2.0, -1.0]
    assert normalised((-10.0,), ("",), "acc_norm") == [-10.0]
    assert normalised((-10.0,), ("abc",), "exact_match") == [-10.0]
