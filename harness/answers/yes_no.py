"""Yes or no: which of the two an output says, in answer to a question that asks for one of them.

A yes or a no counts where it is the answer: stated ("The answer is yes", a tag, a box), opening it ("Yes, there is"),
or closing it ("so no."). Neither the first letters of a word ("Not sure", "None", "November") nor a part of an idiom
("no doubt", "no idea") nor both together ("yes or no") is one. To "Is there a dog?" a sentence that says so answers
too ("There is no dog"). Another word that can be read is off-list, and what stands in place of an answer is unparsed.
"""

import re
from collections.abc import Iterable

from harness.answers.extraction import Judgement, decided, off_list, unparsed
from harness.answers.options import plain
from harness.answers.readings import Readings
from harness.answers.short import says_nothing
from harness.answers.statements import answer_of, statements

OPTIONS = ("yes", "no")
_LONGEST = 4000

_YES = r"yes|yeah|yep|yup|s[íi]|oui|ja|sim|да|是的|是|对|有|はい|예|네"
_NO = r"no|nope|nah|nein|non|n[ãa]o|нет|不是|没有|否|不|いいえ|아니요|아니오"
_WORD = rf"(?P<yes>{_YES})|(?P<no>{_NO})"
# Behind a yes or no in letters no letter stands; a script without spaces goes on at once.
_AFTER = r"(?![A-Za-zÀ-ÿ'\u2019/])"
_IDIOM = (
    r"(?! (?:doubt|idea|one|problem|wonder|longer|matter|more|less|answer|information|comment|clue|way to|need)\b"
    r"|\.? ?[0-9]| ?(?:/|\||or|and|oder|ou|o) ?(?:yes|no|ja|nein|oui|non|s[íi])\b)"
)
_OPENING = re.compile(rf"[\s\"'(\[<>*_-]*(?:{_WORD}){_AFTER}{_IDIOM}", re.IGNORECASE)
_CLOSING = re.compile(
    rf"(?:\b(?:so|therefore|thus|hence|is|say|says|with|be)[,:]?|[,:=→])\s*[\"'(]?(?:{_WORD})[\"')]?\s*[.!\u3002]*\s*\Z",
    re.IGNORECASE,
)
_ALONE = re.compile(r"\s*(?:(?P<yes>yes)|(?P<no>no))\.?\s*", re.IGNORECASE)
_ASKS_PRESENCE = re.compile(r"\s*(?:is|are|was|were) there\b", re.IGNORECASE)
_ABSENT = re.compile(
    r"there (?:(?:is|are|was|were)(?:n['\u2019]t| not| no\b| never)|does not (?:seem|appear)|do not (?:seem|appear))"
    r"|i (?:do not|don['\u2019]t|cannot|can['\u2019]t) see (?:an?|any|one|two)\b",
    re.IGNORECASE,
)
_PRESENT = re.compile(r"there (?:is|are|was|were) (?:an?|one|two|some|several|many|the|indeed)\b", re.IGNORECASE)
_ANSWER = re.compile(rf"[\s\"'(*]*(?:{_WORD})[\"')*]*(?:[.,!]|\s*\Z)", re.IGNORECASE)
_OTHER_WORDS = re.compile(
    r"\b(?:not|none|nothing|note|neither|nor|never|both|either|yes|no|any|if|it|this|that|there|i)\b", re.I
)
_MOST_WORDS = 4
_SENTENCE_END = re.compile(r"(?<=[.!?\u3002])\s+|\n+")


def judge_yes_no(output: str, gold: str, question: str = "") -> Readings:
    """Judge an answer that is to be yes or no; ``gold`` is one of the two, in any case.

    ``details``: ``yes`` is 1 where the answer is yes, ``gold_yes`` where that would be right. Raises ``ValueError`` for
    another gold.
    """
    wanted = gold.strip().rstrip(".").casefold()
    if wanted not in OPTIONS:
        raise ValueError(f"gold {gold!r} is neither yes nor no")
    said, stated, layer = read_yes_no(output, question)
    if said is None:
        readable = stated is not None and layer == "other"
        content = off_list(stated) if readable else unparsed(stated)
    else:
        made = decided(said, said == wanted)
        content = Judgement(said, made.outcome, made.score, layer)
    alone = _ALONE.fullmatch(output) if len(output) <= _LONGEST else None
    form = unparsed(None) if alone is None else decided(alone[0].strip(), _named(alone) == wanted)
    return Readings(content, form, {"yes": float(said == "yes"), "gold_yes": float(wanted == "yes")})


def f1_of_yes(answers: Iterable[tuple[float, float]]) -> float:
    """F1 of yes over pairs of ``yes`` and ``gold_yes``; 0 where no yes is right. What is neither is no yes."""
    pairs = list(answers)
    hits = sum(said and due for said, due in pairs)
    return 2 * hits / (sum(said for said, _ in pairs) + sum(due for _, due in pairs)) if hits else 0.0


def share_all_right(answers: Iterable[tuple[str, float]]) -> float:
    """Of the pictures in pairs of a picture and whether an answer about it is right: the share without a wrong one."""
    right: dict[str, bool] = {}
    for picture, correct in answers:
        right[picture] = right.get(picture, True) and bool(correct)
    return sum(right.values()) / len(right) if right else 0.0


def read_yes_no(output: str, question: str = "") -> tuple[str | None, str | None, str | None]:
    """ "yes", "no" or None; what was stated; and the layer that decided ("other" for a readable answer of neither)."""
    answer = plain(answer_of(output)).strip()
    if not answer or len(answer) > _LONGEST:
        return None, None, None
    for statement in statements(answer):
        if (said := _opened(statement.text)) is not None:
            return said, statement.text, statement.layer
    for layer, found in (("start", _OPENING.match(answer)), ("end", _CLOSING.search(answer))):
        if found is not None:
            return _consistent(answer, _named(found), layer)
    if _ASKS_PRESENCE.match(question) and (said := _presence(answer)) is not None:
        return said, answer, "sentence"
    return None, answer[:200], "other" if _is_readable(answer) else None


def _is_readable(answer: str) -> bool:
    """Whether ``answer`` is a few words of another kind: an answer that was not asked for."""
    words = answer.rstrip(".!").split()
    alphabetic = all(word.strip(",'").isalpha() for word in words)
    return (
        len(answer) > 1
        and len(words) <= _MOST_WORDS
        and alphabetic
        and not says_nothing(answer)
        and _OTHER_WORDS.search(answer) is None
    )


def _opened(text: str) -> str | None:
    found = _OPENING.match(text)
    return None if found is None else _named(found)


def _named(found: re.Match[str]) -> str:
    return "yes" if found["yes"] else "no"


def _consistent(answer: str, said: str, layer: str) -> tuple[str | None, str | None, str | None]:
    """``said``, unless another sentence is or opens with the opposite answer ("No other .." does not)."""
    found = [_ANSWER.match(sentence) for sentence in _SENTENCE_END.split(answer)]
    if any(each is not None and _named(each) != said for each in found):
        return None, answer[:200], None
    return said, said, layer


def _presence(answer: str) -> str | None:
    """What a sentence says of what was asked for, where it opens the answer."""
    if _ABSENT.match(answer):
        return "no"
    return "yes" if _PRESENT.match(answer) else None
