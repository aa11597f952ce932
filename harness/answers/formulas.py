r"""Formulas: what of a stated answer is the formula, without the words around it, and how it is spelt.

"The polynomial 4x + 1, where x is real" states 4x + 1, "2\sqrt{5} metres" 2\sqrt{5}, and "x = 3 or x = -5" a list.
Only words are taken away here, never a part of a formula.
"""

import re

from harness.answers.notation import one_spelling

_COMMAND = re.compile(r"\\(?:begin|end) ?\{[a-z]*\}|\\[a-zA-Z]+")
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
        "theta",
        "alpha",
        "beta",
        "arcsin",
        "arccos",
        "arctan",
    ]
)
_SHORT_WORDS = frozenset(
    ["and", "or", "the", "is", "are", "not", "no", "of", "it", "an", "to", "in", "if", "at", "by", "as"]
)
_FONT = re.compile(r"\\(?:text(?:bf|it|rm)?|math(?:rm|bf|it)|mbox) ?\{([^{}]*)\}")
_LOOSE = re.compile(r"\\(?:left|right|displaystyle|[,;:! ])|~|\s|\$|(?<=\\)[dt](?=frac)")
_EMPTY = re.compile(r"\\(?:emptyset|varnothing|O)(?![a-zA-Z])|\\\{\s*\\\}|\A\s*(?:the )?empty set\s*\Z")

_LEAD = re.compile(
    r"\A(?:(?:the|an?(?=\s+[a-z]{4})|both|either|all|simply|just|exactly|polynomial|expression|function|value|values"
    r"|number|numbers"
    r"|set|sets"
    r"|interval|point|points|ordered|pair|triple|equation|line|matrix|vector|fraction|mixed|product|sum|solution"
    r"|solutions"
    r"|root|roots|area|volume|ratio|of|is|are|given|by|equal|equals|to|real|complex|coordinates|matrices"
    r"|answer)\s+)+(?=\S)",
    re.IGNORECASE,
)
_TRAIL = re.compile(
    r",?\s+(?:where|for all|for any|for every|for each|for some|for which|such that|with|when|whenever|assuming"
    r"|in all"
    r"|in total|altogether)\b.*\Z",
    re.IGNORECASE | re.DOTALL,
)
_EXPLAINED = re.compile(r",? (?:because|since|as|so|which|not|rather than)\b.*\Z", re.IGNORECASE | re.DOTALL)
_UNIT_WORD = (
    r"(?:square|cubic|sq\.?|cu\.?|units?|met(?:er|re)s?|feet|foot|ft|inch(?:es)?|in\.|yards?|miles?|cm|mm|km|kg"
    r"|cent(?:imet(?:er|re))?s?"
    r"|degrees?|radians?|dollars?|seconds?|minutes?|hours?|days?|weeks?|months?|years?|per|percent|miles|mph|people"
    r"|ways?|cubed|squared)"
)
_UNITS = re.compile(rf"(?<=[^a-zA-Z\s])\s*(?:(?<![\\a-zA-Z]){_UNIT_WORD}(?:\^?\{{?[23]\}}?)?[\s.]*)+\Z", re.IGNORECASE)
_TEXT_UNIT = re.compile(r"\s*\\(?:text|mbox|mathrm) ?\{[ ~]*[a-zA-Z .]{1,30}\}(?:\^\{?[23]\}?)?[\s.$]*\Z")
_JOINED = re.compile(r"(?:,\s*|\s+)(?:or|and)\s+")
_CONJUNCTION = re.compile(r",?\s*\\text ?\{ ?,? ?(?:or|and) ?\}")
_CHOOSE = (
    (re.compile(r"(?:\{\}\s*)?_\{?\s*([0-9a-z]+)\s*\}?\s*C\s*_\{?\s*([0-9a-z]+)\s*\}?"), r"\\binom{\1}{\2}"),
    (re.compile(r"(?<![a-zA-Z])C\(\s*([0-9]+)\s*,\s*([0-9]+)\s*\)"), r"\\binom{\1}{\2}"),
    (re.compile(r"([0-9]+) choose ([0-9]+)"), r"\\binom{\1}{\2}"),
)
_TO = re.compile(r"(?<=[0-9]) to (?=[0-9])")


def spelt(text: str) -> str:
    r"""A formula without what its spelling leaves free: spaces, ``\left``, ``\right``, dollars, ``\dfrac``, fonts."""
    return _LOOSE.sub("", _EMPTY.sub("∅", one_spelling(text))).rstrip(".")


def conjoined(text: str) -> str:
    r"""``text`` with a comma for ``\text{ and }`` and ``\text{ or }``."""
    return _CONJUNCTION.sub(", ", text)


def formula(stated: str, gold: str, *, sentence: bool = False) -> str:
    """The formula that ``stated`` gives, without the words around it that ``gold`` has not.

    In a sentence an explanation may follow it.
    """
    text = unexplained(stated) if sentence else stated
    known = {word.lower() for word in _WORD.findall(gold)}
    if not known - _FORMULA_WORDS:
        text = _TEXT_UNIT.sub("", text)
    text = one_spelling(text).strip().strip("$").strip()
    text = _TRAIL.sub("", text) if not known & {"where", "for", "with"} else text
    text = _UNITS.sub("", _LEAD.sub("", text))
    for written, form in _CHOOSE:
        text = written.sub(form, text)
    if ":" in gold:
        text = _TO.sub(":", text)
    return _JOINED.sub(", ", text).replace("$", "").replace("\\(", "").replace("\\)", "").strip(" .")


def unexplained(stated: str) -> str:
    """What a sentence states, without the explanation that follows it."""
    return _EXPLAINED.sub("", stated)


def is_words(gold: str) -> bool:
    """Whether a gold answer is a name, a date, a letter of an option: words without a formula."""
    text = _COMMAND.sub(" ", _FONT.sub(r" \1 ", gold))
    wrapped = gold.strip().startswith(("\\text", "\\mbox", "\\mathrm", "\\mathbf"))
    words = {word.lower() for word in _WORD.findall(text)} - _FORMULA_WORDS
    return (
        (wrapped or bool(words))
        and not re.search(r"[=^+*/<>|_{}\[\]]", text)
        and not _COMMAND.search(_FONT.sub("", gold))
    )


def is_prose(stated: str, gold: str) -> bool:
    """Whether words stand in an answer that neither formulas are made of nor the gold answer holds.

    Two or three letters may be a product of variables.
    """
    known = _FORMULA_WORDS | set(_lower_words(gold))
    return any(word not in known and (len(word) > 3 or word in _SHORT_WORDS) for word in _lower_words(stated))


def _lower_words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(_COMMAND.sub(" ", text))]
