"""The option that an output names, for logs of predictions that no evaluator has judged: by the letter alone."""

import re
from collections.abc import Collection

_SIGNS = re.compile(r"[.()\[\],:;!*#{}]")


def named_letter(output: str, letters: Collection[str]) -> str | None:
    """The one of ``letters`` that stands alone in ``output``; None where there is none, or several.

    >>> named_letter("The answer is (B).", "ABCD"), named_letter("A or B", "ABCD")
    ('B', None)
    """
    words = set(_SIGNS.sub(" ", output).split())
    found = [letter for letter in letters if letter in words]
    return found[0] if len(found) == 1 else None
