"""Yes or no: what is one, what only looks like one, and the states of everything else."""

import pytest

from harness.answers.yes_no import f1_of_yes, judge_yes_no, read_yes_no, share_all_right
from harness.records.samples import Outcome

ASKED = "Is there a dog in the image?"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("Yes", "yes"),
        ("yes.", "yes"),
        ("**Yes**", "yes"),
        ("(Yes)", "yes"),
        ("No", "no"),
        ("no!", "no"),
        ("No, there is not.", "no"),
        ("Yes, there is a dog, and no cat.", "yes"),
        ("Yes. No other dogs are visible.", "yes"),
        ("The answer is yes.", "yes"),
        ("Therefore, the answer is: No", "no"),
        ("<answer>No</answer>", "no"),
        ("<think>no</think>Yes", "yes"),
        ("It is a dog, so yes.", "yes"),
        ("No doubt, yes.", "yes"),
        ("There is no dog.", "no"),
        ("There isn't a dog here.", "no"),
        ("There is a dog in the image.", "yes"),
        ("I don't see a dog.", "no"),
        ("Nope", "no"),
        ("是的", "yes"),
        ("不是", "no"),
        ("No, it is not. The answer is yes.", "yes"),
    ],
)
def test_what_is_read(output: str, said: str) -> None:
    assert read_yes_no(output, ASKED)[0] == said


@pytest.mark.parametrize(
    "output",
    [
        "",
        "Not sure.",
        "Not at all clear",
        "Note that the image is dark",
        "Nothing",
        "None",
        "No idea.",
        "Yes or no",
        "yes/no",
        "Yes and no.",
        "No.\nYes.",
        "No. Yes, wait.",
        "I can't see the image.",
        "Maybe",
        "N",
        "Y",
        "The answer is not yes.",
        "<think>yes",
        "x" * 5000,
    ],
)
def test_what_is_no_answer_is_unparsed(output: str) -> None:
    read = judge_yes_no(output, "yes", ASKED)
    assert read.content.outcome is Outcome.UNPARSED
    assert read.form.outcome is Outcome.UNPARSED
    assert read.details["yes"] == 0


@pytest.mark.parametrize("output", ["A dog", "November", "Noah", "Yesterday", "Brown"])
def test_a_word_of_another_kind_is_wrong_and_off_list(output: str) -> None:
    content = judge_yes_no(output, "no", ASKED).content
    assert (content.outcome, content.off_list, content.layer) == (Outcome.WRONG, True, None)


def test_a_sentence_answers_only_where_presence_is_asked_for() -> None:
    assert read_yes_no("There is a dog.", "Is this dog brown?")[0] is None


def test_the_form_is_read_apart_from_the_content() -> None:
    wordy = judge_yes_no("Yes, there is.", "Yes", ASKED).metrics()
    bare = judge_yes_no("Yes.", "yes", ASKED).metrics()
    assert (wordy["acc"], wordy["strict"], wordy["strict_unparsed"]) == (1, 0, 1)
    assert (bare["acc"], bare["strict"], bare["strict_unparsed"]) == (1, 1, 0)
    assert (bare["yes"], bare["gold_yes"], bare["layer"], bare["extracted"]) == (1, 1, "start", "yes")


def test_another_gold_is_an_error() -> None:
    with pytest.raises(ValueError, match="gold 'maybe' is neither yes nor no"):
        judge_yes_no("yes", "maybe")


def test_f1_comes_from_the_answers() -> None:
    # Two hits, one false yes, one missed: precision 2/3, recall 2/3. What is unparsed is no yes.
    assert f1_of_yes([(1, 1), (1, 1), (1, 0), (0, 1), (0, 0)]) == pytest.approx(2 / 3)
    assert f1_of_yes([(0, 1), (1, 0)]) == f1_of_yes([]) == 0


def test_a_picture_counts_where_all_its_questions_are_right() -> None:
    assert share_all_right([("a", 1), ("a", 1), ("b", 1), ("b", 0), ("c", 0), ("c", 0)]) == pytest.approx(1 / 3)
    assert share_all_right([]) == 0
