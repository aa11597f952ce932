"""Scripts: one file of all, without what only their readers need: comments, indentation and blanks between tokens."""

from __future__ import annotations

import re

# Text in quotes stays as it is; a line's end stays, as it may end a statement.
_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|(?P<comment>//[^\n]*)|(?P<end>\s*\n\s*)|"""
    r"""(?P<blank>[ \t]+)"""
)
_WORD = re.compile(r"[\w$#]")


def squeezed(source: str) -> str:
    """``source`` with the same tokens on the same lines, and nothing else.

    Regular expressions with quotes, blanks or ``//`` in them are not known here: write them as text.
    """
    kept: list[str] = []
    done = 0
    for token in _TOKEN.finditer(source):
        kept.append(source[done : token.start()])
        done = token.end()
        if token["text"]:
            kept.append(token["text"])
        elif token["end"]:
            kept.append("\n")
        elif token["blank"] and _needed("".join(kept[-2:])[-1:], source[done : done + 1]):
            kept.append(" ")
    kept.append(source[done:])
    lines = (line for line in "".join(kept).split("\n") if line)
    return "\n".join(lines) + "\n"


def _needed(before: str, after: str) -> bool:
    """Whether two tokens would become one without a blank: two words, or two signs such as ``+ +``."""
    if _WORD.match(before) and _WORD.match(after):
        return True
    return before == after and before in "+-" and before != ""
