"""Text written by others, made safe to show: plain, normalised, without invisible characters, capped.

Escaping is the template engine's work; this module removes what escaping leaves in place (text that reorders a
line, hides in a name or climbs over the lines above it).
"""

from __future__ import annotations

import unicodedata
from typing import Any

CAP = 500
_MARKS_IN_A_ROW = 3


def clean(text: str, cap: int = CAP) -> str:
    """NFC text on one line without control, format, private or unassigned characters, at most ``cap`` characters.

    White space of any kind becomes one space, and at most three combining marks stay on one letter.
    """
    # Four times the cap is ample for what is removed, and bounds the work on a text of any length.
    kept: list[str] = []
    marks = 0
    for char in unicodedata.normalize("NFC", text[: 4 * cap]):
        category = unicodedata.category(char)
        if char.isspace() or category in ("Zl", "Zp"):
            kept.append(" ")
            continue
        if category.startswith("C"):
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= _MARKS_IN_A_ROW:
            kept.append(char)
    line = " ".join("".join(kept).split())
    return line if len(line) <= cap else line[: cap - 1].rstrip() + "…"


def clean_document(value: Any) -> Any:
    """A JSON-like document with every text in it, keys included, passed through :func:`clean`."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): clean_document(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [clean_document(entry) for entry in value]
    return value


def spreadsheet_cell(value: str | float | int | None) -> str:
    """A CSV cell that no spreadsheet runs as a formula: text that starts like one gets a leading apostrophe.

    Numbers are written as they are (a negative number is no formula), absent ones as an empty cell.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return repr(value)
    line = clean(value)
    # NFKC first: spreadsheets read a full-width equals sign as a plain one.
    return "'" + line if unicodedata.normalize("NFKC", line).startswith(("=", "+", "-", "@")) else line
