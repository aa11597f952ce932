"""Spelling: a text that quotes numbers with what only dresses them taken away, so that they can be read.

TeX, HTML, digits of other scripts, a dozen kinds of minus and characters that nobody sees can each make a number look
like another one than its ASCII digits say.
"""

from __future__ import annotations

import html
import re
import unicodedata

# What TeX writes for a character of a cell id, a signature or a number.
_UNTEX = {r"\textbar{}": "|", r"\textasciitilde{}": "~", "{@}": "@", r"\#": "#", r"\_": "_", r"\%": "%"}
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
# A command's name before its argument, spaces that are not typed as such, and the braces themselves.
_TEX = re.compile(r"\\[A-Za-z]{1,20} ?(?=\{)|\\[,;:!]|[{}]")
# A dash between words, which is no minus, and what begins an item of a list or a quoted line.
_DASH = re.compile(r"(?<=\s)(?:[\u2013-\u2015]|-{2,3})(?=\s)")
_BULLET = re.compile(r"^[ \t]*(?:> ?(?![+-]?[0-9]))*(?:[-*+\u2022] )?", re.MULTILINE)
_MINUS = re.compile("[\N{MINUS SIGN}\N{HEAVY MINUS SIGN}\u02d7]")


def undressed(text: str) -> str:
    """``text`` on one line without markup, marks on letters and unseen characters, its digits and signs in ASCII."""
    text = _DASH.sub(",", _BULLET.sub("", html.unescape(text)))
    for written, meant in _UNTEX.items():
        text = text.replace(written, meant)
    text = _TEX.sub("", _TAG.sub("", text))
    if not text.isascii():
        text = "".join(map(_plain, unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", text))))
    return " ".join(text.split())


def _plain(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Pd" or _MINUS.match(char):
        return "-"
    return "" if category in ("Mn", "Me", "Cf") else char
