"""Encode: text on a stream that cannot show all of it, such as a terminal in an 8-bit code page.

What would raise ``UnicodeEncodeError`` is written as plainly as it can be: a true minus as a hyphen, our other
characters as what stands closest, and anything else as ``?``. A stream in UTF-8 is never concerned.
"""

import codecs
from typing import IO

_NAME = "retentionbench.plain"
_CLOSEST = {
    "\N{MINUS SIGN}": "-",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MIDDLE DOT}": "-",
    "\N{BULLET}": "*",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{FULL BLOCK}": "#",
    "\N{HORIZONTAL ELLIPSIS}": ".",
    "\N{NO-BREAK SPACE}": " ",
    "\N{NARROW NO-BREAK SPACE}": " ",
    "\N{THIN SPACE}": " ",
}


def write_plainly(stream: IO[str]) -> None:
    """Let ``stream`` write what its encoding lacks as plain characters; one in memory has none and stays as it is."""
    if callable(reconfigure := getattr(stream, "reconfigure", None)):
        reconfigure(errors=_NAME)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_CLOSEST.get(char, "?") for char in lacking), error.end


codecs.register_error(_NAME, _plainly)
