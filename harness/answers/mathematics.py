r"""The checker of mathematical answers: one for all tasks, from "five" to \frac{3\sqrt{2}}{2} and (-\infty, 3].

The answer an output states is found in layers (:func:`~harness.answers.extraction.extract_layer`) behind the last
thought (``</think>``). What is a plain number on both sides is compared exactly, here; so are words and formulas that
are spelt alike. Only the rest goes to math-verify, in a worker process that is killed at its limits: an answer that
takes longer than a limit allows is no answer.
"""

import re
from fractions import Fraction
from functools import cache

from harness.answers.extraction import Judgement, decided, extract_layer, normal, unparsed
from harness.answers.numbers import find_numeral, read_numeral, same_number
from harness.answers.thoughts import after_thought
from harness.sandbox import Failure, Limits, Sandbox

# The longest gold answer of MATH-500 has 53 characters.
MAX_EXPRESSION = 400
LIMITS = Limits(memory=512 * 1024 * 1024, cpu_seconds=3, wall_seconds=30.0, answer_bytes=1024)

_COMMAND = re.compile(r"\\(?:begin|end) ?\{[a-z]*\}|\\[a-zA-Z]+")
_WRAPPED = re.compile(r"\\(?:text(?:bf|it|rm)?|math(?:rm|bf|it)|mbox) ?\{([^{}]*)\}")
_WORD = re.compile(r"[^\W\d_]{2,}")
# Words that formulas in plain text are made of.
_FORMULA_WORDS = frozenset(
    [
        "sqrt",
        "pi",
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "log",
        "ln",
        "exp",
        "inf",
        "infty",
        "infinity",
        "oo",
        "mod",
        "cup",
    ]
)
_SHORT_WORDS = frozenset(("and", "or", "the", "is", "are", "not", "no", "of", "it", "an", "to"))
_POINTS = re.compile(r"[0-9]\.[0-9]+\.[0-9]")
_CONJUNCTION = re.compile(r"\\text ?\{ ?,? ?(?:or|and) ?\}")
_JOINED = re.compile(r"(?:,\s*|\s+)(?:or|and)\s+|\\text ?\{ ?(?:or|and) ?\}")
_ASSIGNED = re.compile(r"(?<![\w\\])[a-zA-Z](?:_\{?[0-9]\}?)?\s*=\s*(?!.*[<>])")
_LOOSE = re.compile(r"\\(?:left|right|displaystyle|[,;:! ])|~|\s|\$|(?<=\\)[dt](?=frac)")


def judge_math(output: str, gold: str, rel_tol: float = 0.0) -> Judgement:
    """Judge a mathematical answer against ``gold``: a number, an expression in LaTeX, or words.

    Correct when both are the same number (:func:`~harness.answers.numbers.same_number`; ``rel_tol`` is for measured
    quantities, whose unit is dropped and has to be that of the gold answer), the same words, or equivalent expressions.
    Unparsed when nothing is stated, or what is stated is prose, several numbers where one is asked for, no expression
    that can be parsed, or too much work. A gold answer that is none of the three is compared by
    its spelling.
    """
    layer, stated = extract_layer(after_thought(output))
    if stated is None:
        return unparsed(None)
    verdict = equivalent(stated, gold, rel_tol)
    judged = unparsed(stated) if verdict is None else decided(stated, verdict)
    return Judgement(judged.extracted, judged.outcome, judged.score, layer)


def equivalent(stated: str, gold: str, rel_tol: float = 0.0) -> bool | None:
    """Whether ``stated`` is ``gold``; None when it is nothing that can be compared."""
    gold = _CONJUNCTION.sub(", ", gold)
    if spelt(stated) == spelt(gold):
        return True
    number = read_numeral(gold)
    if number is not None:
        found = find_numeral(stated)
        if found is not None:
            return same_number(found, number, Fraction(str(rel_tol)))
        if _POINTS.search(stated):
            return None
        gold = f"\\frac{{{number.value.numerator}}}{{{number.value.denominator}}}"
    elif _is_words(gold):
        return _words(stated) == _words(gold)
    if "," in gold or "\\pm" in gold:
        stated = _listed(stated)
        if spelt(stated) == spelt(gold):
            return True
    if len(stated) > MAX_EXPRESSION or _is_prose(stated, gold):
        return None
    return _same_expression(stated, gold)


def spelt(text: str) -> str:
    """A formula without what its spelling leaves free: spaces, ``\\left`` and ``\\right``, dollars, ``\\dfrac``."""
    return _LOOSE.sub("", text).rstrip(".")


def close() -> None:
    """End the worker; the next expression starts another."""
    _sandbox().close()


@cache
def _sandbox() -> Sandbox:
    return Sandbox("harness.answers.equivalence", ("compare",), LIMITS)


def _same_expression(stated: str, gold: str) -> bool | None:
    verdict = _sandbox().call("compare", gold, stated)
    return None if isinstance(verdict, Failure) or verdict == "unread" else bool(verdict == "equal")


def _listed(stated: str) -> str:
    """Several values as a list: "x = 3 or x = -5" is 3, -5."""
    return _ASSIGNED.sub("", _JOINED.sub(", ", stated))


def _is_words(gold: str) -> bool:
    """Whether a gold answer is a name, a date, a letter of an option: words without a formula."""
    text = _COMMAND.sub(" ", _WRAPPED.sub(r" \1 ", gold))
    wrapped = gold.strip().startswith(("\\text", "\\mbox", "\\mathrm", "\\mathbf"))
    words = {word.lower() for word in _WORD.findall(text)} - _FORMULA_WORDS
    return (
        (wrapped or bool(words))
        and not re.search(r"[=^+*/<>|_{}\[\]]", text)
        and not _COMMAND.search(_WRAPPED.sub("", gold))
    )


def _words(text: str) -> str:
    return normal(_WRAPPED.sub(r"\1", text)).strip("()[] ")


def _is_prose(stated: str, gold: str) -> bool:
    """Whether words stand in an answer that neither formulas are made of nor the gold answer holds.

    Two or three letters may be a product of variables.
    """
    known = _FORMULA_WORDS | set(_lower_words(gold))
    return any(word not in known and (len(word) > 3 or word in _SHORT_WORDS) for word in _lower_words(stated))


def _lower_words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(_COMMAND.sub(" ", _WRAPPED.sub(" ", text)))]
