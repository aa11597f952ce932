"""ANLS: the similarity, where it is cut, and what lengths it divides by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.answers.anls import edit_distance, judge_anls, similarity
from harness.records.samples import Outcome


@pytest.mark.parametrize(
    ("text", "golds", "score"),
    [
        ("ITC Limited", ["ITC Limited"], 1.0),
        ("itc  limited", ["ITC Limited"], 1.0),
        ("itc limitid", ["ITC Limited"], 10 / 11),
        ("abcd", ["abxy"], 0.5),
        ("abcde", ["abxyz"], 0.0),
        ("abcde", ["abxyz", "abcdx"], 0.8),
        ("", ["a"], 0.0),
        ("a", [""], 0.0),
        # After normalisation both have four letters: the spaces do not make a difference of three in four smaller.
        ("a   b   c", ["x y c"], 0.6),
    ],
)
def test_the_similarity(text: str, golds: list[str], score: float) -> None:
    assert similarity(text, golds) == pytest.approx(score)


@pytest.mark.parametrize(
    ("output", "outcome", "score"),
    [
        ("0.28", Outcome.CORRECT, 1.0),
        ("The answer is 0.28.", Outcome.CORRECT, 1.0),
        ("The value is 0.28.", Outcome.CORRECT, 1.0),
        ("0.38", Outcome.CORRECT, 0.75),
        ("17", Outcome.WRONG, 0.0),
        ("", Outcome.UNPARSED, 0.0),
        ("I cannot read the document.", Outcome.UNPARSED, 0.0),
    ],
)
def test_a_half_is_enough(output: str, outcome: Outcome, score: float) -> None:
    content = judge_anls(output, ["0.28"]).content
    assert (content.outcome, content.score) == (outcome, pytest.approx(score))


def test_what_stands_in_place_of_an_answer_may_be_the_right_one() -> None:
    assert judge_anls("Not mentioned", ["not mentioned"]).content.outcome is Outcome.CORRECT
    assert judge_anls("Not mentioned", ["17"]).content.outcome is Outcome.UNPARSED


def test_the_form_is_the_answer_alone() -> None:
    assert judge_anls("0.28", ["0.28"]).form.outcome is Outcome.CORRECT
    assert judge_anls("The answer is 0.28.", ["0.28"]).form.outcome is Outcome.UNPARSED


@given(st.text("ab ", max_size=9), st.text("ab ", max_size=9))
def test_the_distance_is_one(one: str, other: str) -> None:
    distance = edit_distance(one, other)
    assert distance == edit_distance(other, one)
    assert (distance == 0) == (one == other)
    assert abs(len(one) - len(other)) <= distance <= max(len(one), len(other))
    assert edit_distance(one + "a", other + "a") == distance
