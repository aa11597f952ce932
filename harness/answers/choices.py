"""Choices: options asked for by letter or in their own words, and how an output that names one is judged.

There are two ways of asking. Where a question names its options in its own words (:func:`judge_choice`), an option is
named by its text, by its letter or number, or by both where they agree. Where the options stand below the question with
a letter each (:func:`listed`, :func:`judge_lettered`), the letter is asked for, and an output is read twice:
**strictly**, when it is nothing but the letter, and **leniently** (:mod:`~harness.answers.letters`), when what it says
names exactly one option. The outcome follows the lenient reading, because a letter inside a sentence is knowledge all
the same, and forgetting must not be mixed up with a change of style; the strict one is kept beside it, and the
difference is what format costs.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from harness.answers.extraction import Judgement, decided, normal, off_list, unparsed
from harness.answers.letters import read_letter
from harness.answers.options import LETTERS as LETTERS
from harness.answers.options import named
from harness.answers.statements import MAX_ANSWER, answer_of, stated

_STRICT = re.compile(r"\s*([A-Z])\.?\s*")
_LONGEST_STRICT = 4000


@dataclass(frozen=True)
class LetteredJudgement:
    """Both readings of one output; ``layer`` is the part of the lenient one that named an option, or None."""

    lenient: Judgement
    strict: Judgement
    layer: str | None

    def metrics(self) -> dict[str, float]:
        """The lenient reading's metrics, and the strict one's as ``strict`` and ``strict_unparsed`` (0 or 1)."""
        strict = self.strict.metrics()
        return {**self.lenient.metrics(), "strict": strict["acc"], "strict_unparsed": strict["unparsed"]}


def judge_choice(output: str, gold: str, options: Sequence[str]) -> Judgement:
    """Judge an answer that names one of ``options``: by its text, by its letter or number, or by both if they agree.

    Number labels are read only where no option is itself a number. Another answer is wrong and off-list, what is no
    answer is unparsed. Raises ``ValueError`` when options coincide after normalisation or ``gold`` names none of them.
    """
    expected = _expected(gold, tuple(options))
    first = None
    for statement in (each for each in stated(answer_of(output)) if len(each.text) <= MAX_ANSWER):
        first = first or statement
        found = named(statement.text, statement.following, options)
        if isinstance(found, int):
            return decided(statement.text, found == expected)
        if found is not None:
            return off_list(statement.text) if found == "off-list" else unparsed(statement.text)
    return unparsed(first.text if first else None)


@lru_cache(maxsize=8192)
def _expected(gold: str, options: tuple[str, ...]) -> int:
    """The place of the gold answer, the same for each model that answers an item."""
    if len(set(map(normal, options))) != len(options):
        raise ValueError(f"options {list(options)!r} are not distinct")
    place = named(gold, gold, options)
    if not isinstance(place, int):
        raise ValueError(f"gold {gold!r} is not one of {list(options)!r}")
    return place


def listed(options: Sequence[str]) -> str:
    """The options as they stand below a question: a letter, a full stop and the text, one a line.

    Raises ``ValueError`` when there are fewer than two or more than 26.
    """
    if not 2 <= len(options) <= len(LETTERS):
        raise ValueError(f"{len(options)} options; 2 to {len(LETTERS)} can be lettered")
    return "\n".join(f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False))


def shuffled(options: Sequence[str], key: str) -> list[str]:
    """``options`` in an order drawn from ``key`` and their texts alone, whatever order they come in."""
    return sorted(options, key=lambda option: (hashlib.sha256(f"{key}\n{option}".encode()).digest(), option))


def judge_lettered(output: str, gold: str, options: Sequence[str]) -> LetteredJudgement:
    """Judge an answer to a question whose options are :func:`listed`; ``gold`` is the letter of the right one.

    ``extracted`` is the letter of the option named, or what was stated instead. Raises ``ValueError`` when ``gold`` is
    no letter of an option.
    """
    letters = LETTERS[: len(options)]
    if len(gold) != 1 or gold not in letters:
        raise ValueError(f"gold {gold!r} is not one of the letters {letters}")
    read = read_letter(output, options)
    if read.place is not None:
        lenient = decided(letters[read.place], letters[read.place] == gold)
    else:
        lenient = off_list(read.stated) if read.off_list else unparsed(read.stated)
    alone = _STRICT.fullmatch(output) if len(output) <= _LONGEST_STRICT else None
    strict = alone.group(1) if alone else None
    exact = decided(strict, strict == gold) if strict and strict in letters else unparsed(None)
    return LetteredJudgement(lenient, exact, read.layer)
