"""Options: which of the given options a piece of text names. The one reader of letters and of option texts.

A text names an option by its label (B, (b), "option B", 2 where no option is a number), by its text, or by both. One
rule holds wherever a label stands beside a text, whatever words stand before it: **a label beside the text of another
option names nothing**, since a reader cannot tell which of the two was meant ("A. no" where A is yes). A label or a
text that is denied ("A is incorrect", "not B") names nothing, and neither do several labels ("A or B"). A label that
no option has names nothing; another text is **off-list**: it can be read, and is none of the options.
"""

import re
import string
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from harness.answers.extraction import DASHES, WRAPPED_TEXT, normal
from harness.answers.numbers import read_numeral

LETTERS = string.ascii_uppercase

Named = int | Literal["off-list", "several", "denied", "conflict"] | None

_EMPHASIS = str.maketrans("\uff08\uff09【】「」", "()[]()", "*`_#$")
_LONGEST_LABEL = 24
_LONGEST_OFF_LIST = 60
# Options of a suite are read once for each model that answers them.
_KEPT = 8192
_NOUN = (
    r"(?:(?:the )?(?:option|choice|letter|alternative|answer|opción|opção|alternativa|letra|buchstabe|lettera"
    r"|选项|選項)s?:? ?)"
)
_LABEL = re.compile(rf"{_NOUN}?[(\[{{<]{{0,2}}([a-z]|[0-9]{{1,2}})[)\]}}>]{{0,2}}[.):。]?", re.IGNORECASE)
# A letter, what closes it, and what stands behind. Without a closing mark a word behind it would make the article of
# "A plant needs light" an answer, so that A and I need more than a space.
_OPENING = re.compile(
    rf"{_NOUN}?(?:[(\[]([A-Z])[)\]][.:,]?|([A-Z])(?:[).:\]]+(?=\s|\Z|[^\w\s])|[.):](?=\S)|(?=\s*(?:\Z|\n|,|;|[-–—=] "
    rf"|\(|\"))|"
    rf"(?= ?[\u3000-\u9fff\uac00-\ud7af\uff00-\uff60])|(?= (?:because|since)\b)|(?= is (?:the )?(?:correct|right"
    rf"|best)\b)))",
)
# Behind an announcement more may follow a letter; of A and I, which are words, not everything.
_BARE_OPENING = re.compile(
    rf"{_NOUN}?([A-Z])(?= (?:because|since|as|for|which|that|where|with|due|is|was|would|so|and|or|if)\b"
    rf"|(?<![AI]) [a-z(])"
)
_SPACED_TEXT = re.compile(rf"{_NOUN}?([A-Z])[ ]+(?=\S)")
_SEVERAL = re.compile(
    r"[\s,]*(?:,|/|&|\b(?:and|or|und|oder|y|o|et|ou|or maybe|or possibly)\b)[ ,]*(?:either |option "
    r"|choice )?\(?([A-Z])\)?(?![\w'])"
)
# "is wrong" in other languages, behind a letter.
DENIED_ABROAD = (
    r"(?:选项|選項)?(?:是|为|為)?(?:不正[确確]|不[对對]|[错錯]|不是|不符)|は?(?:誤り|間違|正しくな)"
    r"|ist (?:nicht|falsch)|(?:est|es|é|está|è) (?:incorre|fals|fauss|errad|sbagliat)|n'est pas|no es|não é|non è"
)
_DENIED = re.compile(
    rf"[\s\-–—:,]*(?:{DENIED_ABROAD}|"
    r"\(?(?:(?:this|that|it|which)(?: option| one| choice)? )?(?:(?:is|was|are|would be|seems"
    r"|looks)(?: \w+ly)? )?"
    r"(?:not |n't |never |un)?(?:incorrect|wrong|false|not (?:correct|right|true|the)|isn't|wasn't|ruled out"
    r"|eliminated"
    r"|excluded|impossible|out\b|untrue|inaccurate)|✗|❌|✘|cannot be|can't be|can be (?:ruled|excluded|eliminated))",
    re.IGNORECASE,
)
_SAYS_DENIED = re.compile(
    r"(?:[.!]\s+|\s*[-–—(]\s*)(?:this|that|it|which)? ?(?:is |was )?(?:incorrect|wrong|false|not (?:correct|right"
    r"|true))\b",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"\A[)\]]?[.:,]?(?:[ \t]+|\Z)")
_CLAUSE_END = re.compile(r"[.,;:!?](?=\s|\Z)|\n| [-–—] | \(| is (?:the )?(?:correct|right|best)\b")
_LABEL_BEHIND = re.compile(r"[ ,]*[(\[]([A-Z])[)\]]")
_VERDICT = re.compile(r"(?:\w+ly |also |indeed )?(?:correct|right|wrong|incorrect|true|false)\W*", re.IGNORECASE)
_LEAD = re.compile(
    r"(?:that|(?:in|on|at)(?: the)?|likely|probably|most likely|clearly|definitely|simply|indeed|:)\s+", re.IGNORECASE
)
# What is said in place of an answer.
_NO_ANSWER = re.compile(
    r"\b(?:unclear|unknown|uncertain|unsure|undetermined|ambiguous|impossible|none|neither|no(?:t|ne|thing)?|cannot"
    r"|can't|n't"
    r"|depends|debatable|any|all|both|either|maybe|consistent|given|based|provided|here"
    r"|above|below|following|is|are|answer|question|unable|sorry|i|we|you|it|this|that|these|there|if)\b",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """``text`` without the marks of emphasis and of formulas, and with one kind of dash."""
    text = WRAPPED_TEXT.sub(r"\1", text)
    return text.translate(_EMPHASIS).replace("\\(", "").replace("\\)", "").strip()


def named(text: str, following: str, options: Sequence[str]) -> Named:
    """The option that a statement names: its place, or why it names none; None where it is no answer at all.

    ``text`` is the statement, ``following`` all that stands there, in which the text of an option may go on.
    """
    text, following = plain(text), plain(following)
    if (place := label_of(text, options)) is not None:
        rest = following[len(text) :] if following.startswith(text) else ""
        return _beside(place, _CLOSING.sub("", rest), options)
    if (place := text_of(text, options)) is not None:
        opening = texted(following, options)
        return opening if opening in ("denied", "conflict") else place
    by_letter = lettered(following, options, announced=True)
    return _worded(text, following, options) if by_letter is None else by_letter


def lettered(text: str, options: Sequence[str], *, announced: bool = False) -> Named:
    """The option whose letter opens ``text``, unless something beside it speaks against it; None for no letter."""
    found = _OPENING.match(text) or (_BARE_OPENING.match(text) if announced else None)
    if found is None:
        found = _SPACED_TEXT.match(text)
        place = None if found is None else _place(found.group(1), options)
        if found is None or place is None:
            return None
        beside = _text_at(text[found.end() :], options)
        return None if beside is None else place if beside == place else "conflict"
    place = _place(next(filter(None, found.groups())), options)
    return None if place is None else _beside(place, text[found.end() :].lstrip(" \t"), options)


def _beside(place: int, rest: str, options: Sequence[str]) -> Named:
    """``place``, or what speaks against it in what stands beside its label."""
    inner = rest[1:] if rest[:1] in ("(", "[", '"') else rest
    for written in (rest, inner):
        own = _starts_with(written, place, options)
        if own is not None:
            return "denied" if _SAYS_DENIED.match(written[own:]) or _DENIED.match(written[own:]) else place
    if (several := _SEVERAL.match(rest)) and _place(several.group(1), options) not in (None, place):
        return "several"
    if _DENIED.match(rest):
        return "denied"
    other = _text_at(rest, options)
    if other is None:
        other = _text_at(re.sub(r"\A(?:[-–—,=] ?|\()", "", rest), options)
    return place if other in (None, place) else "conflict"


def label_of(text: str, options: Sequence[str]) -> int | None:
    """The option whose label is all that ``text`` says: B, (b), "Option B", or 2 where no option is a number."""
    found = _LABEL.fullmatch(text.strip().rstrip(".。!")) if len(text) <= _LONGEST_LABEL else None
    if found is None:
        return None
    name = found.group(1)
    if not name.isdigit():
        return _place(name.upper(), options)
    place = int(name) - 1
    return place if 0 <= place < len(options) and not _numeric(tuple(options)) else None


def is_label(text: str) -> bool:
    """Whether ``text`` looks like a label, of whatever option."""
    return len(text) <= _LONGEST_LABEL and _LABEL.fullmatch(plain(text).rstrip(".。!")) is not None


def opening_label(text: str) -> str | None:
    """The letter of the label that ``text`` is or begins with, of whatever option: B of "(b)" and of "B. yes"."""
    text = plain(text)
    whole = _LABEL.fullmatch(text.rstrip(".。!")) if len(text) <= _LONGEST_LABEL else None
    found = whole or _OPENING.match(text)
    return None if found is None else next(filter(None, found.groups())).upper()


def text_of(text: str, options: Sequence[str]) -> int | None:
    """The one option whose text ``text`` is: exactly, or else but for case, width, spaces, dashes and articles."""
    for form, table in ((_spaced, _tables(tuple(options))[0]), (normal, _tables(tuple(options))[1])):
        wanted = form(text) if len(text) <= 4000 else ""
        places = table.get(wanted, ()) if wanted else ()
        if places:
            return places[0] if len(places) == 1 else None
    return None


def off_list(text: str, options: Sequence[str]) -> bool:
    """Whether ``text`` is an answer of the options' own kind, and so one that was not offered.

    A number where an option is one (and not one that may be meant as a label); else words, about as many as the
    options have, none of which stands in place of an answer ("unclear", "none of them").
    """
    text = plain(text)
    if len(text) > _LONGEST_OFF_LIST:
        return False
    if read_numeral(text) is not None:
        return _numeric(tuple(options)) and text not in map(str, range(1, len(options) + 1))
    words = text.split()
    lengths = [len(option.split()) for option in options]
    if is_label(text) or not min(lengths) - 1 <= len(words) <= max(lengths) + 1:
        return False
    return (
        all(len(word) > 1 and word[0].isalpha() for word in words)
        and bool(words)
        and not (_NO_ANSWER.search(text) or _VERDICT.fullmatch(text))
    )


def _worded(text: str, following: str, options: Sequence[str]) -> Named:
    """The option whose text opens a statement and is closed by a mark: "London, the capital of the UK"."""
    lead = _LEAD.match(text)
    if (opening := texted(following[lead.end() if lead else 0 :], options)) is not None:
        return opening
    clause = _CLAUSE_END.split(text, maxsplit=1)[0]
    return "off-list" if off_list(text, options) or (clause != text and off_list(clause, options)) else None


def texted(text: str, options: Sequence[str]) -> Named:
    """The option whose text opens ``text``, unless a label behind it is another's or it is denied."""
    place = _text_at(text, options)
    if place is None:
        return None
    rest = text[_starts_with(text, place, options) or 0 :]
    label = _LABEL_BEHIND.match(rest)
    if label and _place(label.group(1), options) not in (None, place):
        return "conflict"
    return "denied" if _SAYS_DENIED.match(rest) or _DENIED.match(rest) else place


def _text_at(text: str, options: Sequence[str]) -> int | None:
    """The one option whose text stands at the start of ``text``, whole: the longest of them."""
    found = [(end, place) for place in range(len(options)) if (end := _starts_with(text, place, options)) is not None]
    return max(found)[1] if found else None


def _starts_with(text: str, place: int, options: Sequence[str]) -> int | None:
    """Where the text of an option ends that ``text`` starts with, up to a mark or the end; None where it does not."""
    for length, wanted in _forms(options[place]):
        if text[:length].casefold().translate(DASHES) == wanted:
            rest = text[length:]
            if not rest or (rest[0] in ".,;:!?)]\n\"'。" and not rest[1:2].isdigit()) or _CLAUSE_END.match(rest):
                return length
    return None


@lru_cache(maxsize=_KEPT)
def _forms(option: str) -> tuple[tuple[int, str], ...]:
    """The texts that an option may be given as, folded, each with its length before."""
    forms = [wanted for form in (option.strip(), plain(option)) for wanted in (form, form.rstrip(".")) if wanted]
    return tuple((len(form), form.casefold().translate(DASHES)) for form in dict.fromkeys(forms))


def _place(letter: str, options: Sequence[str]) -> int | None:
    place = LETTERS.find(letter)
    return place if 0 <= place < len(options) else None


def _spaced(text: str) -> str:
    return " ".join(text.split()).rstrip(".").translate(DASHES)


@lru_cache(maxsize=_KEPT)
def _numeric(options: tuple[str, ...]) -> bool:
    return any(read_numeral(option) is not None for option in options)


@lru_cache(maxsize=_KEPT)
def _tables(options: tuple[str, ...]) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Places by their texts, as they are and unified."""
    exact: dict[str, tuple[int, ...]] = {}
    unified: dict[str, tuple[int, ...]] = {}
    for place, option in enumerate(options):
        for table, key in ((exact, _spaced(plain(option))), (unified, normal(plain(option)))):
            table[key] = (*table.get(key, ()), place)
    return exact, unified
