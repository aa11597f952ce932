"""Free short answers with several right ones: a number, or words.

A number is right that is the gold one to two decimals, as MMMU compares them, and no more than a hundredth of it away;
words are compared after normalisation. A number is not found inside a text, nor a text inside a longer one.
"""

from collections.abc import Sequence
from fractions import Fraction

from harness.answers.numbers import find_numerals, read_numeral, same_number
from harness.answers.readings import Readings
from harness.answers.short import in_form, judged, read_short, same_text

_HALF_A_HUNDREDTH = Fraction(1, 200)


def judge_freely(output: str, golds: Sequence[str]) -> Readings:
    """Judge a short answer by whether it is one of ``golds``."""
    found = read_short(output)
    texts = () if found is None else found.texts
    content = judged(found, any(is_same(text, gold) for text in texts for gold in golds))
    return Readings(content, in_form(content, found))


def is_same(stated: str, gold: str) -> bool:
    """Whether two short answers are the same number, to two decimals, or the same words."""
    wanted = read_numeral(gold)
    if wanted is None:
        return same_text(stated, gold)
    room = min(_HALF_A_HUNDREDTH, abs(wanted.value) / 100)
    return any(same_number(found, wanted) or abs(found.value - wanted.value) <= room for found in find_numerals(stated))
