"""ANLS: how near a short answer is to the nearest of several right ones, by the letters that must be changed.

Average normalised Levenshtein similarity (ICDAR 2019, "Scene Text Visual Question Answering"): 1 minus the edit
distance over the length of the longer text, both after normalisation; below ``ENOUGH`` it is 0. Other tools divide by
the length before normalisation, so that a space too many raises a score.
"""

from collections.abc import Sequence

from harness.answers.readings import Readings
from harness.answers.short import in_form, judged, read_short

ENOUGH = 0.5
# Longer texts are cut; no right answer of these sets is that long.
_LONGEST = 400


def judge_anls(output: str, golds: Sequence[str]) -> Readings:
    """Judge a short answer by ANLS: its score is the similarity, and it is correct at ``ENOUGH`` and more."""
    found = read_short(output)
    score = 0.0 if found is None else max(similarity(text, golds) for text in found.texts)
    content = judged(found, score >= ENOUGH, score)
    return Readings(content, in_form(content, found))


def similarity(text: str, golds: Sequence[str]) -> float:
    """The similarity of ``text`` to the nearest of ``golds``, 0 below ``ENOUGH``."""
    best = max((_similarity(_normal(text), _normal(gold)) for gold in golds), default=0.0)
    return best if best >= ENOUGH else 0.0


def _normal(text: str) -> str:
    return " ".join(text.casefold().split())[:_LONGEST]


def _similarity(one: str, other: str) -> float:
    longer = max(len(one), len(other))
    # The distance is at least the difference of the lengths.
    if longer == 0 or abs(len(one) - len(other)) > (1 - ENOUGH) * longer:
        return 0.0
    return 1 - edit_distance(one, other) / longer


def edit_distance(one: str, other: str) -> int:
    """The least number of letters inserted, deleted or replaced that makes ``other`` of ``one``."""
    above = list(range(len(other) + 1))
    for row, mine in enumerate(one, 1):
        current = [row]
        for column, theirs in enumerate(other, 1):
            current.append(min(above[column] + 1, current[-1] + 1, above[column - 1] + (mine != theirs)))
        above = current
    return above[-1]
