"""Units: what a unit is worth, where two answers state one each: 41.0 mg is not 41.0 g, and 0.041 kg is."""

import re
from fractions import Fraction

_PREFIXES: dict[str, int | Fraction] = {
    "": 1,
    "n": Fraction(1, 10**9),
    "µ": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "c": Fraction(1, 100),
}
_PREFIXES |= {"d": Fraction(1, 10), "k": 1000, "M": 10**6, "G": 10**9}
_SYMBOLS = ("g", "m", "s", "L", "N", "J", "W", "V", "A", "Ω", "Pa", "Hz", "mol", "K", "C", "F", "T", "eV")
_BASES: dict[str, tuple[str, int | Fraction]] = {
    f"{prefix}{symbol}": (symbol, worth) for symbol in _SYMBOLS for prefix, worth in _PREFIXES.items()
}
_METRE, _SECOND, _GRAM, _LITRE = "m", "s", "g", "L"
_NAMED: dict[str, tuple[str, int | Fraction]] = {
    **dict.fromkeys(("meter", "metre"), (_METRE, 1)),
    **dict.fromkeys(("centimeter", "centimetre"), (_METRE, Fraction(1, 100))),
    **dict.fromkeys(("millimeter", "millimetre"), (_METRE, Fraction(1, 1000))),
    **dict.fromkeys(("kilometer", "kilometre"), (_METRE, 1000)),
    **dict.fromkeys(("inch", "inche"), (_METRE, Fraction(254, 10_000))),
    **dict.fromkeys(("ft", "foot", "feet"), (_METRE, Fraction(3048, 10_000))),
    "yard": (_METRE, Fraction(9144, 10_000)),
    "mile": (_METRE, Fraction(1_609_344, 1000)),
    **dict.fromkeys(("gram", "gramme"), (_GRAM, 1)),
    "kilogram": (_GRAM, 1000),
    "milligram": (_GRAM, Fraction(1, 1000)),
    **dict.fromkeys(("liter", "litre", "l"), (_LITRE, 1)),
    **dict.fromkeys(("milliliter", "millilitre", "ml"), (_LITRE, Fraction(1, 1000))),
    **dict.fromkeys(("sec", "second"), (_SECOND, 1)),
    **dict.fromkeys(("min", "minute"), (_SECOND, 60)),
    **dict.fromkeys(("h", "hr", "hour"), (_SECOND, 3600)),
    "day": (_SECOND, 86_400),
    "week": (_SECOND, 604_800),
    **{name: (symbol, 1) for name, symbol in (("newton", "N"), ("joule", "J"), ("watt", "W"), ("volt", "V"))},
    **{name: (symbol, 1) for name, symbol in (("amp", "A"), ("ampere", "A"), ("ohm", "\u03a9"), ("mole", "mol"))},
    "pascal": ("Pa", 1),
    "dollar": ("$", 1),
    "cent": ("$", Fraction(1, 100)),
}
_TOKEN = re.compile(r"([A-Za-zµμ\u03a9\u03a9$]+)(?:\^?[({]?(-?[0-9])[)}]?)?|( ?[/]| per )|([ .*·()]+)")
_LONGEST = 40

Unit = tuple[dict[str, int], Fraction]


def unit_of(text: str) -> Unit | None:
    """The powers of base units and the factor that a unit stands for; None for what is no unit of this list."""
    text = text.strip(" .").replace("μ", "µ").replace("Ω", "Ω")
    powers: dict[str, int] = {}
    factor, sign, at = Fraction(1), 1, 0
    while at < len(text) <= _LONGEST:
        token = _TOKEN.match(text, at)
        if token is None or (token[1] and _known(token[1]) is None):
            return None
        at = token.end()
        if token[3]:
            sign = -1
        elif token[1]:
            base, worth = _known(token[1]) or ("", Fraction(1))
            power = sign * int(token[2] or 1)
            powers[base] = powers.get(base, 0) + power
            factor *= Fraction(worth) ** power
    return (powers, factor) if powers else None


def ratio(stated: str, gold: str) -> Fraction | None:
    """What a number with the unit ``stated`` is multiplied by to have the unit ``gold``; None where it cannot have it.

    1 where one of the two is no unit that is known, or where both are powers of the same base unit: cm for cm^2 is a
    slip of the pen.
    """
    mine, wanted = unit_of(stated), unit_of(gold)
    if mine is None or wanted is None or (mine[0] != wanted[0] and stated.strip(" .^23") == gold.strip(" .^23")):
        return Fraction(1)
    return mine[1] / wanted[1] if mine[0] == wanted[0] else None


def _known(word: str) -> tuple[str, Fraction] | None:
    found = _BASES.get(word) or _NAMED.get(word.lower()) or _NAMED.get(word.lower().removesuffix("s"))
    return None if found is None else (found[0], Fraction(found[1]))
