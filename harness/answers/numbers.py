r"""Numerals: the one number that an answer is, read exactly: 1,234.50, \frac{3}{4}, 1 1/2, 6.02e23, 7!, five.

A unit or words may stand around a number, a formula may not (``2x`` is no 2, ``\sqrt{9}`` no 9), because where formulas
are answers too, one must not pass for the other. Words that deny a number or bound it ("not 18", "more than 18", "18
less than before", "18 is too small") leave none. What is no number here is left to the checker's algebra. Every scan is
linear in the length of the text.
"""

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import factorial

from harness.answers.extraction import Judgement, decided, unparsed
from harness.answers.notation import as_number
from harness.answers.number_words import spelled
from harness.answers.statements import MAX_ANSWER, Statement, answer_of, stated
from harness.answers.units import ratio

_MAX_EXPONENT = 400
_MAX_FACTORIAL = 170
# A decimal that stands for a number without an end shows at least so many places, and is right to this share of it.
_PLACES_SHOWN = 6
_SHARE_SHOWN = Fraction(1, 10_000)

_EQUALS = re.compile(r"=|\\equiv(?![a-zA-Z])")
_ROUNDED = re.compile(
    r" ?≈ ?|,? ?\(? ?(?:or )?(?:which is )?(?:approximately|approx\.?|about|roughly|around|nearly)(?: equal to)? "
    r"| ?\((?=[-+.]?[0-9])| or (?=[-+]?[0-9]*\.[0-9])"
)
_PERCENT = re.compile(r" ?(?:\\?%|per ?cent\b)")
_SCALE = re.compile(r" ?(dozen|hundred|thousand|million|billion|trillion)s?\b")
_FACTORS = {"dozen": 12, "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_EURO = re.compile(r" ?(?:euros?|EUR)\b")

_INTEGER = (
    r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]{1,3}(?: [0-9]{3})+(?![0-9])|[0-9]{1,3}(?:\.[0-9]{3}){2,}(?![.0-9])"
    r"|[0-9]+)"
)
_DECIMAL = rf"(?:{_INTEGER}(?:\.[0-9]*)?|\.[0-9]+)"
_REPEATED = r"(?:\\overline ?\{([0-9]+)\}|\\overline ?([0-9])|\(([0-9]+)\)(?=\.\.\.)|\\bar ?\{([0-9]+)\})"
_EXPONENT = r"(?:[eE]([-+]?[0-9]{1,5})| ?(?:×|x|X|\*|\\times|\\cdot) ?10 ?(?:\^|\*\*) ?[({]? ?([-+]?[0-9]{1,5}) ?[)}]?)"
_NUMERAL = re.compile(
    rf"(?P<sign>[-+]?) ?(?:(?P<whole>[0-9]{{1,9}}) (?:and )?(?P<over>[0-9]{{1,9}})/(?P<under>[0-9]{{1,9}})"
    rf"|(?P<number>{_DECIMAL}){_REPEATED}?{_EXPONENT}?(?: ?/ ?(?P<divisor>{_DECIMAL}))?)"
)
_FACTORIAL = re.compile(r"\(?([0-9]{1,3})\)?!(?!!)(?= |\.?\Z)")
_GROUPED_BY_POINTS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3}){2,}")
_UNIT = r"[A-Za-zµμ\u03a9']+(?:\^?[({]?[-+]?[0-9]{1,2}[)}]?)?"
_TAIL = re.compile(rf"(?:[ /]?\(?{_UNIT}(?:(?: ?[*/] ?|[ .,-]| per ){_UNIT})*\)?)?[ .]*")
_HEAD = re.compile(r"[^\\^*/+<>|{}\[\]()]*(?<![\w.*/+^-])")
_PROSE = re.compile(r"[,;:]? [^0-9\\^*/+=<>|{}\[\]_≈]*")
# One letter names a variable rather than a unit, unless it is one of these; and so do two or three of abcxyz.
_VARIABLE = re.compile(r"[ /]?(?:(?![mgshlLNJWVAKCF])[A-Za-z]|[abcxyz]{2,3})(?![A-Za-z/\u03a9\u03bc]| [A-Za-z]{2})")
_GLUED = re.compile(r"[A-Za-z](?![A-Za-z])")
_LIST = re.compile(r"[,;]\s|\band\b|\bor\b")
# Words before or behind a number that make it another statement than "it is this number".
_NO_VALUE = re.compile(
    r"\b(?:not|never|neither|nor|none|cannot|can't|isn't|aren't|wasn't|unknown|impossible|undefined|no longer|no more"
    r"|no less"
    r"|no fewer|too|insufficient|fewer than|less than|more than|greater than|larger than|smaller than|bigger than"
    r"|higher than"
    r"|lower than|other than|at least|at most|up to|exceeds?|between|maximum of|minimum of|anything but)\b|n't\b"
    r"|[<>≤≥≠]|\b(?:far from|close to|near|twice|double|half(?: of)?) (?=[-+.]?[0-9])"
    r"|\b(?:over|under|above|below|beyond) (?=[-+.]?[0-9])|\btimes (?:as|larger|smaller|more|less|bigger|greater"
    r"|higher|lower|longer|the)\b",
    re.IGNORECASE,
)
# In a sentence an answer may explain itself, or be set against another one.
_EXPLAINED = re.compile(
    r",? (?:because|since|as in|so that|given that|where|rather than|instead of)\b|, (?:not|so|which|and not|but not"
    r"|as)\b"
    r"| \((?![-+.]?[0-9.,]+\))| (?:from|using|by using|at|with) (?=[^0-9]{0,20}[0-9])|; "
)


# Gold answers and options of a suite are read once for each model that answers them, and models state the same numbers.
_KEPT = 8192


@dataclass(frozen=True)
class Numeral:
    """A number as it was written.

    ``factor`` is what a sign behind it may multiply it by (1/100 for per cent, 1000 where 1.234 euros may be a thousand
    and more), or 1; ``value`` is the number before. ``decimals`` counts the places it shows, ``unit`` stood behind it.
    """

    value: Fraction
    factor: Fraction = Fraction(1)
    decimals: int = 0
    unit: str = ""


def judge_number(output: str, gold: str, rel_tol: float = 0.0) -> Judgement:
    """Judge a numeric answer by exact rational arithmetic.

    Correct when |x - gold| <= rel_tol * |gold|. Thousands separators, ``$``, ``%``, a unit, a trailing dot, fractions
    and powers of ten are read; an answer holding no number, or several, is unparsed. Raises ``ValueError`` when
    ``gold`` itself is not one number.
    """
    expected = read_numeral(gold)
    if expected is None:
        raise ValueError(f"gold {gold!r} is not one number")
    first = None
    for statement in stated(answer_of(output)):
        first = first or statement
        if found := stated_numerals(statement.text, statement):
            tolerance = Fraction(str(rel_tol))
            return decided(statement.text, any(same_number(each, expected, tolerance) for each in found))
    return unparsed(first.text if first else None)


@lru_cache(maxsize=_KEPT)
def read_numeral(text: str) -> Numeral | None:
    """The number that ``text`` is, with nothing but a unit or a currency around it; None for anything else.

    A single letter behind the digits is no unit here, but part of a formula.
    """
    return _read(as_number(text), glued=False) if len(text) <= MAX_ANSWER else None


def find_numeral(text: str) -> Numeral | None:
    """The number that ``text`` states: what stands behind its last equals sign, or the one number among words."""
    found = find_numerals(text)
    return found[0] if found else None


def stated_numerals(text: str, statement: Statement | None = None) -> tuple[Numeral, ...]:
    """:func:`find_numerals`, and in a sentence the number before it explains itself or is set against another one."""
    found = find_numerals(text)
    if not found and statement is not None and statement.sentence:
        found = find_numerals(_EXPLAINED.split(as_number(text), maxsplit=1)[0])
    return found


def find_numerals(text: str) -> tuple[Numeral, ...]:
    """The number that ``text`` states, and the rounding of it that stands behind it ("1/3 ≈ 0.333"), if any."""
    return _find(text) if len(text) <= MAX_ANSWER else ()


@lru_cache(maxsize=_KEPT)
def _find(text: str) -> tuple[Numeral, ...]:
    text = as_number(text)
    parts = [part for part in _ROUNDED.split(text) if part.strip(" ().")]
    if len(parts) == 2:
        exact, shown = _one(parts[0]), _one(parts[1].strip(" )"))
        if exact is not None and shown is not None and is_rounding(shown, exact.value):
            return exact, shown
    sides = _EQUALS.split(text)
    if len(sides) > 1 and not _LIST.search(text):
        exact, shown = _one(sides[-2]), _one(sides[-1])
        if exact is not None and shown is not None and exact != shown and is_rounding(shown, exact.value):
            return exact, shown
    found = _one(text.replace("≈", "="))
    return () if found is None else (found,)


def is_rounding(shown: Numeral, exact: Fraction) -> bool:
    """Whether a decimal shows ``exact`` to its last place, rounded or cut, and is not the number itself."""
    unit = Fraction(1, 10**shown.decimals)
    return shown.decimals > 0 and any(
        abs(value - exact) < unit * share
        for value, share in ((shown.value, 1), (shown.value * shown.factor, shown.factor))
    )


def _one(text: str) -> Numeral | None:
    if not _LIST.search(text):
        text = _EQUALS.split(text)[-1].strip()
    if _NO_VALUE.search(text):
        return None
    in_words = spelled(text)
    found = _read(text) or (None if in_words is None else Numeral(in_words))
    return found or _among_words(text)


def same_number(stated: Numeral, gold: Numeral, rel_tol: Fraction = Fraction(0)) -> bool:
    """Whether |stated - gold| <= rel_tol * |gold|, exactly, in the unit of the gold answer where both state one.

    A sign that only one of the two has may be meant or not: 50% is 50 (the question asked for per cent) and 0.5. A
    decimal answer to a number that no decimal is, is right when it shows six places or more, is less than one unit of
    the last of them away, and no more than a ten-thousandth of the number.
    """
    scale = ratio(stated.unit, gold.unit) if stated.unit and gold.unit else Fraction(1)
    if scale is None:
        return False
    if scale != 1:
        stated = replace(stated, value=stated.value * scale)
    if stated.factor == gold.factor:
        pairs = [(stated.value, gold.value)]
    else:
        pairs = [(mine, wanted) for mine in _meanings(stated) for wanted in _meanings(gold)]
    if any(abs(mine - wanted) <= rel_tol * abs(wanted) for mine, wanted in pairs):
        return True
    away = abs(stated.value - gold.value)
    return (
        stated.decimals >= _PLACES_SHOWN
        and _endless(gold.value)
        and away < Fraction(1, 10**stated.decimals)
        and away <= _SHARE_SHOWN * abs(gold.value)
    )


def _meanings(numeral: Numeral) -> set[Fraction]:
    return {numeral.value, numeral.value * numeral.factor}


def _endless(value: Fraction) -> bool:
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest > 1


def _read(text: str, tail_form: re.Pattern[str] = _TAIL, glued: bool = True) -> Numeral | None:
    text, signs = _PERCENT.subn("", text.strip())
    if text[:1] == "(" and text[-1:] == ")":
        text = text[1:-1].strip()
    found = _FACTORIAL.match(text) or _NUMERAL.match(text)
    if found is None or signs > 1:
        return None
    tail = text[found.end() :]
    if not glued and _GLUED.match(tail):
        return None
    value = _value(found)
    if value is None or tail.startswith("!"):
        return None
    if scale := _SCALE.match(tail):
        tail, value = tail[scale.end() :], value * _FACTORS[scale[1]]
    unit = tail.strip(" .")
    if unit and (tail_form.fullmatch(tail) is None or _VARIABLE.match(tail)):
        return None
    shown = (found.groupdict().get("number") or "").partition(".")[2]
    thousands = len(shown) == 3 and _EURO.match(tail) is not None
    factor = Fraction(1, 100) if signs else Fraction(1000 if thousands else 1)
    return Numeral(value, factor, 0 if _GROUPED_BY_POINTS.match(found.group()) else len(shown), unit)


def _value(found: re.Match[str]) -> Fraction | None:
    if found.re is _FACTORIAL:
        return Fraction(factorial(int(found[1]))) if int(found[1]) <= _MAX_FACTORIAL else None
    sign = -1 if found["sign"] == "-" else 1
    if found["whole"]:
        under = int(found["under"])
        return sign * (int(found["whole"]) + Fraction(int(found["over"]), under)) if under else None
    value = Fraction(_digits(found["number"]))
    repeated = next((each for each in found.groups()[5:9] if each), None)
    if repeated:
        if "." not in found["number"]:
            return None
        places = len(found["number"].partition(".")[2])
        value += Fraction(int(repeated), (10 ** len(repeated) - 1) * 10**places)
    exponent = int(next((each for each in found.groups()[9:11] if each), "0"))
    if abs(exponent) > _MAX_EXPONENT:
        return None
    divisor = Fraction(_digits(found["divisor"] or "1"))
    return sign * value * Fraction(10) ** exponent / divisor if divisor else None


def _digits(number: str) -> str:
    number = number.replace(",", "").replace(" ", "")
    return number.replace(".", "") if number.count(".") > 1 else number


def _among_words(text: str) -> Numeral | None:
    """The one number of a sentence: "it costs $18 in all"."""
    start = re.search(r"[-+]?\.?[0-9]", text)
    if start is None or _HEAD.fullmatch(text[: start.start()]) is None:
        return None
    return _read(text[start.start() :]) or _read(text[start.start() :], _PROSE)
