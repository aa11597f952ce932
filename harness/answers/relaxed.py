"""Relaxed accuracy: answers about charts, where a number read off an axis may be 5 % wrong (Masry et al. 2022).

What is not read off an axis is exact: a year, a count (a whole number below ``COUNT``, whose neighbours are more than
5 % away), and 0. Signs may be there or not: 25% is 25, 1,234 is 1234; two numbers are never one. A yes or a no is read
as such, a list of names in any order, other text by equality after normalisation.
"""

import re
from fractions import Fraction

from harness.answers.extraction import Judgement, normal, unparsed
from harness.answers.notation import as_number
from harness.answers.numbers import Numeral, find_numerals, read_numeral, same_number
from harness.answers.readings import Readings
from harness.answers.short import Short, in_form, judged, read_short, same_text, says_nothing
from harness.answers.yes_no import OPTIONS, judge_yes_no

TOLERANCE = Fraction(1, 20)
COUNT = 20
_YEARS = range(1500, 2101)

_WHOLE = re.compile(r"-?[0-9]+")
_ASKS_YEAR = re.compile(r"\b(?:which|what|in what) (?:\w+ )?years?\b|\bwhen\b", re.IGNORECASE)
_ASKS_AMOUNT = re.compile(
    r"\bhow (?:many|much)\b|\b(?:value|per ?cent|percentage|share|total|sum|average|mean|median|difference|ratio|number"
    r"|amount|count|rate|price|cost|population|revenue|sales|gdp)\b",
    re.IGNORECASE,
)
_SCALE = re.compile(r"(?<=[0-9]) ?(?:thousand|million|billion|trillion|mln|bn)s?\b", re.IGNORECASE)
_LISTED = re.compile(r"\[(.*,.*)\]", re.DOTALL)
_BETWEEN = re.compile(r"\s*(?:,|;|\n|\band\b|&)\s*")


def judge_relaxed(output: str, gold: str, question: str = "") -> Readings:
    """Judge an answer about a chart; ``question`` tells a year from an amount of as many digits."""
    if gold.strip().casefold() in OPTIONS:
        read = judge_yes_no(output, gold, question)
        return Readings(read.content, read.form)
    found = read_short(output)
    expected = read_numeral(gold)
    if expected is None:
        right = found is not None and any(_same_text(text, gold) for text in found.texts)
        content = judged(found, right)
    else:
        content = _judge_number(found, expected, _tolerance(gold, question))
    return Readings(content, in_form(content, found))


def _judge_number(found: Short | None, expected: Numeral, tolerance: Fraction) -> Judgement:
    if found is None:
        return unparsed(None)
    numbers = [each for text in _meanings(found.text) for each in find_numerals(text)]
    right = any(same_number(each, expected, tolerance) for each in numbers)
    if not numbers and (any(map(str.isdigit, found.text)) or says_nothing(found.text)):
        # Several numbers, or a formula: no one number was stated.
        return unparsed(found.text)
    return judged(found, right)


def _meanings(text: str) -> list[str]:
    """``text``, and the number before a scale, since an axis may be in millions."""
    return list(dict.fromkeys((text, _SCALE.sub("", text))))


def _tolerance(gold: str, question: str) -> Fraction:
    plain = as_number(gold).strip()
    if not _WHOLE.fullmatch(plain):
        return TOLERANCE
    value = int(plain)
    if abs(value) < COUNT or (value in _YEARS and len(gold.strip()) == 4 and _may_be_year(question)):
        return Fraction(0)
    return TOLERANCE


def _may_be_year(question: str) -> bool:
    return _ASKS_YEAR.search(question) is not None or _ASKS_AMOUNT.search(question) is None


def _same_text(stated: str, gold: str) -> bool:
    listed = _LISTED.fullmatch(gold.strip())
    if listed is None:
        return same_text(stated, gold)
    return _names(stated.strip("[]")) == _names(listed[1])


def _names(text: str) -> list[str]:
    return sorted(normal(name) for name in _BETWEEN.split(text) if name.strip(" '\""))
