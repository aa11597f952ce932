"""Consensus: VQA accuracy, which asks how many of ten people gave the same answer.

For each of the people the answer counts min(1, matches among the other nine / 3); the score is the mean of the ten
(Antol et al. 2015). Texts are compared without case, articles, punctuation and apostrophes, numbers below eleven as
digits.
"""

import re
from collections.abc import Sequence

from harness.answers.readings import Readings
from harness.answers.short import in_form, judged, read_short

# Two of ten people (score .6) are enough for a right answer, one (.3) is not.
ENOUGH = 0.5
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_DIGITS = {word: str(number) for number, word in enumerate(_NUMBERS)}
_DROPPED = re.compile(r"(?<=[0-9]),(?=[0-9]{3}\b)|['\u2019`]")
# A point or a colon within a number belongs to it: 3.5, 10:30.
_MARKS = re.compile(r"(?<![0-9])[.:]|[.:](?![0-9])|[;/\[\]\"{}()=+\\_><@,?!\u201c\u201d|~#*-]")
_ARTICLES = frozenset(("a", "an", "the"))


def judge_consensus(output: str, golds: Sequence[str]) -> Readings:
    """Judge a short answer by VQA accuracy: correct at ``ENOUGH`` and more."""
    found = read_short(output)
    score = 0.0 if found is None else max(agreement(text, golds) for text in found.texts)
    content = judged(found, score >= ENOUGH, score)
    return Readings(content, in_form(content, found))


def agreement(text: str, golds: Sequence[str]) -> float:
    """VQA accuracy of ``text``; 0 without any answer to compare it with."""
    stated = normal_answer(text)
    same = [normal_answer(gold) == stated for gold in golds]
    counts = [min(1.0, (sum(same) - mine) / 3) for mine in same]
    return sum(counts) / len(counts) if counts and stated else 0.0


def normal_answer(text: str) -> str:
    """``text`` as answers are compared."""
    words = _MARKS.sub(" ", _DROPPED.sub("", text.casefold())).split()
    return " ".join(_DIGITS.get(word, word) for word in words if word not in _ARTICLES)
