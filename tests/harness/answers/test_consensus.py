"""VQA accuracy over ten answers."""

import pytest

from harness.answers.consensus import agreement, judge_consensus, normal_answer
from harness.records.samples import Outcome

TEN = ["nokia", "Nokia", "nokia.", "the nokia", "a phone", "2", "two", "samsung", "yes", "10:30"]


@pytest.mark.parametrize(
    ("text", "score"),
    [("nokia", 1.0), ("The Nokia!", 1.0), ("two", 0.6), ("2", 0.6), ("samsung", 0.3), ("1030", 0.0), ("", 0.0)],
)
def test_the_score_is_the_mean_over_the_people(text: str, score: float) -> None:
    assert agreement(text, TEN) == pytest.approx(score)


def test_three_of_ten_are_nine_tenths_and_none_is_nothing() -> None:
    assert agreement("x", ["x"] * 3 + ["y"] * 7) == pytest.approx(0.9)
    assert agreement("x", []) == 0


@pytest.mark.parametrize(
    ("output", "outcome"),
    [
        ("nokia", Outcome.CORRECT),
        ("The phone is a Nokia.", Outcome.CORRECT),
        ("two", Outcome.CORRECT),
        ("samsung", Outcome.WRONG),
        ("motorola", Outcome.WRONG),
        ("I can't tell.", Outcome.UNPARSED),
        ("", Outcome.UNPARSED),
    ],
)
def test_two_people_are_enough(output: str, outcome: Outcome) -> None:
    assert judge_consensus(output, TEN).content.outcome is outcome


@pytest.mark.parametrize(
    ("text", "normal"),
    [("Don't", "dont"), ("1,000", "1000"), ("3.5", "3.5"), ("10:30", "10:30"), ("end.", "end"), ("The  ten", "10")],
)
def test_how_answers_are_compared(text: str, normal: str) -> None:
    assert normal_answer(text) == normal
