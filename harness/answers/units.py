"""Units: what a unit is worth, where two answers state one each: 41.0 mg is not 41.0 g, and 0.041 kg is."""

import re
from fractions import Fraction

_PREFIXES = {"": 1, "n": Fraction(1, 10**9), "µ": Fraction(1, 10**6), "m": Fraction(1, 1000), "c": Fraction(1, 100)}
_PREFIXES |= {"d": Fraction(1, 10), "k": 1000, "M": 10**6, "G": 10**9}
_SYMBOLS = ("g", "m", "s", "L", "N", "J", "W", "V", "A", "Ω", "Pa", "Hz", "mol", "K", "C", "F", "T", "eV")
_BASES = {f"{prefix}{symbol}": (symbol, worth) for symbol in _SYMBOLS for prefix, worth in _PREFIXES.items()}
_NAMED = {
    "gram": ("g", 1), "kilogram": ("g", 1000), "milligram": ("g", Fraction(1, 1000)), "meter": ("m", 1), "metre": ("m", 1),
    "centimeter": ("m", Fraction(1, 100)), "centimetre": ("m", Fraction(1, 100)), "millimeter": ("m", Fraction(1, 1000)),
    "kilometer": ("m", 1000), "kilometre": ("m", 1000), "liter": ("L", 1), "litre": ("L", 1),
    "milliliter": ("L", Fraction(1, 1000)), "l": ("L", 1), "ml": ("L", Fraction(1, 1000)), "sec": ("s", 1), "second": ("s", 1),
    "min": ("s", 60), "minute": ("s", 60), "h": ("s", 3600), "hr": ("s", 3600), "hour": ("s", 3600), "day": ("s", 86400),
    "week": ("s", 604800), "inch": ("m", Fraction(254, 10000)), "inche": ("m", Fraction(254, 10000)),
    "ft": ("m", Fraction(3048, 10000)), "foot": ("m", Fraction(3048, 10000)), "feet": ("m", Fraction(3048, 10000)),
    "yard": ("m", Fraction(9144, 10000)), "mile": ("m", Fraction(1609344, 1000)), "newton": ("N", 1), "joule": ("J", 1),
    "watt": ("W", 1), "volt": ("V", 1), "amp": ("A", 1), "ampere": ("A", 1), "ohm": ("Ω", 1), "pascal": ("Pa", 1),
    "mole": ("mol", 1), "cent": ("$", Fraction(1, 100)), "dollar": ("$", 1),
}  # fmt: skip
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

    1 where one of the two is no unit that is known, or where both are powers of the same base unit: cm for cm^2 is a slip
    of the pen.
    """
    mine, wanted = unit_of(stated), unit_of(gold)
    if mine is None or wanted is None or (mine[0] != wanted[0] and stated.strip(" .^23") == gold.strip(" .^23")):
        return Fraction(1)
    return mine[1] / wanted[1] if mine[0] == wanted[0] else None


def _known(word: str) -> tuple[str, Fraction] | None:
    found = _BASES.get(word) or _NAMED.get(word.lower()) or _NAMED.get(word.lower().removesuffix("s"))
    return None if found is None else (found[0], Fraction(found[1]))
