"""Contained strings: whether a short answer has the text in it that was to be read off a picture.

The text must stand there as a whole, not within a longer word or number (7 is not in 17), and the answer may be only
so much longer, so that to list everything is no answer. Formulas are compared without their spaces.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from harness.answers.extraction import Judgement, decided, unparsed
from harness.answers.readings import Readings
from harness.answers.short import in_form, read_short, says_nothing
from harness.answers.statements import answer_of, statements

# Letters that an answer may have beside the text.
ROOM = 100
_LONGEST_SHARE = 3


def judge_contained(output: str, golds: Sequence[str], *, formula: bool = False) -> Readings:
    """Judge an answer by whether it contains one of ``golds``. One that is longer than the longest of them by more
    than ``ROOM`` letters, and more than ``_LONGEST_SHARE`` times as long, is unparsed."""
    text, layer = _answer(output)
    content = _judge(text, golds, formula)
    content = replace(content, layer=layer) if content.extracted is not None and layer else content
    return Readings(content, in_form(content, read_short(output)))


def contains(text: str, gold: str, *, formula: bool = False) -> bool:
    """Whether ``gold`` stands in ``text`` as a whole."""
    if formula:
        return bool(wanted := "".join(gold.split())) and wanted in "".join(text.split()).replace("$", "")
    wanted, within = _normal(gold), _normal(text)
    before = r"(?<!\w)(?<![0-9][.,])" if wanted[:1].isalnum() else ""
    after = r"(?!\w)(?![.,][0-9])" if wanted[-1:].isalnum() else ""
    return bool(wanted) and re.search(f"{before}{re.escape(wanted)}{after}", within) is not None


def _answer(output: str) -> tuple[str, str | None]:
    answer = answer_of(output).strip()
    made = statements(answer)
    return (made[0].text, made[0].layer) if made else (answer, "text" if answer else None)


def _judge(text: str, golds: Sequence[str], formula: bool) -> Judgement:
    longest = max(map(len, golds), default=0)
    if not text or len(text) > max(longest + ROOM, _LONGEST_SHARE * longest):
        return unparsed(text[:ROOM] or None)
    if any(contains(text, gold, formula=formula) for gold in golds):
        return decided(text, True)
    return unparsed(text) if says_nothing(text) else decided(text, False)


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
