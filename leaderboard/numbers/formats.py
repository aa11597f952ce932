"""How numbers and names read on a page. Rates are stored in [0, 1]; points exist only here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from harness.scoring import MINUS, Unit, bracketed, per_cent
from harness.scoring import points as signed_points
from leaderboard.documents import clean, https_url

ABSENT = "\N{EN DASH}"
# Long enough for a signature; what is shorter by rule is capped by `shown`.
_LONGEST = 2000
# A number as it is made here, whose no-break spaces keep it on one line.
_NUMBER = re.compile(r"(?:<\u00a0)?[+\u2212]?[0-9][0-9.,]*(?:\u00a0%)?")
# The no-break spaces inside numbers of a sentence made here: 61.6 %, p = 0.014, p < 0.001.
_JOINT = re.compile(r"((?<=[0-9])\u00a0(?=%)|(?<=\bp)\u00a0(?=[=<])|(?<=[=<])\u00a0(?=[0-9]))")
_PLAIN = re.compile(r"[A-Za-z0-9 .,+%\[\]\u2212\u2013\u00a0-]*")


def printed(value: Any) -> Any:
    """The last step of every expression in a template: text loses its invisible characters, None becomes a dash.

    Numbers within it stay on one line.
    """
    if isinstance(value, Markup) or not isinstance(value, str):
        return ABSENT if value is None else value
    if _NUMBER.fullmatch(value):
        return value
    if value.isascii() or len(value) > _LONGEST:
        return clean(value, _LONGEST)
    return "".join(part if part == "\u00a0" else clean(part, _LONGEST) for part in _JOINT.split(value))


def shown(text: str, cap: int = 80) -> str:
    """Text by others for places that take plain text only (titles, labels)."""
    return clean(text, cap)


def by_others(text: str | None, cap: int = 80) -> Markup:
    """Text by others in a page: capped, escaped, and kept from turning the direction of what stands around it.

    It may break behind an underscore, where task names have their joints and no browser looks for one.
    """
    said = str(escape(clean(text or ABSENT, cap))).replace("_", "_<wbr>")
    return Markup(f"<bdi>{said}</bdi>")  # noqa: S704 - escaped above; by format() it takes ten times as long


def linked(url: str, text: str | None = None) -> Markup:
    """A link to an address an author gave; anything but plain https is shown as text."""
    try:
        address = https_url(url)
    except ValueError:
        return by_others(text or url)
    label = by_others(text or address.removeprefix("https://"), 100)
    return Markup('<a href="{}" rel="nofollow ugc noopener">{}</a>').format(address, label)


def cited(source: str, links: Mapping[str, str]) -> Markup:
    """A definition's source, with links to the works that it names."""
    text = escape(source)
    for named, address in links.items():
        text = text.replace(escape(named), Markup('<a href="{}" rel="noopener">{}</a>').format(address, named))
    return text


def points(value: float | None) -> str:
    """A change in points: +62.3, -4.0 with a real minus, 0.0."""
    return signed_points(value, ABSENT)


def points_tick(value: float) -> str:
    """A change in points on an axis: +50, 0, -25."""
    text = f"{abs(value) * 100:.3g}"
    return text if text == "0" else ("+" if value > 0 else MINUS) + text


def percent(value: float | None) -> str:
    """A rate as a percentage: 86.3 %."""
    return ABSENT if value is None else f"{per_cent(value)}\N{NO-BREAK SPACE}%"


def ratio(value: float | None) -> str:
    """A retention, balance or normalised gain, in per cent like every other rate: 87.3 %."""
    return percent(value)


def percent_tick(value: float) -> str:
    """A rate on an axis: 80 %."""
    return f"{value * 100 + 0.0:.3g}\N{NO-BREAK SPACE}%".replace("-", MINUS)


def points_ci(interval: tuple[float, float] | None) -> str:
    """An interval in points: [+58.0, +66.5]."""
    return bracketed(points, interval)


def ratio_ci(interval: tuple[float, float] | None) -> str:
    """An interval of a ratio, in per cent: [84.0, 90.1]."""
    return bracketed(per_cent, interval)


def probability(value: float) -> str:
    """A p-value: 0.031, or < 0.001."""
    return "<\N{NO-BREAK SPACE}0.001" if value < 0.001 else f"{value:.3f}"


def count(value: int) -> str:
    """A whole number as the terminal writes it: 27,360."""
    return f"{value:,}"


def number(value: float | int | None) -> str:
    """A hyper-parameter as a person would write it; None is not disclosed."""
    if value is None:
        return "not disclosed"
    if isinstance(value, int):
        return count(value)
    return _with_power(value) if 0 < abs(value) < 1e-2 else f"{value:g}"


def learning_rate(value: float | None) -> str:
    """A learning rate as papers write it, below 0.1 always with its power of ten: 1e-2, 1e-3, 2.5e-4, 0.5."""
    return _with_power(value) if value is not None and 0 < value < 0.1 else number(value)


def _with_power(value: float) -> str:
    """1e-5 and 1e-4 beside each other, where the library writes 1e-05 and 0.0001."""
    digits, _, power = f"{value:.5e}".partition("e")
    return f"{float(digits):g}e{int(power)}"


def figure(value: float | None) -> str:
    """A number of unknown size with three significant digits: 3 439, 0.64, 0.0437."""
    if value is None:
        return ABSENT
    text = count(round(value)) if abs(value) >= 100 else f"{value:.3g}"
    return text.replace("-", MINUS)


def figure_ci(interval: tuple[float, float] | None) -> str:
    return bracketed(figure, interval)


def cosine(value: float) -> str:
    """A cosine of gradients, which is small in many dimensions: +0.0031."""
    return f"{value + 0.0:+.4f}".replace("-", MINUS)


def cosine_ci(interval: tuple[float, float]) -> str:
    return bracketed(cosine, interval)


def quantity(value: float | None, unit: Unit) -> str:
    """A number in its unit, as the pages show it."""
    if value is None:
        return ABSENT
    if unit == "points":
        return points(value)
    if unit == "percent":
        return percent(value)
    if unit == "count":
        return count(int(value))
    if unit == "number":
        return figure(value)
    return probability(value) if unit == "probability" else ratio(value)


def plain(value: str) -> Markup:
    """Text that this program made of numbers alone, as it is: a million cells need no second look."""
    if not _PLAIN.fullmatch(value):
        raise ValueError(f"{value[:60]!r}: not made of numbers alone")
    return Markup(value)  # noqa: S704 - nothing that HTML reads can be in it


def markdown(text: str, cap: int = 80) -> str:
    """Text by others in Markdown: a code span, where nothing is a link, a mention, HTML or a border of a table."""
    plain = clean(text, cap).replace("|", "\N{BROKEN BAR}")
    fence = "`" * (max(map(len, re.findall("`+", plain)), default=0) + 1)
    # A blank on both sides is taken off again, and keeps the fence from joining a backtick of the text.
    return f"{fence} {plain or ABSENT} {fence}"
