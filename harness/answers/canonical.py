"""Canonical answers: one text for all the ways to write an answer that judges take for the same one.

For comparing what two models answered where no gold answer or option is at hand: what the judges of :mod:`.numbers` and
:mod:`.options` read past (a unit, money, per cent, "option", brackets, words that announce) is left out here too, by
the same readers. So two quantities of one number are one answer, whatever their units.
"""

import re
from fractions import Fraction
from functools import lru_cache

from harness.answers.extraction import normal
from harness.answers.notation import one_spelling
from harness.answers.numbers import find_numeral
from harness.answers.options import opening_label
from harness.answers.statements import MAX_ANSWER, stated

_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_TOKEN = re.compile(r"(?P<number>(?:(?<![\w.)])[+-])?[0-9]{1,40}(?:\.[0-9]{1,40})?)(?![^\W_])|[^\W_]+")
# A decimal shows 1/3 to so many digits or more.
_DIGITS = 5
_LARGEST = 10**15


def canonical_answer(answer: str) -> str:
    """The number that ``answer`` is, else its label, else its words and numbers; ``answer`` itself where it has none.

    07, +7, 7.0, 7/1, $7, 7 km, 7% and seven are 7; (B), b. and "option B" are b; "1,3,2" and "[1, 3.0, 2]" are 1 3 2.
    Case, width, articles and punctuation say nothing. What is too long to be an answer keeps all but case and spaces.
    """
    return _canonical(answer) if len(answer) <= MAX_ANSWER else " ".join(answer.casefold().split())


@lru_cache(maxsize=1 << 16)
def _canonical(answer: str) -> str:
    text = _UNSEEN.sub("", answer)
    if (best := next(stated(text), None)) is not None:
        text = best.text
    if (number := find_numeral(text.strip(" .$"))) is not None:
        return _written(number.value)
    if (label := opening_label(text)) is not None:
        return label.casefold()
    folded = normal(one_spelling(text))
    return " ".join(map(_token, _TOKEN.finditer(folded))) or folded


def _token(found: re.Match[str]) -> str:
    return _written(Fraction(found["number"])) if found["number"] else found[0]


def _written(value: Fraction) -> str:
    if value.denominator == 1 or abs(value) >= _LARGEST:
        return str(value)
    return f"{float(value):.{_DIGITS}g}"
