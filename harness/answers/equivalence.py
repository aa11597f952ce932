r"""Equivalence of mathematical expressions, by math-verify: what a checker's worker runs, and nothing else imports.

math-verify parses LaTeX with a grammar (no text is ever evaluated as Python) and compares with sympy, which on hostile
input may run for ever or fill the memory: this module is for :mod:`harness.sandbox`. Its own time-outs are off, since
they use signals.
"""

import re
from functools import lru_cache
from typing import Any, Literal

from latex2sympy2_extended.sets import FiniteSet
from math_verify import LatexExtractionConfig, parse, verify
from sympy import Interval, Number, Tuple

Verdict = Literal["equal", "different", "unread"]

_CONFIG = (LatexExtractionConfig(boxed_match_priority=0),)
# Plain text for what the grammar knows as a command.
_PLAIN = (
    (re.compile(r"(?<![\\a-zA-Z])sqrt ?\(([^()]*)\)"), r"\\sqrt{\1}"),
    (re.compile(r"(?<![\\a-zA-Z])(sqrt|pi|sin|cos|tan|log|ln|infty)(?![a-zA-Z])"), r"\\\1 "),
    (re.compile(r"\u221a ?\(([^()]*)\)"), r"\\sqrt{\1}"),
    (re.compile(r"\u221a ?([0-9]+|[a-zA-Z])"), r"\\sqrt{\1}"),
    (re.compile(r"(?<![\\a-zA-Z])(?:infinity|inf|oo)(?![a-zA-Z])"), r"\\infty "),
    (re.compile(r"\*\*"), "^"),
    (re.compile(r"\*"), r"\\cdot "),
)
_SYMBOLS = str.maketrans(
    {"π": r"\pi ", "∞": r"\infty ", "×": r"\times ", "·": r"\cdot ", "÷": "/", "±": r"\pm ", "≤": r"\le ", "≥": r"\ge "}
    | {"\u222a": r"\cup ", "∈": r"\in ", "θ": r"\theta ", "−": "-", "°": r"^\circ ", "²": "^2", "³": "^3", "$": ""}
)
_BASE = re.compile(r"(?<=[0-9A-F])_\{? ?([0-9]{1,2})")


def compare(gold: str, answer: str) -> Verdict:
    """Whether two expressions in LaTeX, or in the plain text of formulas, are the same mathematical object.

    Numbers are compared to six decimals where one of them is a decimal. An ordered pair is not its set, and numerals to
    different bases differ. "unread" when ``answer`` is no expression; where ``gold`` is none, nothing is equal to it.
    """
    wanted, found = _parsed(gold), _parsed(answer)
    if not found:
        return "unread"
    if not wanted:
        return "different"
    bases = {base for base in map(_base, (gold, answer)) if base}
    if len(bases) > 1:
        return "different"
    if isinstance(wanted[0], Number) and isinstance(found[0], FiniteSet | Tuple | Interval):
        return "unread"  # Several values where one was asked for.
    if isinstance(wanted[0], Tuple | Interval) and isinstance(found[0], FiniteSet):
        # Parsed as a set, "2, 1" would equal the point (1, 2).
        if "\\{" in answer:
            return "different"
        found = _parsed(f"({answer})")
    same = verify(list(wanted), list(found), timeout_seconds=None, allow_set_relation_comp=True)
    return "equal" if same else "different"


@lru_cache(maxsize=256)
def _parsed(text: str) -> tuple[Any, ...]:
    text = text.replace("\\$", "").translate(_SYMBOLS)
    for pattern, form in _PLAIN:
        text = pattern.sub(form, text)
    return tuple(parse(f"\\boxed{{{text}}}", _CONFIG, fallback_mode="no_fallback", parsing_timeout=None))


def _base(text: str) -> str | None:
    found = _BASE.search(text)
    return found[1] if found else None
