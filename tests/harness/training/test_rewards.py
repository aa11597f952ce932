"""Rewards: the three terms, judged as the tasks judge, and the form that a question asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.answers.permutations import judge_permutation
from harness.errors import RetentionError
from harness.pictures.jigsaw import question
from harness.pictures.puzzles import Grid
from harness.suites.catalogue import CatalogueError
from harness.training.dataset import Example
from harness.training.rewards import TERMS, Reward, judge_of, reward, stated_answer, stops_of

SOMETHING = "0" * 64


def asked(task: str, answer: str, text: str = "What is it?", **more: object) -> Example:
    return Example(
        item_id=SOMETHING,
        task=task,
        question=text,
        answer=answer,
        target=answer,
        kind="bare",
        **more,  # type: ignore[arg-type]
    )


JIGSAW = asked("jigsaw_2x2", "2,4,1,3", rows=2, columns=2)
THOUGHT = asked("scenes_3x3_think", "2,1,3,4,5,6,7,8,9", question(Grid(3, 3), "think", "whole"), rows=3, columns=3)


@pytest.mark.parametrize(
    ("output", "due"),
    [
        ("<answer>2,4,1,3</answer>", Reward(1, 1, 1)),
        ("<answer>2,4,3,1</answer>", Reward(0.5, 0, 1)),
        ("<answer>1,2,3,4</answer>", Reward(0, 0, 1)),
        ("<answer>2,4,1,1</answer>", Reward(0, 0, 0)),
        ("2,4,1,3", Reward(1, 1, 0)),
        ("<answer>[2,4,1,3]</answer>", Reward(1, 1, 0)),
        ("", Reward(0, 0, 0)),
    ],
)
def test_a_jigsaw_earns_its_hits_its_order_and_its_form(output: str, due: Reward) -> None:
    assert reward(JIGSAW, output) == due


def test_an_answer_ends_where_the_task_says_as_in_an_evaluation() -> None:
    told = asked("math_gsm8k_shots", "25")
    assert stops_of(told) == ("Question:",)
    assert stops_of(JIGSAW) == ()
    assert reward(told, " The answer is 25.\n\nQuestion: And 3 plus 4?\nAnswer: 7", finished=False) == Reward(0, 1, 1)
    assert reward(told, " The answer is 25. And 3 plus 4", finished=False) == Reward()
    assert reward(told, " The answer is 24.\n\nQuestion: What is 25?", finished=True) == Reward(0, 0, 1)


def test_the_total_of_the_study_is_hits_over_m_plus_exact_plus_format() -> None:
    weights = dict.fromkeys(TERMS, 1.0)
    assert reward(JIGSAW, "<answer>2,4,3,1</answer>").total(weights) == 1.5
    assert reward(JIGSAW, "<answer>2,4,1,3</answer>").total(weights) == 3
    assert reward(JIGSAW, "<answer>2,4,1,3</answer>").total({"exact": 2.0}) == 2


@given(st.permutations(["1", "2", "3", "4"]))
def test_hits_are_those_of_the_score(order: list[str]) -> None:
    output = f"<answer>{','.join(order)}</answer>"
    assert reward(JIGSAW, output).hits == judge_permutation(output, JIGSAW.answer).score


def test_a_cut_off_answer_earns_nothing() -> None:
    assert reward(JIGSAW, "<answer>2,4,1,3</answer>", finished=False) == Reward()


@pytest.mark.parametrize(
    ("output", "form"),
    [
        ("<think>the corner is 2</think><answer>2,1,3,4,5,6,7,8,9</answer>", 1),
        ("<think>the corner is 2</think>\n<answer>1,2,3,4,5,6,7,8,9</answer>\n", 1),
        ("<answer>2,1,3,4,5,6,7,8,9</answer>", 0),
        ("so: <think>x</think><answer>2,1,3,4,5,6,7,8,9</answer>", 0),
        ("<think>a</think><think>b</think><answer>2,1,3,4,5,6,7,8,9</answer>", 0),
        ("<think>x</think><answer>nine tiles</answer>", 0),
    ],
)
def test_where_a_thought_is_asked_for_the_form_has_one(output: str, form: float) -> None:
    assert reward(THOUGHT, output).format == form


@pytest.mark.parametrize(
    ("example", "output", "due"),
    [
        (asked("math_arithmetic", "69"), "20+49: 0+9=9, 2+4=6. The answer is 69.", Reward(0, 1, 1)),
        (asked("math_arithmetic", "69"), "The answer is 70.", Reward(0, 0, 1)),
        (asked("math_arithmetic", "69"), "I do not know", Reward(0, 0, 0)),
        (asked("math_gsm8k", "1200"), "It is 4 x 300.\nThe answer is 1,200.", Reward(0, 1, 1)),
        (asked("vision_colour", "red", options=("red", "blue")), "The answer is blue.", Reward(0, 0, 1)),
        (asked("science_quantities", "41.0"), "Answer: 41.2 g", Reward(0, 1, 1)),
    ],
)
def test_other_tasks_earn_correctness_and_form_as_their_own_judge_says(
    example: Example, output: str, due: Reward
) -> None:
    assert reward(example, output) == due


def test_the_stated_answer_is_the_judges() -> None:
    assert stated_answer(JIGSAW, "<answer>2,4,3,1</answer>") == "2,4,3,1"
    assert stated_answer(asked("math_word", "6"), "22-16: 12-6=6, 1-1=0. The answer is 7.") == "7"
    assert stated_answer(JIGSAW, "no") is None


def test_what_is_not_written_is_refused() -> None:
    with pytest.raises(RetentionError, match="science_arc_easy_letters: its answers are not generated"):
        judge_of("science_arc_easy_letters")
    with pytest.raises(CatalogueError, match="did you mean jigsaw_2x2"):
        judge_of("jigsaw_2x3")
