"""Thoughts and turns: what of an output is the answer, whichever marks a model thinks in."""

import pytest

from harness.answers.choices import judge_choice, judge_lettered
from harness.answers.mathematics import judge_math
from harness.answers.numbers import judge_number
from harness.answers.permutations import judge_order
from harness.answers.statements import answer_of
from harness.answers.thoughts import opened_thought, without_thoughts
from harness.answers.turns import first_turn

THOUGHTS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<THINK>", "</THINK>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("◁think▷", "◁/think▷"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
]


@pytest.mark.parametrize(("opening", "closing"), THOUGHTS)
@pytest.mark.parametrize("before", ["", "\n", "Sure.\n"])
def test_what_stands_in_a_thought_is_not_the_answer(before: str, opening: str, closing: str) -> None:
    thought = f"{before}{opening}The answer is A. \\boxed{{3}} <answer>1,2,3,4</answer> red"
    options = ("4", "5", "6", "7")
    assert judge_math(f"{thought}{closing}The answer is 5.", "5").extracted == "5"
    assert judge_number(f"{thought}{closing}The answer is 5.", "5").score == 1
    assert judge_lettered(f"{thought}{closing}B", "B", options).lenient.extracted == "B"
    assert judge_choice(f"{thought}{closing}The answer is blue.", "blue", ("red", "blue")).score == 1
    assert judge_order(f"{thought}{closing}2,1,3,4", "2,1,3,4", 2, 2).judgement.score == 1


@pytest.mark.parametrize(("opening", "closing"), THOUGHTS)
def test_a_thought_that_never_closes_leaves_no_answer(opening: str, closing: str) -> None:
    thought = f"{opening}The answer is B. \\boxed{{5}} <answer>1,2,3,4</answer>"
    assert answer_of(thought) == ""
    assert judge_math(thought, "5").extracted is None
    assert judge_lettered(thought, "B", ("4", "5")).layer is None
    assert judge_order(thought, "1,2,3,4", 2, 2).layer is None
    assert answer_of(f"{thought}{closing}{opening}again") == ""


@pytest.mark.parametrize(
    ("output", "left"),
    [
        ("no thought", "no thought"),
        ("opened by the template</think>5", "5"),
        ("<think></think>5", "5"),
        ("5<think>was it?</think>", "5"),
        ("I think inside <think> and </think>, then answer: 5", "I think inside <think> and </think>, then answer: 5"),
        ("analysisWe need 3.assistantfinal5", "5"),
        ("analysisWe need 3. The answer is 5", None),
        ("analysis of the case: 5", "analysis of the case: 5"),
        ("<think>a <think>b</think>5", "5"),
    ],
)
def test_what_is_left_without_thoughts(output: str, left: str | None) -> None:
    assert without_thoughts(output) == left


@pytest.mark.parametrize(
    ("output", "left"),
    [
        ("B\n\nQuestion: Which planet?\nAnswer: A", "B"),
        (" B\nQ: Another\nAnswer: C", "B"),
        ("#### 18\n\nQuestion 2: Tom has 5.\n#### 5", "#### 18"),
        ("18\n\n**Problem 3.** Tom", "18"),
        ("18\n\nHuman: and now?", "18"),
        ("B<|im_end|>\n<|im_start|>user", "B"),
        ("B</s>", "B"),
        ("<|begin_of_solution|>B<|end_of_solution|>", "B"),
        ("Question: What is it?\nB", "Question: What is it?\nB"),
        ("The question: is it B?", "The question: is it B?"),
        ("First.\nQuestions remain.", "First.\nQuestions remain."),
    ],
)
def test_an_answer_that_runs_on_is_cut_at_the_next_question(output: str, left: str) -> None:
    assert first_turn(output) == left


@pytest.mark.parametrize("unit", ["<think>", "</think>", "<", "\n", "[", "\nQ", " \n", "analysis", "<|channel|>", "◁"])
def test_a_megabyte_is_read_in_linear_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    without_thoughts(text)
    first_turn(text)


@pytest.mark.parametrize(
    ("prompt", "opened"),
    [
        ("<|im_start|>assistant\n<think>\n", "<think>\n"),
        ("<\uff5cAssistant\uff5c><think>", "<think>"),
        ("<|start|>assistant<|channel|>analysis<|message|>", "<|channel|>analysis<|message|>"),
        ("[/INST][THINK]", "[THINK]"),
        ("<|im_start|>assistant\n<think>\n\n</think>\n\n", ""),
        ("<|start|>assistant", ""),
        ("assistant\n", ""),
        ("What does <think> mean?<|im_end|>assistant\n", ""),
        ("<think>a</think> b", ""),
        ("Begin your answer with <think>", ""),
        ("", ""),
    ],
)
def test_a_thought_that_the_prompt_begins_belongs_to_the_output(prompt: str, opened: str) -> None:
    assert opened_thought(prompt) == opened
    if opened:
        assert without_thoughts(opened + "It is A, or B.") is None
        assert (without_thoughts(opened + "It is A.</think>It is B.") or "").strip() == "It is B."
