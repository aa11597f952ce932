"""Outcomes: what counts as a stated answer, and what counts as right."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.answers.choices import judge_choice
from harness.answers.extraction import MAX_ANSWER, Judgement, cut_off, extract_answer, judge_text
from harness.answers.numbers import find_numeral, judge_number
from harness.records.samples import Outcome


def tagged(answer: object) -> str:
    return f"<answer>{answer}</answer>"


def number(text: str) -> Fraction | None:
    found = find_numeral(text)
    return found.value if found else None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<answer>4</answer>", "4"),
        ("<answer>1</answer> no, <ANSWER> 2 </ANSWER>", "2"),
        ("<answer>1</answer> and <answer>2", "1"),
        ("<answer>2<answer>3</answer>", "3"),
        ("</answer><answer>", None),
        ("<answer> </answer>", None),
        (r"so \boxed{7}", "7"),
        (r"\boxed{1} then \boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\boxed{3}}", "3"),
        (r"\boxed{ {4} and \boxed{5}", "5"),
        (r"\boxed{\{1,2\}}", r"\{1,2\}"),
        (r"\boxed{6", None),
        ("2 + 2\n#### 4", "4"),
        ("##### 4", None),
        ("#### 4\nmore\n#### 5\n", "5"),
        ("I think the answer is blue.", "blue"),
        ("The answer is 3.5. Bye.", "3.5"),
        ("Answer: B", "B"),
        ("**Answer:** B", "B"),
        ("Final answer:\nB\nbye", "B"),
        ("The answer is 4, or rather the answer is 5", "5"),
        ("the answer is not 5", None),
        (r"The answer is 9. \boxed{8}", "8"),
        (r"\boxed{8} <answer>7</answer>", "7"),
        ("just 5", None),
        ("", None),
        (tagged("x" * (MAX_ANSWER + 1)), None),
    ],
)
def test_extract_answer_layers(text: str, answer: str | None) -> None:
    assert extract_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42),
        ("-7.50", Fraction(-15, 2)),
        ("\u22123", -3),
        ("1,234,567.5", Fraction(2469135, 2)),
        ("1\u202f234", 1234),
        (r"1{,}234", 1234),
        ("$18.", 18),
        (r"\$18", 18),
        ("50%", 50),
        ("3/4", Fraction(3, 4)),
        (r"-\frac{3}{4}", Fraction(-3, 4)),
        (".5", Fraction(1, 2)),
        ("1e-3", Fraction(1, 1000)),
        (r"6.02 \times 10^{23}", 602 * 10**21),
        ("18.02 g/mol", Fraction(1802, 100)),
        ("5 m2", 5),
        (r"5\text{ cm}", 5),
        ("x = 9", 9),
        ("2 of H2O", 2),
        ("3 4", None),
        ("1,23", None),
        ("2^10", None),
        ("10²", None),
        ("1/0", None),
        ("1e999999999", None),
        ("seven", 7),
        ("", None),
        ("9" * (MAX_ANSWER + 1), None),
    ],
)
def test_the_one_number_of_a_text(text: str, value: Fraction | int | None) -> None:
    assert number(text) == value


@given(st.integers(-(10**15), 10**15))
def test_a_number_is_read_with_and_without_separators(value: int) -> None:
    assert number(f"{value:,}") == number(str(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-1000, max_value=1000, places=6))
def test_numbers_compare_exactly(value: object) -> None:
    assert judge_number(tagged(value), str(value)).outcome is Outcome.CORRECT


def test_judge_number() -> None:
    assert judge_number(tagged("0.3"), "3/10") == Judgement("0.3", Outcome.CORRECT, 1.0)
    assert judge_number(tagged("0.30000001"), "0.3") == Judgement("0.30000001", Outcome.WRONG, 0.0)
    assert judge_number(tagged("18.1"), "18", rel_tol=0.01).outcome is Outcome.CORRECT
    assert judge_number(tagged("18.2"), "18", rel_tol=0.01).outcome is Outcome.WRONG
    assert judge_number(tagged("-101"), "-100", rel_tol=0.01).outcome is Outcome.CORRECT
    assert judge_number("it is 5", "5") == Judgement(None, Outcome.UNPARSED, 0.0)
    assert judge_number(tagged("banana"), "5") == Judgement("banana", Outcome.UNPARSED, 0.0)
    with pytest.raises(ValueError, match="not one number"):
        judge_number("", "five")


def test_judge_text() -> None:
    assert judge_text(tagged("The  Nitrogen."), "nitrogen").outcome is Outcome.CORRECT
    assert judge_text(tagged("oxygen"), "nitrogen").outcome is Outcome.WRONG
    assert judge_text("nitrogen", "nitrogen").outcome is Outcome.UNPARSED
    assert judge_text(tagged("CO"), "Co").outcome is Outcome.CORRECT
    assert judge_text(tagged("CO"), "Co", case_sensitive=True).outcome is Outcome.WRONG


def test_cut_off_is_unparsed_and_keeps_what_was_said() -> None:
    judged = judge_number(tagged(5), "5")
    assert cut_off(judged) == Judgement("5", Outcome.UNPARSED, 0.0)


def test_metrics_for_lm_eval() -> None:
    assert judge_number(tagged(5), "5").metrics() == {"acc": 1, "score": 1.0, "unparsed": 0}
    assert judge_number("", "5").metrics() == {"acc": 0, "score": 0.0, "unparsed": 1}


@given(st.text(alphabet=st.sampled_from(list("<>/answer{}\\boxed#,. 0123456789eE^%$-\n²½İ")), max_size=300))
def test_hostile_outputs_never_break_a_judge(output: str) -> None:
    for text in (output, tagged(output), f"\\boxed{{{output}}}", f"the answer is {output}"):
        for judged in (
            judge_number(text, "5"),
            judge_choice(text, "blue", ("red", "blue")),
            judge_text(text, "blue"),
        ):
            assert judged.outcome is Outcome.UNPARSED or judged.extracted is not None
            assert (judged.outcome is Outcome.CORRECT) == (judged.score == 1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit", ["<answer>", "\\boxed{", "answer is ", "#### ", "{", "1,111,", "9", " ", "\\frac{", "answer: z "]
)
def test_long_outputs_are_read_in_linear_time(unit: str) -> None:
    text = unit * (2_000_000 // len(unit))  # a quadratic scan of two million characters would not end
    for wrapped in (text, tagged(text)):
        assert judge_number(wrapped, "5").outcome is Outcome.UNPARSED
        assert judge_choice(wrapped, "blue", ("red", "blue")).outcome is Outcome.UNPARSED
