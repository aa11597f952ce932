r"""Scalars: single expressions of LaTeX, read whole by latex2sympy or not at all, and compared by sympy.

Rational numbers are compared exactly. Other numbers are equal where they agree in 30 digits, relative to their size; a
decimal with six places or more stands for a number that no decimal is, as for plain numbers
(:func:`~harness.answers.numbers.same_number`). Formulas are equal where their values agree in 25 digits at several
points. There is no absolute tolerance anywhere: 1/2^60 is not 1/3^60.
"""

import re
from functools import lru_cache
from typing import Any

from latex2sympy2_extended import latex2sympy
from sympy import I, Rational, S, Symbol, simplify

from harness.answers.notation import bases_in_digits


class ScalarError(ValueError):
    """A text that is no expression."""


_DIGITS, _AGREE, _AGREE_AT = 60, Rational(1, 10**30), Rational(1, 10**25)
_POINTS = (Rational(37, 29), Rational(53, 31), Rational(-41, 47), Rational(71, 101))
_WORDS = (
    (re.compile(r"(?<![\\a-zA-Z])(?:sqrt) ?\(([^()]*)\)"), r"\\sqrt{\1}"),
    (
        re.compile(r"(?<![\\a-zA-Z])(sqrt|pi|sin|cos|tan|cot|sec|csc|log|ln|exp|infty|theta|alpha|beta)(?![a-zA-Z])"),
        r"\\\1 ",
    ),
    (re.compile(r"\u221a ?\(([^()]*)\)"), r"\\sqrt{\1}"),
    (re.compile(r"\u221a ?([0-9]+|[a-zA-Z])"), r"\\sqrt{\1}"),
    (re.compile(r"(?<![\\a-zA-Z])(?:infinity|inf|oo)(?![a-zA-Z])|∞"), r"\\infty "),
    (re.compile(r"\\sqrt ?\(([^()]*)\)"), r"\\sqrt{\1}"),
    (re.compile(r"\\[dtc]frac(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\\frac ?([0-9a-z]) ?([0-9a-z])"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\frac ?([0-9a-z]) ?\{"), r"\\frac{\1}{"),
    (re.compile(r"(\\frac ?\{[^{}]*\}) ?([0-9a-z])"), r"\1{\2}"),
    (re.compile(r"\\sqrt ?([0-9a-z])"), r"\\sqrt{\1}"),
    (re.compile(r"\\sqrt ?(\\frac ?\{[^{}]*\} ?\{[^{}]*\})"), r"\\sqrt{\1}"),
    (re.compile(r"\\exp ?\(([^()]*)\)"), r"e^{\1}"),
    (re.compile(r"\*\*"), "^"),
    (re.compile(r"\*|·|×|\\times(?![a-zA-Z])"), r"\\cdot "),
    (re.compile(r"÷|\\div(?![a-zA-Z])"), "/"),
    (re.compile(r"π"), r"\\pi "),
    (re.compile(r"θ"), r"\\theta "),
    (re.compile(r"(?<=\d)\s+(?=\\frac)"), ""),
    (re.compile(r"\\(?:vec|hat|bar|overrightarrow|mathbf|bold) ?\{?([a-zA-Z])\}?(?![a-zA-Z])"), r"\1"),
    # The grammar takes E for Euler's number, with an index too.
    (re.compile(r"(?<![a-zA-Z\\])E(?=_)"), "Q"),
    (re.compile(r"_ ?([a-zA-Z0-9])(?![a-zA-Z0-9{])"), r"_{\1}"),
)
_REPEATING = re.compile(r"([0-9]*)\.([0-9]*)\\overline ?\{([0-9]{1,30})\}")
_DECIMAL = re.compile(r"(?<![0-9.])([0-9]*)\.([0-9]+)(?![0-9.])")
_PLAIN_DECIMAL = re.compile(r"\s*-?\s*[0-9]*\.([0-9]+)\s*")
_BASED = re.compile(r"\s*([0-9A-F]+)_\{? ?([0-9]{1,2}) ?\}?\s*")
_REFUSED = re.compile(r"[0-9]\s+[0-9]|\\[lc]?dots|\.\.\.|…|\A\s*\Z|\\(?:sim|propto|to|rightarrow)(?![a-zA-Z])|≈|[?#@]")
_LONGEST_FACTOR = 400


def same_scalar(gold: str, answer: str) -> bool:
    """Whether two expressions have the same value; ``ScalarError`` where ``answer`` has none."""
    bases = [_BASED.fullmatch(bases_in_digits(text)) for text in (gold, answer)]
    if bases[0] and bases[1]:
        return int(bases[0][1], 36) == int(bases[1][1], 36) and bases[0][2] == bases[1][2]
    wanted, found = (scalar(based[1] if based else text) for based, text in zip(bases, (gold, answer), strict=True))
    if wanted == found:
        return True
    if wanted.free_symbols or found.free_symbols:
        return _same_formula(wanted, found)
    return _same_value(wanted, found) or _shows(answer, wanted, found)


@lru_cache(maxsize=512)
def scalar(text: str) -> Any:
    """The expression that ``text`` is, to its end; ``ScalarError`` for anything else."""
    written = _written(text)
    if _REFUSED.search(written) or len(written) > 4 * _LONGEST_FACTOR:
        raise ScalarError(text)
    try:
        found = latex2sympy(written)
        imaginary = [symbol for symbol in found.free_symbols if symbol.name == "i"]
        return found.subs(dict.fromkeys(imaginary, I)).doit()
    except Exception as error:  # a grammar and a library that were not made for hostile text raise anything
        raise ScalarError(text) from error


def decimals_of(text: str) -> int:
    """How many places a plain decimal shows; 0 for anything else."""
    found = _PLAIN_DECIMAL.fullmatch(text)
    return len(found[1]) if found else 0


def _written(text: str) -> str:
    text = bases_in_digits(text)
    based = _BASED.fullmatch(text)
    text = based[1] if based else text
    for pattern, form in _WORDS:
        text = pattern.sub(form, text)
    return _DECIMAL.sub(_fraction, _REPEATING.sub(_repeating, text))


def _fraction(found: re.Match[str]) -> str:
    """A decimal as the fraction that it is: the grammar would make it a float."""
    return f"(\\frac{{{int(found[1] + found[2])}}}{{{10 ** len(found[2])}}})"


def _repeating(found: re.Match[str]) -> str:
    places, repeated = len(found[2]), len(found[3])
    over = int(f"{found[1] or 0}{found[2]}{found[3]}") - int(f"{found[1] or 0}{found[2]}")
    return f"(\\frac{{{over}}}{{{(10**repeated - 1) * 10**places}}})"


def _same_value(wanted: Any, found: Any) -> bool:
    if wanted.is_Rational and found.is_Rational:
        return bool(wanted == found)
    if not (wanted.is_number and found.is_number):
        return False
    if wanted.is_infinite or found.is_infinite:
        return bool(wanted == found)
    values = [each.evalf(_DIGITS) for each in (wanted, found)]
    if not all(value.is_number and value.is_finite for value in values):
        return False
    size = max(abs(value) for value in values)
    if wanted == 0 or found == 0:
        return bool(simplify(wanted - found) == 0)
    return bool(abs(values[0] - values[1]) <= _AGREE * size)


def _shows(answer: str, wanted: Any, found: Any) -> bool:
    places = decimals_of(answer)
    if places < 6 or not wanted.is_real or (wanted.is_Rational and _ends(wanted)):
        return False
    away = abs(wanted - found).evalf(30)
    return bool(away < Rational(1, 10**places) and away <= abs(wanted).evalf(30) / 10_000)


def _ends(value: Any) -> bool:
    rest = int(value.q)
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def _same_formula(wanted: Any, found: Any) -> bool:
    symbols: list[Symbol] = sorted(wanted.free_symbols | found.free_symbols, key=str)
    seen = 0
    for turn in range(len(_POINTS)):
        point = {symbol: _POINTS[(turn + place) % len(_POINTS)] + place for place, symbol in enumerate(symbols)}
        values = [_at(each, point) for each in (wanted, found)]
        if None in values:
            continue
        seen += 1
        size = max(abs(value) for value in values)
        if size and abs(values[0] - values[1]) > _AGREE_AT * size:
            return False
    return seen > 1 or bool(simplify(wanted - found) == S.Zero)


def _at(expression: Any, point: dict[Symbol, Rational]) -> Any:
    value = expression.subs(point).evalf(40)
    return value if value.is_number and value.is_finite else None
