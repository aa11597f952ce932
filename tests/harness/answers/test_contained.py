"""Contained strings: whole words, formulas without spaces, and a limit to what may stand around."""

import pytest

from harness.answers.contained import contains, judge_contained
from harness.records.samples import Outcome


@pytest.mark.parametrize(
    ("text", "gold", "found"),
    [
        ("CENTRE", "centre", True),
        ('The text says "Centre".', "CENTRE", True),
        ("It is 7.", "7", True),
        ("17", "7", False),
        ("3.5", "5", False),
        ("centres", "centre", False),
        ("ABC\nSDN  BHD", "abc sdn bhd", True),
        ("$7.00", "7.00", True),
        ("anything", "", False),
    ],
)
def test_a_text_stands_as_a_whole(text: str, gold: str, found: bool) -> None:
    assert contains(text, gold) is found


def test_formulas_have_no_spaces() -> None:
    assert contains("$x^{2}+1$", "x ^ { 2 } + 1", formula=True)
    assert not contains("x^{3}+1", "x ^ { 2 } + 1", formula=True)
    assert not contains("x^{2}+1", "", formula=True)


@pytest.mark.parametrize(
    ("output", "outcome"),
    [
        ("CENTRE", Outcome.CORRECT),
        ("The answer is CENTRE.", Outcome.CORRECT),
        ("The word in the picture is 'Centre'.", Outcome.CORRECT),
        ("CENTER", Outcome.WRONG),
        ("", Outcome.UNPARSED),
        ("I'm sorry, I cannot read it.", Outcome.UNPARSED),
        (" ".join(["WORD", "CENTRE", "OTHER"] * 20), Outcome.UNPARSED),
    ],
)
def test_to_list_everything_is_no_answer(output: str, outcome: Outcome) -> None:
    assert judge_contained(output, ["CENTRE"]).content.outcome is outcome


def test_the_form_is_the_text_alone() -> None:
    assert judge_contained("CENTRE", ["CENTRE"]).form.outcome is Outcome.CORRECT
    assert judge_contained("It says CENTRE.", ["CENTRE"]).form.outcome is Outcome.UNPARSED
