"""Statements: what an output states as its answer, best first. One reader for every judge.

What is read is the answer alone: without thoughts (:mod:`~harness.answers.thoughts`) and up to where it runs on
(:mod:`~harness.answers.turns`). In it a statement is a complete ``<answer>..</answer>`` ("tag"), a balanced
``\\boxed{..}`` ("boxed"), a ``#### ..`` ("hashes"), or what an announcement such as "the answer is" announces
("said"). Of one layer the later statement comes first. The order of layers is tag, boxed, hashes, said, with one
exception: without a ``####`` line, a sentence behind the last box outranks the box, which was a step on the way. What
holds nothing is no statement, and neither is an instruction that is repeated ("inside <answer> and </answer>").

Outputs are hostile text: every scan here is linear in its length, announcements are looked for in ``MAX_SAID``
characters at either end, and an answer longer than ``MAX_ANSWER`` characters counts as none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from harness.answers.announcements import announced
from harness.answers.thoughts import without_thoughts
from harness.answers.turns import first_turn

MAX_ANSWER = 1000
MAX_SAID = 16_000
# The latest so many statements of a layer are looked at.
_MOST = 8

_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE)
_ANY_TAG = re.compile(r"</?answer>", re.IGNORECASE)
_BRACE = re.compile(r"(?:\\|\x08)(?:boxed|fboxed|fbox|oxed|framebox) ?\{|\\[{}]|[{}]")
_BARE_BOX = re.compile(r"\\(?:boxed|fbox) ([0-9]+(?:\.[0-9]+)?|[A-Za-z])(?![\w{])")
_ALTERNATIVE = re.compile(
    r"[\s$]*(?:\\\)|\\\])?[\s$]*,?\s*(or|and)\s+(?:\\\(|\$)?\s*(?:([a-z])\s*=\s*)?(?:\\\(|\$)?\s*\Z"
)
_HASHES = re.compile(r"(?<!#)####(?!#)")
_ECHO = re.compile(
    r"(?:and|or|to|then|tags?|\.{2,}|…|(?:your |the |my |final |correct )*(?:answer|letter|number|result|option"
    r"|list)(?: here)?"
    r"|insert .{0,40}|[\s._*-]*)",
    re.IGNORECASE,
)
_FENCE = re.compile(r"\s*(?:`{3,}[a-z]*|~{3,}|[*_]{1,3}(?=\s)|\\\[|\$\$|[:>]|(?=\n))\s*")
# The value of a field: "B", 'B', or a number as it is.
_FIELD = re.compile(r"([\"'])([^\"\n]{1,200}?)\1(?=\s*[,}])|()(-?[0-9]{1,40}(?:\.[0-9]{1,40})?)(?=\s*(?:\}|,\s*[\"']))")
_DISPLAY_END = re.compile(r"\\\]|\$\$|`{3}")
# A mark behind a digit, a letter name or a bracket and before a sign is a factorial.
_SENTENCE_END = re.compile(
    r"[.?](?=\s|\Z|[*_\"']{1,3}(?:\s|\Z))|(?<![0-9a-z)\]}])!(?=\s|\Z)|!(?=\s+[A-Z]|\s*\Z)|[\u3002\uff01\uff1f]"
)


@dataclass(frozen=True)
class Statement:
    """What is stated, the layer that says so, and all that follows in the answer (a letter may need more than a line).

    ``sentence`` says that the answer stands in prose, which ends with a full stop and may explain itself.
    """

    layer: str
    text: str
    following: str
    start: int
    sentence: bool = False


def answer_of(output: str) -> str:
    """The answer in ``output``: without thoughts, and up to where it runs on; empty where a thought never closes."""
    spoken = without_thoughts(output)
    return "" if spoken is None else first_turn(spoken)


def statements(answer: str) -> list[Statement]:
    """The statements of ``answer``, best first, the module says how."""
    return list(stated(answer))


def stated(answer: str) -> Iterator[Statement]:
    """:func:`statements`, a layer read once it is reached: a tag, where there is one, settles nearly every answer."""
    yield from _tags(answer)
    boxes, hashes, said = _boxes(answer), _hashes(answer), _said(answer)
    if boxes and not hashes:
        boxes = sorted([*boxes, *(each for each in said if each.start > boxes[0].start)], key=_start, reverse=True)
        said = [each for each in said if each not in boxes]
    yield from [*boxes, *hashes, *said]


def tagged(text: str) -> tuple[str | None, str | None]:
    """What the last complete ``<answer>`` tag holds, and what follows an opened one that is not closed.

    A tag that repeats the instruction ("inside <answer> and </answer>") is none.
    """
    found, opened = _tag_spans(text)
    found = [span for span in found[-_MOST:] if not _ECHO.fullmatch(text[slice(*span)].strip()[:60])]
    return text[slice(*found[-1])] if found else None, None if opened is None else text[opened:]


def _start(statement: Statement) -> int:
    return statement.start


def _tag_spans(text: str) -> tuple[list[tuple[int, int]], int | None]:
    start, found = -1, []
    for tag in _TAG.finditer(text):
        if not tag.group(1):
            start = tag.end()
        elif start >= 0:
            found.append((start, tag.start()))
            start = -1
    return found, start if start >= 0 else None


def _tags(text: str) -> list[Statement]:
    spans = [span for span in reversed(_tag_spans(text)[0]) if not _is_echo(text[slice(*span)])]
    return [_marked("tag", text, start, end) for start, end in spans[:_MOST]]


def _marked(layer: str, text: str, start: int, end: int) -> Statement:
    """A statement between marks; where it holds a box or an announcement itself, that is the answer."""
    held = text[start:end]
    said, following = _held(held) if len(held) <= MAX_ANSWER else (bare(held), held)
    return Statement(layer, said, following, start)


@lru_cache(maxsize=8192)
def _held(text: str) -> tuple[str, str]:
    """What is stated between marks and all that follows; short answers are the same again and again."""
    inner = _boxes(text) or _said(text)
    return (inner[0].text, inner[0].following) if inner else (bare(text), text)


def _boxes(text: str) -> list[Statement]:
    opened: list[tuple[int, bool]] = []
    found: list[tuple[int, int]] = []
    for brace in _BRACE.finditer(text):
        kind = brace.group()
        if kind in ("\\{", "\\}"):
            continue
        if kind != "}":
            opened.append((brace.end(), kind != "{"))
        elif opened:
            start, boxed = opened.pop()
            if boxed:
                found.append((start, brace.start()))
    found += [found_bare.span(1) for found_bare in _BARE_BOX.finditer(text)]
    # Of nested boxes the inner one is the answer, so the latest start comes first, not the latest end.
    spans = [span for span in sorted(found, reverse=True) if not _is_echo(text[slice(*span)])][:_MOST]
    made = [Statement("boxed", bare(text[slice(*span)]), text[slice(*span)], span[0]) for span in spans]
    return _alternatives(text, spans, made)


def _alternatives(text: str, spans: list[tuple[int, int]], made: list[Statement]) -> list[Statement]:
    """Boxes with "or" between them, or "and" between values of one unknown, are one answer of several values."""
    for place in range(1, len(made)):
        later, earlier = spans[place - 1], spans[place]
        between = text[earlier[1] : later[0]] if later[0] - earlier[1] < 60 else ""
        joined = _ALTERNATIVE.match(between[: between.rfind("\\")].lstrip("}"))
        if joined is None or (joined[1] == "and" and joined[2] is None):
            break
        together = f"{made[place].text}, {made[0].text}"
        made[0] = Statement("boxed", together, together, spans[0][0])
    return made


def _hashes(text: str) -> list[Statement]:
    return list(_lines(text, "hashes", [found.end() for found in _HASHES.finditer(text)][-_MOST:]))


def _said(text: str) -> list[Statement]:
    if len(text) <= 2 * MAX_SAID:
        return list(_lines(text, "said", list(announced(text))))
    # Announcements are worth looking for where an answer opens and where it ends.
    cut = len(text) - MAX_SAID
    tail = [cut + place for place in announced(text[cut:])]
    return list(_lines(text, "said", [*announced(text[:MAX_SAID]), *tail]))


def _lines(text: str, layer: str, places: list[int]) -> Iterator[Statement]:
    for place in reversed(places[-4 * _MOST :]):
        # A tag that was opened or closed alone is no part of an answer.
        line, following, formula = _opening(_ANY_TAG.split(text[place : place + 2 * MAX_ANSWER], maxsplit=1)[0])
        if layer == "said" and not formula:
            line = _SENTENCE_END.split(line, maxsplit=1)[0]
        if not _is_echo(line):
            yield Statement(layer, bare(line), following, place, sentence=not formula)


def _opening(following: str) -> tuple[str, str, bool]:
    """The line, displayed formula or quoted text that opens ``following``; all that follows its marks; whether it is a
    formula, in which a mark is no end of a sentence."""
    at = 0
    while (mark := _FENCE.match(following, at)) and "\n" in mark.group():
        at = mark.end()
    marks, following = following[:at], following[at:].lstrip()
    if field := _FIELD.match(following):
        value = field[2] or field[4]
        return value, value, False
    if following.startswith(("\\[", "$$")):
        marks, following = "$$", following[2:]
    if "\\[" in marks or "$$" in marks:
        return _DISPLAY_END.split(following, maxsplit=1)[0], following, True
    return following.partition("\n")[0], following, False


def _is_echo(text: str) -> bool:
    stripped = text.strip()
    return not bare(stripped) or (len(stripped) < 60 and _ECHO.fullmatch(stripped) is not None)


def bare(text: str) -> str:
    """``text`` without the marks around it: spaces, emphasis, quotes, a stop at the end (a factorial stays)."""
    text = text.strip().strip("*`\"'“”").strip().rstrip(".,;:。").strip()
    if text[:1] == text[-1:] == "_":
        text = text.strip("_ ")
    exclaimed = text.rstrip("!")
    return text if exclaimed[-1:].isalnum() or exclaimed[-1:] in (")", "}", "]") else exclaimed.strip()
