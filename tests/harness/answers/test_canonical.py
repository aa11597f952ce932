"""Canonical answers: what differs in notation alone is one answer, what differs in more is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.answers.canonical import canonical_answer
from harness.answers.choices import judge_choice
from harness.answers.numbers import judge_number


@pytest.mark.parametrize(
    "written",
    ["12 units", "12 km", "$12", "€12", "12 dollars", "12%", "12 per cent", "answer: 12", "The answer is 12.",
     "x = 12", "012", "+12", "12.0", "12/1", "24/2", "twelve", "1.2e1", "(12)", "**12**", "\\boxed{12}", "12 in total",
     "it is 12", "about 12", "[12]", "\uff11\uff12", "1\u200b2", "\u0661\u0662"],
)  # fmt: skip
def test_a_number_is_one_answer_however_it_is_written(written: str) -> None:
    assert canonical_answer(written) == canonical_answer("12") == "12"


def test_what_is_taken_for_one_answer_is_one_for_the_judge() -> None:
    for written in ("12 units", "12 km", "$12", "12%", "answer: 12", "012", "twelve", "12/1"):
        assert judge_number(f"<answer>{written}</answer>", "12").outcome == "correct"
    for written in ("(B)", "option B", "b.", "B. two", "answer: B"):
        assert judge_choice(f"<answer>{written}</answer>", "two", ["one", "two"]).outcome == "correct"


@pytest.mark.parametrize(
    "written",
    ["-12", "minus 12", "not 12", "1.2", "12 13", "12, 13", "112", "12x", "1/12", "12 thousand", "more than 12"],
)
def test_another_number_stays_another_answer(written: str) -> None:
    assert canonical_answer(written) != "12"


@pytest.mark.parametrize(
    "written", ["B", "b", "(B)", "option B", "Choice (b)", "[B]", "B.", "B. two", "answer: B", "the letter B", "*B*"]
)
def test_an_option_is_one_answer_however_it_is_named(written: str) -> None:
    assert canonical_answer(written) == "b"


@pytest.mark.parametrize("written", ["C", "A. B", "two", "bb", "option C", "B4"])
def test_another_option_stays_another_answer(written: str) -> None:
    assert canonical_answer(written) != "b"


def test_lists_boxes_and_words_but_for_their_marks() -> None:
    for alike in (
        ("1,3,2,4", "1, 3, 2, 4", "[1,3,2,4]", "(1 3 2 4)", "1-3-2-4", "01, 3.0, 2, 4"),
        ("[10, 20.5, 30]", "10 20.50 30", "(10,20.5,30)"),
        ("top left", "Top-Left.", "the top left", "top_left"),
        ("1/3", "0.333333", "0.3333333333"),
    ):
        assert len({canonical_answer(each) for each in alike}) == 1
    different = ("1,3,2,4", "1,3,4,2", "1324", "top left", "left top", "top right", "1/3", "0.3", "", "-1, 3", "1, 3")
    assert len({canonical_answer(each) for each in different}) == len(different)


@given(st.text(max_size=60) | st.text("0123456789.,/-+e% $()BbÞ\\", max_size=60))
def test_any_text_has_one_notation(text: str) -> None:
    canonical_answer(text)


@given(st.integers(-(10**18), 10**18), st.integers(-(10**18), 10**18))
def test_whole_numbers_are_told_apart_whatever_their_unit(one: int, other: int) -> None:
    assert (canonical_answer(f"{one} km") == canonical_answer(f"{other}.0")) == (one == other)
