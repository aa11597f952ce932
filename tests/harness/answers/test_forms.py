"""Questions that ask for a solution: what is asked, and the target that answers it."""

import pytest

from harness.answers import choices, mathematics
from harness.answers.forms import Form, asked_by_letter, asked_freely
from harness.items import Item


@pytest.mark.parametrize("form", ["said", "boxed", "think"])
def test_a_target_answers_in_the_form_that_was_asked_for(form: Form) -> None:
    item = asked_freely("t", "What is 2 + 2?", "4", "2 + 2 = 4.", form=form, group="g")
    assert item.question.startswith("What is 2 + 2?\n\n")
    assert "4" not in item.question.partition("\n\n")[2], "an example of a number would be copied"
    judged = mathematics.judge_math(item.target, item.answer)
    assert judged.score == 1
    assert judged.layer == {"said": "said", "boxed": "boxed", "think": "tag"}[form]
    assert "2 + 2 = 4." in item.target


@pytest.mark.parametrize("form", ["said", "boxed", "think"])
def test_options_stand_below_the_question_with_a_letter_each(form: Form) -> None:
    item = asked_by_letter("t", "What is 2 + 2?", ["3", "4", "5"], 1, "2 + 2 = 4.", form=form)
    assert isinstance(item, Item)
    assert item.question.startswith("What is 2 + 2?\n\nA. 3\nB. 4\nC. 5\n\n")
    assert "the letter of the correct option" in item.question
    assert (item.answer, item.guess_rate, item.options) == ("B", 1 / 3, ("3", "4", "5"))
    assert choices.judge_lettered(item.target, "B", item.options).lenient.score == 1


def test_a_question_whose_right_option_stands_there_twice_is_not_asked() -> None:
    assert asked_by_letter("t", "What is 2 + 2?", ["4", "4", "5"], 0) is None
    assert asked_by_letter("t", "What is 2 + 2?", ["3", "3", "4"], 2) is not None
