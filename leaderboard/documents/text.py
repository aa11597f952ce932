"""Sanitising text by others for display: one line, normalised, without invisible characters, capped.

Escaping is done by the template engine; this module removes what escaping leaves in place (characters that reorder or
overprint text, hide in a name or imitate another one) and what spreadsheets would run as formulas.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

CAP = 500
_MARKS_IN_A_ROW = 3
# Scripts that are commonly mixed with Latin letters; mixing others in a word is deceptive.
_WITH_LATIN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})
# Cyrillic and Greek letters that look like Latin ones (a part of Unicode's confusables.txt).
_LATIN_LOOKALIKES = frozenset(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u04cf\u0475"
    "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u04ae\u050c"
    "\u03bf\u03bd\u03c1\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
)
# What is drawn as nothing although it is a letter or a mark: Unicode's default-ignorable code points beside the control
# and format characters, the blank Braille pattern, and signs that only stand for something or join what is around them.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u2d7f\u3164\ufe00-\ufe0f\uffa0\ufffc"
    "\U00016fe4\U0001d159\U000e0000-\U000e0fff]"
)
# Characters that are far wider than any letter, and are no composition of others.
_WIDEST = {"\ufdfd": 16, "\u2e3a": 2, "\u2e3b": 3}
# Where a spreadsheet may see a formula: at the start of a cell, and after the sign at which it splits a line in half of
# the world, whatever the quotes around it. Full-width and other forms of = + - @ are read as plain ones.
_FORMULA = re.compile(r"(\A|;\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a\u208a])")


def clean(text: str, cap: int = CAP) -> str:
    """NFC text on one line without control, format, private, unassigned or unseen characters, at most ``cap`` columns
    wide (:func:`columns`).

    White space of any kind becomes one space, and at most three combining marks stay on one letter.
    """
    # Most text is plain already, and a board has a million of it.
    if len(text) <= cap and text.isascii() and text.isprintable() and "  " not in text and text == text.strip():
        return text
    # Four times the cap is ample for what is removed, and bounds the work on a text of any length.
    kept: list[str] = []
    marks = 0
    for char in _UNSEEN.sub("", unicodedata.normalize("NFC", text[: 4 * cap])):
        category = unicodedata.category(char)
        if char.isspace() or category in ("Zl", "Zp"):
            kept.append(" ")
            continue
        if category.startswith("C"):
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= _MARKS_IN_A_ROW:
            kept.append(char)
    return _cut(" ".join("".join(kept).split()), cap)


def columns(text: str) -> int:
    """How many columns of a line ``text`` takes, a Latin letter one: ideographs and emoji two, marks on a letter none,
    ligatures of whole sentences as many as their words would."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _cut(line: str, most: int) -> str:
    """``line``, or its beginning with an ellipsis, in ``most`` columns; a mark stays with its letter."""
    if columns(line) <= most:
        return line
    taken = 0
    for place, char in enumerate(line):
        if (taken := taken + _columns(char)) > most - 1:
            return line[:place].rstrip() + "…"
    return line


@cache
def _columns(char: str) -> int:
    category = unicodedata.category(char)
    if category in ("Mn", "Me", "Cf"):
        return 0
    if char in _WIDEST:
        return _WIDEST[char]
    if "\U00012000" <= char <= "\U0001254f":  # Cuneiform: signs as wide as words.
        return 4
    wide = 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return max(wide, len(unicodedata.normalize("NFKC", char))) if category.startswith("L") else wide


def clean_document(value: Any) -> Any:
    """A JSON-like document with every text in it, keys included, passed through :func:`clean`."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {_clean_key(str(key)): clean_document(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [clean_document(entry) for entry in value]
    return value


# Names of fields, of which there are few, stand in every document.
_clean_key = lru_cache(maxsize=1024)(clean)


def deceptive(name: str) -> str | None:
    """Why ``name`` may be mistaken for another, or None: invisible characters, or letters that look like others."""
    if name != clean(name, columns(name) + 1):
        return "has invisible characters, or spaces at its ends"
    if unicodedata.normalize("NFKC", name) != name:
        return "has characters that are variants of plain ones"
    for word in re.findall(r"[^\W\d_]+", name):
        scripts = {unicodedata.name(letter, "?").split()[0] for letter in word if letter.isalpha()}
        if len(scripts - _WITH_LATIN) > 1 or (scripts & _WITH_LATIN and scripts - _WITH_LATIN - {"LATIN"}):
            return "has letters of several scripts in one word"
        if _LATIN_LOOKALIKES.issuperset(word):
            return "has a word of letters that look like Latin ones"
    return None


def spreadsheet_cell(value: str | float | int | None) -> str:
    """A CSV cell that no spreadsheet runs as a formula: what starts like one gets a leading apostrophe.

    Numbers are written as they are (a negative number is not a formula), missing ones as an empty cell.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return repr(value)
    return _FORMULA.sub(r"\1'", clean(value))
