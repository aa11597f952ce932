r"""Numerals: the one number that an answer is, read exactly: 1,234.50, \frac{3}{4}, 1 1/2, 6.02e23, five.

Stricter than :func:`parse_number` in what may stand around a number: a unit or words may, a formula may not
(``2x`` is no 2, ``\sqrt{9}`` no 9), because where formulas are answers too, one must not pass for the other. What is
no number here is left to the checker's algebra. Every scan is linear in the length of the text.
"""

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

from harness.answers.extraction import MAX_ANSWER, WRAPPED_TEXT, Judgement, decided, extract_answer, unparsed

_MAX_EXPONENT = 400
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_PLAIN = str.maketrans(
    {"\u2212": "-", "\u2013": "-", "\uff0d": "-", "\uff0c": ",", "\uff0e": ".", "\u00a0": " ", "\u2009": " "}
    | {"\u202f": " ", "\u2044": "/", "\u2248": "=", "\u00b7": "*"}
)
_POWERED = re.compile(r"(?<=[0-9A-Za-z])[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+")
_SPACED = re.compile(r"\\[,;:! ]|~|\\q?quad(?![a-zA-Z])|\\(?:left|right|displaystyle|Large|large)(?![a-zA-Z])")
_GROUP = re.compile(r"\{,\}|(?<=[0-9])\\[,!;](?=[0-9]{3})|(?<=[0-9]),\\!(?=[0-9]{3})")
_WRAPPED = re.compile(r"\\(?:text(?:bf|it|rm)?|math(?:rm|bf|it)|mbox|operatorname) ?\{([^{}]*)\}")
_DEGREES = re.compile(r" ?(?:\^ ?(?:\{ ?)?\\circ(?: ?\})?|\\degrees?(?![a-zA-Z])|°)")
_FRAC = re.compile(r"\\[dtc]?frac ?(?:\{ ?([-+]?[0-9.,]+) ?\}|([0-9])) ?(?:\{ ?([0-9.,]+) ?\}|([0-9]))")
_EQUALS = re.compile(r"=|\\approx(?![a-zA-Z])|\\equiv(?![a-zA-Z])")
_MONEY = re.compile(r"\\?[$€£¥₹]")
_PERCENT = re.compile(r" ?(?:\\?%|per ?cent\b)")
_SCALE = re.compile(r" (dozen|hundred|thousand|million|billion|trillion)s?\b")
_FACTORS = {"dozen": 12, "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}

_INTEGER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]{1,3}(?: [0-9]{3})+(?![0-9])|[0-9]+)"
_DECIMAL = rf"(?:{_INTEGER}(?:\.[0-9]*)?|\.[0-9]+)"
_REPEATED = r"(?:\\overline ?\{([0-9]+)\}|\\overline ?([0-9])|\(([0-9]+)\)(?=\.\.\.)|\\bar ?\{([0-9]+)\})"
_EXPONENT = r"(?:[eE]([-+]?[0-9]{1,5})| ?(?:×|x|X|\*|\\times|\\cdot) ?10 ?(?:\^|\*\*) ?[({]? ?([-+]?[0-9]{1,5}) ?[)}]?)"
_NUMERAL = re.compile(
    rf"(?P<sign>[-+]?) ?(?:(?P<whole>[0-9]{{1,9}}) (?:and )?(?P<over>[0-9]{{1,9}})/(?P<under>[0-9]{{1,9}})"
    rf"|(?P<number>{_DECIMAL}){_REPEATED}?{_EXPONENT}?(?: ?/ ?(?P<divisor>{_DECIMAL}))?)"
)
_UNIT = r"[A-Za-zµμΩ']+(?:\^?[({]?[-+]?[0-9]{1,2}[)}]?)?"
_TAIL = re.compile(rf"(?:[ /]?\(?{_UNIT}(?:(?: ?[*/] ?|[ .,-]| per ){_UNIT})*\)?)?[ .]*")
_HEAD = re.compile(r"[^\\^*/+<>|{}\[\]()]*(?<![\w.*/+^-])")
_PROSE = re.compile(r"[,;:]? [^0-9\\^*/+=<>|{}\[\]_]*")
# One letter names a variable rather than a unit, unless it is one of these; and so do two or three of abcxyz.
_VARIABLE = re.compile(r"[ /]?(?:(?![mgshlLNJWVAKCF])[A-Za-z]|[abcxyz]{2,3})(?![A-Za-z/]| [A-Za-z]{2})")
_GLUED = re.compile(r"[A-Za-z](?![A-Za-z])")

_ONES = dict(
    zip(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ],
        range(20),
        strict=True,
    )
)
_TENS = dict(
    zip(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], range(20, 100, 10), strict=True)
)
_SCALES = {"thousand": 1000, "million": 10**6, "billion": 10**9}
# Behind a number in words these make it another one, or none.
_SPELT = {*_ONES, *_TENS, *_SCALES, "hundred", "of", "or", "half", "third", "thirds", "quarter", "quarters", "point"}

_GROUP_MARK = re.compile("\\{,\\}|\\\\,|(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]{3})")
_PLAIN_FRAC = re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}")
_POWER_OF_TEN = re.compile(r" ?(?:\u00d7|x|\*|\\times|\\cdot) ?10 ?\^ ?\{?([-+]?[0-9]+)\}?")
_PLAIN_DIGITS = r"(?:(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
# A digit glued to a letter belongs to a formula or a unit (H2O, m2), and one after ^ to a power.
_PLAIN_NUMBER = re.compile(rf"(?<![\w.^])([-+]? ?)\$?({_PLAIN_DIGITS})(?: ?/ ?({_PLAIN_DIGITS}))?")


@dataclass(frozen=True)
class Numeral:
    """A number as it was written.

    ``factor`` is what a sign or word behind it may multiply it by (1/100 for per cent, 10^6 for "million"), or 1;
    ``value`` is the number before. ``decimals`` counts the places it shows.
    """

    value: Fraction
    factor: Fraction = Fraction(1)
    decimals: int = 0


def judge_number(output: str, gold: str, rel_tol: float = 0.0) -> Judgement:
    """Judge a numeric answer by exact rational arithmetic.

    Correct when |x - gold| <= rel_tol * |gold|. Thousands separators, ``$``, ``%`` (dropped: 50% is 50), a unit, a
    trailing dot, fractions and powers of ten are read; an answer holding no number, or several, is unparsed.
    Raises ``ValueError`` when ``gold`` itself is not one number.
    """
    expected = parse_number(gold)
    if expected is None:
        raise ValueError(f"gold {gold!r} is not one number")
    stated = extract_answer(output)
    value = None if stated is None else parse_number(stated)
    if value is None:
        return unparsed(stated)
    return decided(stated, abs(value - expected) <= Fraction(str(rel_tol)) * abs(expected))


def parse_number(text: str) -> Fraction | None:
    """The one number in ``text`` as an exact fraction, or None where there is none, several, or a power."""
    if len(text) > MAX_ANSWER:
        return None
    text = " ".join(_GROUP_MARK.sub("", text.replace("\u2212", "-").replace("\\$", "$")).split())
    text = _POWER_OF_TEN.sub(r"e\1", _PLAIN_FRAC.sub(r"\1/\2", WRAPPED_TEXT.sub(r"\1", text)))
    found = list(_PLAIN_NUMBER.finditer(text))
    if len(found) != 1 or text[found[0].end() :].lstrip(" )}")[:1] in ("^", "²", "³"):
        return None
    sign, over, under = found[0].groups()
    numerator, denominator = _decimal(over), _decimal(under or "1")
    if numerator is None or not denominator:
        return None
    return (-1 if "-" in sign else 1) * numerator / denominator


def _decimal(digits: str) -> Fraction | None:
    mantissa, _, exponent = digits.lower().replace(",", "").partition("e")
    # An exponent of a billion would be exact too, and fill the memory.
    if len(exponent) > 5 or abs(int(exponent or 0)) > _MAX_EXPONENT:
        return None
    return Fraction(mantissa) * Fraction(10) ** int(exponent or 0)


def read_numeral(text: str) -> Numeral | None:
    """The number that ``text`` is, with nothing but a unit or a currency around it; None for anything else.

    A single letter behind the digits is no unit here, but part of a formula.
    """
    return _read(_prepared(text), glued=False) if len(text) <= MAX_ANSWER else None


def find_numeral(text: str) -> Numeral | None:
    """The number that ``text`` states: what stands behind its last equals sign, or the one number among words."""
    if len(text) > MAX_ANSWER:
        return None
    text = _prepared(text)
    if not re.search(r"[,;]\s|\band\b|\bor\b", text):
        text = _EQUALS.split(text)[-1].strip()
    found = _read(text) or _spelled(text)
    return found or _among_words(text)


def same_number(stated: Numeral, gold: Numeral, rel_tol: Fraction = Fraction(0)) -> bool:
    """Whether |stated - gold| <= rel_tol * |gold|, exactly.

    A factor that only one of the two has may be meant or not: 50% is 50 (the question asked for per cent) and 0.5,
    "1.5 million" is 1.5 (of millions) and 1,500,000. A decimal answer to a number that no decimal is, is right when it
    shows six places or more and is less than one unit of the last of them away.
    """
    if stated.factor == gold.factor:
        pairs = [(stated.value, gold.value)]
    else:
        pairs = [(mine, wanted) for mine in _meanings(stated) for wanted in _meanings(gold)]
    if any(abs(mine - wanted) <= rel_tol * abs(wanted) for mine, wanted in pairs):
        return True
    return stated.decimals >= 6 and _endless(gold.value) and abs(stated.value - gold.value) < _place(stated.decimals)


def _meanings(numeral: Numeral) -> set[Fraction]:
    return {numeral.value, numeral.value * numeral.factor}


def _place(decimals: int) -> Fraction:
    return Fraction(1, 10**decimals)


def _endless(value: Fraction) -> bool:
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest > 1


def _prepared(text: str) -> str:
    """One spelling for what has many: digits of other scripts, signs, spaces, fractions, money, degrees, units."""
    text = "".join(map(_plain, text)).translate(_PLAIN)
    text = _POWERED.sub(lambda found: "^" + found.group().translate(_SUPERSCRIPTS), text)
    text = _GROUP.sub("", text)
    text = _SPACED.sub(" ", _WRAPPED.sub(r" \1", text))
    text = _DEGREES.sub(" ", text)
    text = _FRAC.sub(lambda found: f" {found[1] or found[2]}/{found[3] or found[4]} ", text)
    return " ".join(_MONEY.sub("", text.replace("\\(", "").replace("\\)", "")).split())


def _plain(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.decimal(character))
    folded = unicodedata.normalize("NFKC", character)
    return f" {folded}" if "\u2044" in folded else character


def _read(text: str, tail_form: re.Pattern[str] = _TAIL, glued: bool = True) -> Numeral | None:
    text, signs = _PERCENT.subn("", text.strip())
    if text[:1] == "(" and text[-1:] == ")":
        text = text[1:-1].strip()
    found = _NUMERAL.match(text)
    if found is None or signs > 1:
        return None
    tail = text[found.end() :]
    if not glued and _GLUED.match(tail):
        return None
    factor = Fraction(1, 100) if signs else Fraction(1)
    if scale := _SCALE.match(tail):
        tail, factor = tail[scale.end() :], factor * _FACTORS[scale[1]]
    if tail.strip(" .") and (tail_form.fullmatch(tail) is None or _VARIABLE.match(tail)):
        return None
    value = _value(found)
    shown = (found["number"] or "").partition(".")[2]
    return None if value is None else Numeral(value, factor, len(shown))


def _value(found: re.Match[str]) -> Fraction | None:
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
    return number.replace(",", "").replace(" ", "")


def _spelled(text: str) -> Numeral | None:
    """A whole number in English words, up to 999,999,999,999: "twenty-five", "one hundred and five dollars"."""
    words = re.findall(r"[a-z]+", text[:200].lower())
    if not re.fullmatch(r"[A-Za-z ,-]*", text[:200]) or len(text) > 200:
        return None
    sign = 1
    if words[:1] in (["minus"], ["negative"]):
        sign, words = -1, words[1:]
    total = current = used = 0
    for word in words:
        if word in _ONES:
            if current % 10 or (current % 100 and _ONES[word] > 9) or (used and _ONES[word] == 0):
                return None
            current += _ONES[word]
        elif word in _TENS:
            if current % 100:
                return None
            current += _TENS[word]
        elif word == "hundred":
            current = (current or 1) * 100
        elif word in _SCALES:
            total += (current or 1) * _SCALES[word]
            current = 0
        elif not (word == "and" and used):
            break
        used += 1
    rest = words[used:]
    if not used or words[used - 1] == "and" or len(rest) > 3 or _SPELT & set(rest):
        return None
    return Numeral(Fraction(sign * (total + current)))


def _among_words(text: str) -> Numeral | None:
    """The one number of a sentence: "it costs $18 in all"."""
    start = re.search(r"[-+]?\.?[0-9]", text)
    if start is None or _HEAD.fullmatch(text[: start.start()]) is None:
        return None
    return _read(text[start.start() :]) or _read(text[start.start() :], _PROSE)
