"""Figures: the numbers that a text states, each with its unit and interval, or that it cannot be read for sure.

A number is read with what stands beside it. Signs and scales are also written in words ("minus 80.5", "80.5 thousand",
"half of 80.5"), and a product, a range or a bound ("more than 80.5") states something else than the number in it. What
belongs to something larger is a figure without a value, which no number of the board is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

# Whatever may be read as one number, with marks between its digits: a part of it would be another number.
_NUMBER = (
    r"[+-]?[0-9](?:[0-9.,'\u2019_]{0,30}[0-9])?(?:[ ][0-9]{3}(?![0-9])){0,4}"
    r"(?:[.,][0-9]{1,17})?(?:e[+-]?[0-9]{1,3})?"
)
_UNIT = r"(?P<unit>(?:percentage )?points?\b|pp\b|%|per ?cent\b)"
_STATED = re.compile(
    rf"(?<![\w.+-])(?<![0-9][,'\u2019])(?P<value>{_NUMBER})(?!\w|\.[0-9])[ ]{{0,2}}{_UNIT}?"
    rf"(?:[^0-9\[\]]{{0,40}}\[ ?(?P<low>{_NUMBER}) ?[,;] ?(?P<high>{_NUMBER}) ?\])?",
    re.IGNORECASE | re.ASCII,
)
# Any word with a digit before a unit, as 9x80.5 points or 80.5k points.
_WITH_UNIT = re.compile(rf"(?<!\S)(?=[^ ]{{0,80}}[0-9])[^ ]{{1,80}} {{1,2}}{_UNIT}", re.IGNORECASE | re.ASCII)

# How many characters before a number are looked at.
_AROUND = 40
_BOUNDS = "\u00b1<>\u2260\u2264\u2265\u226e\u226f\u221a"
_SCALE = (
    r"(?:(?:half|third|quarter|fifth|tenth|hundred|hundredth|thousand|thousandth|[mbtr]{1,2}illion|[mbtr]{1,2}illionth"
    r"|dozen|fraction|multiple|\w{0,12}fold|time)s?)"
)
# What makes a number a part of something larger: before it, directly behind its digits, and behind it or its unit.
_BEFORE = re.compile(
    # A product, a power, a share, a range, a bound; a minus with marks or a space between.
    rf"(?:[0-9][^ (\[]*|[0-9][^ ]*[(\[]|[^ ]*[\u00d7/^]|[0-9)] ?[\u00d7\u00f7*/x] |[^ ]*[{_BOUNDS}]=? ?"
    r"|(?:[0-9]/[0-9]{1,9}|%|per ?cent) of(?: the| an?)? |-[^\w\s]{1,5}|(?:\A|(?<=[ (:=]))- )\Z"
    rf"|\b(?:{_SCALE}(?: of)?|twice|double|triple|thrice|root(?: of)?|by a factor of|plus or minus|up to|between"
    r"|not|never|isn't|rather than|instead of|other than|(?:more|less|fewer|greater|larger|smaller|higher|lower) than"
    r"|(?:no|at) (?:more|less|least|most)(?: than)?|above|below|under|over|beyond|exceed(?:s|ed|ing)|divided by"
    r"|multiplied by|[0-9][^ ]* (?:minus|plus|less))(?: an?| the)? \Z",
    re.IGNORECASE,
)
_ATTACHED = re.compile(r"[\w\u00b1\u00d7/^\u2044]|-(?![A-Za-z-])")
_AFTER = re.compile(
    r" ?(?:[\u00b1\u00d7\u00f7^\u2030\u2031]|[*/x+-] ?[0-9])"
    rf"|[ -]?\(?(?:(?:in|of) (?:an? )?)?(?:{_SCALE}|per ?mill?e?|basis points?|bps?|ppm|k|bn|mn|squared|cubed"
    r"|(?:divided|multiplied) by|and an? (?:half|third|quarter)|or (?:more|less|fewer|better|worse))\b",
    re.IGNORECASE,
)
_MINUS = re.compile(r"\b(?:minus|negative) \Z", re.IGNORECASE)
_FALL_BEFORE = re.compile(
    r"\b(?:(?:loss|drop|fall|decrease|decline|reduction)(?: of)?|lost|loses|fell|falls|dropped|drops|declined|declines"
    r"|decreased|decreases|down|worse)(?: by)?(?: an?)? \Z",
    re.IGNORECASE,
)
_FALL_AFTER = re.compile(r" (?:lower|worse|less|fewer|below|down|lost)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Figure:
    """A number as written: its value (NaN where it cannot be read for sure), the size of half its last digit, its unit
    ("points", "%" or none), and its interval. ``falls``: by words beside it, something became less by so much."""

    text: str
    value: float
    half: float
    unit: str
    interval: tuple[tuple[float, float], tuple[float, float]] | None = None
    falls: bool = False


def figures_in(text: str) -> Iterator[Figure]:
    """The numbers in ``text`` in their order; what has digits and a unit, and is no number, cannot be read."""
    found = list(_STATED.finditer(text))
    values = {each.start("value") for each in found}
    odd = [each for each in _WITH_UNIT.finditer(text) if not values & set(range(*each.span()))]
    for match in sorted([*found, *odd], key=lambda each: each.start()):
        if match in odd:
            yield Figure(match[0], math.nan, math.nan, _unit(match))
        else:
            yield _figure(match)


def _figure(match: re.Match[str]) -> Figure:
    text, (begin, end), written = match.string, match.span("value"), match["value"]
    before = text[max(0, begin - _AROUND) : begin]
    signed = not written[0].isdigit()
    minus = _MINUS.search(before)
    part = _BEFORE.search(before) or (minus if signed else None)
    behind = max(end, match.end("unit"))
    after = _ATTACHED.match(text, end) or _AFTER.match(text, end) or _AFTER.match(text, behind)
    value, half = _read(f"-{written}" if minus else written) if not (part or after) else (math.nan, math.nan)
    beside = [found[0] if found else "" for found in (part or minus, after)]
    return Figure(
        text=" ".join((beside[0] + match[0] + ("" if match["low"] else beside[1])).split()),
        value=value,
        half=half,
        unit=_unit(match),
        interval=None if match["low"] is None else (_read(match["low"]), _read(match["high"])),
        falls=not signed and bool(_FALL_BEFORE.search(before) or _FALL_AFTER.match(text, behind)),
    )


def _unit(match: re.Match[str]) -> str:
    unit = (match["unit"] or "").lower()
    return "points" if unit.startswith(("percentage", "point", "pp")) else "%" if unit else ""


def _read(written: str) -> tuple[float, float]:
    """The value of a number, and the size of half its last digit; NaN where its marks can be read in two ways, or its
    last digit is not of the units or finer."""
    mantissa, _, exponent = written.lower().partition("e")
    plain = _plain(mantissa)
    if plain is None:
        return math.nan, math.nan
    last = int(exponent or 0) - len(plain.partition(".")[2])
    if last > 0:  # Of a number in which not even the units are known, anything could be said to be one rounding.
        return math.nan, math.nan
    return float(f"{plain}e{exponent or 0}"), 0.5 * 10.0**last


def _plain(mantissa: str) -> str | None:
    """The digits with a decimal point alone: of 1,080.8 and 1 080,8 and 1.080,8, and of 80,8; None of 1.080.80."""
    for mark, point in (("[,'\u2019_ ]", r"\."), (r"[.'\u2019_ ]", ",")):
        if re.fullmatch(rf"[+-]?(?:[0-9]{{1,9}}|[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+)(?:{point}[0-9]{{1,17}})?", mantissa):
            return re.sub(mark, "", mantissa).replace(",", ".")
    return None
