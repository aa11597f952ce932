r"""The checker of mathematical answers: one for all tasks, from "five" to \frac{3\sqrt{2}}{2} and (-\infty, 3].

The answer is what an output states (:mod:`~harness.answers.statements`); the first statement, best first, that is
anything which can be compared decides. What is a plain number on both sides is compared exactly, here; so are words and
formulas that are spelt alike. Only the rest is parsed and compared by :mod:`~harness.answers.equivalence`, in a worker
process that is killed at its limits: an answer that takes longer than a limit allows is no answer.
"""

import re
from dataclasses import replace
from fractions import Fraction
from functools import cache

from harness.answers.extraction import WRAPPED_TEXT, Judgement, decided, normal, unparsed
from harness.answers.formulas import conjoined, formula, is_prose, is_words, spelt, unexplained
from harness.answers.numbers import Numeral, read_numeral, same_number, stated_numerals
from harness.answers.statements import MAX_ANSWER, Statement, answer_of, stated
from harness.sandbox import Failure, Limits, Sandbox

# The longest gold answer of MATH-500 has 53 characters.
MAX_EXPRESSION = 400
LIMITS = Limits(memory=512 * 1024 * 1024, cpu_seconds=3, wall_seconds=30.0, answer_bytes=1024)

_POINTS = re.compile(r"[0-9]\.[0-9]+\.[0-9]")
_ATTEMPT = re.compile(r"[0-9\\=√π]")
_ROUNDED = re.compile(
    r"≈|\\approx(?:eq)?(?![a-zA-Z])|,? \(?(?:or |which is )?(?:approximately|approx\.?|about|roughly) (?=[-+.]?[0-9])"
    r"| \((?=[-+]?[0-9]*\.[0-9]+\))"
)
_LIST_OF_WORDS = re.compile(r"\s*(?:,|;|\band\b|&)\s*(?:\band\b)?\s*")


def judge_math(output: str, gold: str, rel_tol: float = 0.0) -> Judgement:
    """Judge a mathematical answer against ``gold``: a number, an expression in LaTeX, or words.

    Correct when both are the same number (:func:`~harness.answers.numbers.same_number`; ``rel_tol`` is for measured
    quantities, whose unit is that of the gold answer unless it is stated), the same words, or equivalent expressions.
    Unparsed when nothing is stated, or what is stated is prose, several numbers where one is asked for, no expression
    that can be parsed, or too much work. A gold answer that is none of the three is compared by its spelling.
    """
    first = None
    for statement in (each for each in stated(answer_of(output)) if len(each.text) <= MAX_ANSWER):
        first = first or statement
        verdict = equivalent(statement.text, gold, rel_tol, statement=statement)
        if verdict is not None:
            return replace(decided(statement.text, verdict), layer=statement.layer)
        if _ATTEMPT.search(statement.text):
            return replace(unparsed(statement.text), layer=statement.layer)
    return replace(unparsed(first.text), layer=first.layer) if first else unparsed(None)


def equivalent(stated: str, gold: str, rel_tol: float = 0.0, *, statement: Statement | None = None) -> bool | None:
    """Whether ``stated`` is ``gold``; None when it is nothing that can be compared. ``statement`` is where it
    stands."""
    gold = conjoined(gold)
    if spelt(stated) == spelt(gold):
        return True
    number = read_numeral(gold)
    if number is not None:
        if found := _numbers(stated, statement):
            return any(same_number(each, number, Fraction(str(rel_tol))) for each in found)
        if _POINTS.search(stated):
            return None
        gold = f"\\frac{{{number.value.numerator}}}{{{number.value.denominator}}}"
    elif is_words(gold):
        same = _same_words(stated, gold)
        return same or (statement is not None and statement.sentence and _same_words(unexplained(stated), gold))
    if len(stated) > MAX_EXPRESSION:
        return None
    stated, gold = conjoined(stated), formula(gold, gold)
    exact, *shown = _ROUNDED.split(stated.rstrip(") ")) if _ROUNDED.search(stated) else [stated]
    exact = formula(exact.strip(" ($") if shown else exact, gold, sentence=statement is not None and statement.sentence)
    if spelt(exact) == spelt(gold):
        return True
    return None if is_prose(exact, gold) else _same_expression(exact, gold)


def close() -> None:
    """End the worker; the next expression starts another."""
    _sandbox().close()


@cache
def _sandbox() -> Sandbox:
    return Sandbox("harness.answers.equivalence", ("compare",), LIMITS)


def _numbers(stated: str, statement: Statement | None) -> tuple[Numeral, ...]:
    """The numbers that may be meant: at the end of a sentence "7!" may be a factorial or an exclamation."""
    found = stated_numerals(stated, statement)
    exclaimed = statement is not None and statement.sentence and statement.following.startswith(f"{stated}!")
    return (*found, *stated_numerals(f"{stated}!", statement)) if exclaimed else found


def _same_expression(stated: str, gold: str) -> bool | None:
    verdict = _sandbox().call("compare", gold, stated)
    return None if isinstance(verdict, Failure) or verdict == "unread" else bool(verdict == "equal")


def _same_words(stated: str, gold: str) -> bool:
    if "," in gold:
        return sorted(map(_words, _LIST_OF_WORDS.split(_words(stated)))) == sorted(
            map(_words, _LIST_OF_WORDS.split(_words(gold)))
        )
    return _words(stated) == _words(gold)


def _words(text: str) -> str:
    return normal(WRAPPED_TEXT.sub(r"\1", text)).strip("()[] ")
