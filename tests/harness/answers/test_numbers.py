"""Numerals: what is one number, what it is worth, and what only looks like one."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.answers.extraction import MAX_ANSWER
from harness.answers.numbers import Numeral, find_numeral, read_numeral, same_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42),
        ("1,234,567.5", Fraction(2469135, 2)),
        ("1 234", 1234),
        ("1{,}234", 1234),
        ("\\$18.00", 18),
        ("- 5", -5),
        ("\u22125", -5),
        ("3/4", Fraction(3, 4)),
        ("-\\frac{3}{4}", Fraction(-3, 4)),
        ("1\\frac{1}{2}", Fraction(3, 2)),
        ("2½", Fraction(5, 2)),
        ("0.\\overline{3}", Fraction(1, 3)),
        ("0.1\\overline{6}", Fraction(1, 6)),
        ("6.02e23", 602 * 10**21),
        ("6.02 \\times 10^{23}", 602 * 10**21),
        ("10.5×10⁻¹", Fraction(21, 20)),
        ("(5)", 5),
        ("5\\text{ cm}^2", 5),
        ("9.8 m/s^{2}", Fraction(49, 5)),
        ("120^{\\circ}", 120),
        ("\uff15", 5),
        ("7.", 7),
    ],
)
def test_a_number_with_a_unit_at_most(text: str, value: Fraction | int) -> None:
    found = read_numeral(text)
    assert found is not None
    assert found.value == value
    assert find_numeral(text) == found


@pytest.mark.parametrize(
    "text",
    [
        *("", "seven", "2x", "2 x", "3y", "2xy", "\\sqrt{9}", "2^10", "10\u00b2", "1/0", "1e999999999", "3 4", "1,23"),
        *("3-4", "5 \\pm 1", "12:30", "192.168.0.1", "x = 9", "5 or 6", "1, 2", "(1, 2)", "\u00b2"),
        "9" * (MAX_ANSWER + 1),
    ],
)
def test_no_number_on_its_own(text: str) -> None:
    assert read_numeral(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x = 9", 9),
        ("9 * 2 = 18 dollars", 18),
        ("it is about 5", 5),
        ("Janet makes $18 every day", 18),
        ("18, as she sells the rest", 18),
        ("twenty-five apples", 25),
        ("minus five", -5),
        ("one hundred and five", 105),
        ("two million three hundred thousand and one", 2300001),
        ("x = 1, y = 2", None),
        ("5 apples and 3 oranges", None),
        ("two and a half", Fraction(5, 2)),
        ("one of them", None),
        ("twenty eleven", None),
        ("five five", None),
        ("f(3)", None),
        ("a number", None),
    ],
)
def test_the_number_of_a_sentence(text: str, value: Fraction | int | None) -> None:
    found = find_numeral(text)
    assert (None if found is None else found.value) == value


def test_per_cent_may_be_meant_or_not_and_scale_words_are() -> None:
    half, fifty = Numeral(Fraction(1, 2)), Numeral(Fraction(50))
    sign = read_numeral("50\\%")
    assert sign == Numeral(Fraction(50), Fraction(1, 100))
    assert sign is not None
    assert same_number(sign, half)
    assert same_number(half, sign)
    assert same_number(sign, fifty)
    assert not same_number(half, fifty)
    assert not same_number(Numeral(Fraction(1, 2), Fraction(1, 100)), sign)
    millions = read_numeral("1.5 million")
    assert millions
    assert same_number(millions, Numeral(Fraction(1_500_000)))
    assert not same_number(millions, Numeral(Fraction(3, 2)))


def test_a_decimal_stands_for_a_fraction_without_an_end_from_six_places_on() -> None:
    third = Numeral(Fraction(1, 3))
    for text, same in (("0.333333", True), ("0.33333", False), ("0.333334", True), ("0.333335", False)):
        found = read_numeral(text)
        assert found
        assert same_number(found, third) is same
    eighth = read_numeral("0.1250001")
    assert eighth
    assert not same_number(eighth, Numeral(Fraction(1, 8)))


@given(st.fractions(), st.fractions(min_value=0, max_value=1), st.fractions())
def test_the_tolerance_is_relative_to_the_gold_answer(gold: Fraction, rel_tol: Fraction, step: Fraction) -> None:
    inside = abs(step) <= rel_tol * abs(gold)
    assert same_number(Numeral(gold + step), Numeral(gold), rel_tol) is inside


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading(text: str) -> None:
    for found in (read_numeral(text), find_numeral(text)):
        assert found is None or isinstance(found.value, Fraction)


@pytest.mark.parametrize(
    "unit", ["9", "1,111,", "1 1/2 ", "five ", "kg/", ".5", "\\frac{", "-", "9 999", "m-2 ", "per ", "² ", "a, "]
)
def test_long_answers_are_read_in_linear_time(unit: str) -> None:
    text = ("5 " + unit * MAX_ANSWER)[:MAX_ANSWER]
    for _ in range(200):  # a cubic scan of a thousand characters would not end
        read_numeral(text)
        find_numeral(text)
