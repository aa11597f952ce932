"""Letters: which option an output names in answer to a question whose options are lettered.

In this order, and the first that names one option decides:

1. the output is nothing but a label ("letter");
2. a statement (:mod:`~harness.answers.statements`) names one: "tag", "boxed", "hashes", "said", or a sentence ("said")
   whose subject or object is the letter ("B is correct", "I choose B", "that leaves B"), the last of them counts;
3. a letter opens the answer ("start") or closes it ("end");
4. the answer, its first or last line, its first clause or what a sentence says at its end is the text of one option
   ("text");
5. one option alone is mentioned as "(B)" or "option B", and not denied ("mention").

A statement that names several options, denies one, or puts a letter beside another option's text is final. One that
names none lets the search go on; if it was a readable answer and nothing else is found, the answer is off-list. "A:" is
a heading, and of an enumeration ("I. .. II. ..", "(A) .. (B) ..") no label is a choice.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from harness.answers.options import DENIED_ABROAD, LETTERS, Named, label_of, lettered, named, plain, text_of, texted
from harness.answers.statements import Statement, answer_of, statements

MAX_HEAD = 2500
MAX_TAIL = 5000
# An answer that mentions labels more often than this weighs options, and names none by a mention.
_MOST_MENTIONS = 30
_THOUGHT_ENDS = ("</think>", "</thinking>", "[/THINK]", "</reasoning>", "</thought>", "<|end_of_thought|>", "◁/think▷")

_HEADING = re.compile(r"\s*A:\s*(?=\S)")
_TEXT_FIRST = re.compile(r"[^\n]{1,400}?(?: ?[(\[][A-Z][)\]]| is (?:the )?(?:correct|right|best)\b)")
_SUBJECT = re.compile(
    r"(?:^|(?<=[\s(\"]))\(?([A-Z])\)?(?: ?\([^()\n]{1,80}\)|[.)] [^.\n]{1,80}?)? (?:is|must be|should be|would be"
    r"|has to be|seems|looks)"
    r" (?:\w+ly |therefore |thus |then )?(?:the )?(?:only |most )?(?:correct|right|best|true|answer|appropriate"
    r"|accurate|likely)\b"
    r"|(?:^|(?<=[\s(]))\(?([A-Z])\)? (?:(?:ist|est|es|é|è)(?: die| la| le| a| il)? )?(?:richtig|korrekt|correct[ae]"
    r"|corrett?[ao]|juste|exacte)\b"
    r"|([A-Z])\)?(?:选项|選項)?(?:是|が|为|為)?(?:正确|正確|正解|正しい|对的)"
)
_OBJECT = re.compile(
    r"(?:\bI(?:'d| would| will|'ll|'m| am)?(?: \w+ly)? (?:choose|chose|pick|picked|select|selected|guess"
    r"|go(?:ing)? (?:with|for)|went with|say|opt for"
    r"|vote for|answer)|\b[Ii]t(?:'s| is| must be| has to be| would be| should be)|\b[Tt]h(?:at"
    r"|is) leaves(?: us with)?|\b[Ll]eaving(?: only)?"
    r"|\b[Mm]ust be|\b[Gg]o with|\b[Cc]hoose|\b[Ss]elect|\b[Cc]orresponds to|\b[Mm]atches|\b[Hh]ence|\b[Tt]hus"
    r"|\b[Tt]herefore|\b[Ss]o"
    r"|[Ww]e (?:choose|pick|select|get))"
    r"(?: option| choice| letter| answer|,| it is| it's| only)* \(?(?=[A-Z](?:[).,;:!]|\s*\Z|\n| \(| because\b"
    r"| since\b| as\b))"
)
_END = re.compile(
    r"(?:^|[:=→]|\b(?:[Oo]ption|[Cc]hoice|[Ll]etter|[Aa]nswer|is|be|so|So|therefore|Therefore|thus|Thus|hence|Hence"
    r"|leaves|选|是|为)[,:]?)"
    r"[ \t]?[(\[]?([A-Z])[)\]]?[.!\u3002]?$"
)
# A letter in brackets is a mention behind a mark or one of these words; behind a noun it is the sign of that noun.
_MENTION = re.compile(
    r"(?:^|[.,;:!?(]\s*|(?<=\s)|\b(?:as|so|is|are|be|therefore|thus|hence|option|choice|answer|select|choose|pick"
    r"|with|for|and|or"
    r"|not|only|by|like|in|to|from|than|of|because|since|that|both|but) )\(([A-Z])\)(?![\w(\[])"
    r"|\b[Oo]ption \(?([A-Z])\b(?!['\u2019\w])"
    r"|\b[Cc]hoice \(?([A-Z])\b(?!['\u2019\w])",
    re.MULTILINE,
)
_NOUN_BEFORE = re.compile(
    r"\b(?!(?:as|so|is|are|be|therefore|thus|hence|options?|choices?|answers?|select|choose|pick|with|for|and|or|not"
    r"|only|by|like"
    r"|in|to|from|than|of|because|since|that|both|but|was|take|say|says|it|leaves|out|eliminate|exclude"
    r"|reject)\b)\w{2,} \Z"
)
_DENIED_BEFORE = re.compile(
    r"(?:\bnot|n't|\bnever|\brul(?:e|es|ed|ing) out|\beliminat\w+|\bexclud\w+|\breject\w*|\bexcept|\bneither|\bnor"
    r"|\bunlike|\brather than"
    r"|\binstead of|\bunlikely|(?<!\bno )\bdoubt|\bwrong|\bincorrect|\bdiscard\w*|\bdismiss\w*|\bcannot be|\bout)"
    r"(?: (?:the|be|is|with|to|choose|for|both|answer|option|choice|think|believe|that|it|it's|\w+ly))*,? [(\[]?$",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    rf"\)? ?(?:{DENIED_ABROAD})|"
    r"\)?[,:]?(?: \([^()\n]{1,60}\))?(?: (?:is|was|are|were|seems|looks|would be|can be|could be|must be"
    r"|has been))?(?: \w+ly)?"
    r" (?:not\b|incorrect|wrong|false|n't|ruled out|eliminated|excluded|out\b|impossible|isn't|cannot|can't|does not"
    r"|doesn't|unlikely|untrue)"
)
_LISTED = re.compile(r"^[ \t]*\(?([A-Z])[.):](?=[ \t])", re.MULTILINE)
_ENUMERATED = re.compile(
    r"(?:^|(?<=[.;:\n] ))\(?([A-Z])\)? (?=[A-Z])|(?:^|\s)\(([A-Z])\)(?= \w)|(?:^|\s)(I{1,3}|IV|V)\.(?= [A-Z])",
    re.MULTILINE,
)
_CLAUSE_END = re.compile(r"[.,;:!](?=\s)")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_PREDICATE = re.compile(
    r"\b(?:is|are|was|were|be|it's|called|namely|:)(?: the| an?| that)? (?=\S[^\n]{0,400}$)", re.IGNORECASE
)


@dataclass(frozen=True)
class LetterReading:
    """The layer that decided, what was stated, and the place of the option named; ``off_list`` as for judgements."""

    layer: str | None
    stated: str | None
    place: int | None
    off_list: bool = False


def read_letter(output: str, options: Sequence[str]) -> LetterReading:
    """Read ``output``; the module says how."""
    answer = answer_of(_windows(output))
    clean = plain(answer)
    if (place := label_of(clean, options)) is not None:
        return LetterReading("letter", clean, place)
    if heading := _HEADING.match(clean):
        rest = clean[heading.end() :]
        own = lettered(clean, options)
        if own != 0 or text_of(rest.rstrip("."), options) != 0:
            return _read(answer.partition(":")[2].strip(), options, headed=True)
    return _read(answer, options)


def _read(answer: str, options: Sequence[str], *, headed: bool = False) -> LetterReading:
    clean = plain(answer)
    if headed and (place := label_of(clean, options)) is not None:
        return LetterReading("said", clean, place)
    stated, readable = None, False
    for statement, found in _statements(answer, clean, options):
        if isinstance(found, int):
            return LetterReading(statement.layer, statement.text, found)
        stated = stated or statement.text
        if found in ("several", "conflict", "denied"):
            return LetterReading(None, stated, None)
        readable = readable or found == "off-list"
    lines = [line.strip() for line in clean.splitlines() if line.strip()] or [""]
    for layer, found in (
        ("text", text_of(clean, options)),
        ("start", _start(clean, options)),
        ("end", _end(clean, lines[-1], options)),
        ("text", _texts(clean, lines, options)),
        ("mention", _mention(clean, options)),
    ):
        if isinstance(found, int):
            return LetterReading(layer, stated, found)
        if found in ("several", "conflict", "denied"):
            return LetterReading(None, stated, None)
    return LetterReading(None, stated, None, off_list=readable)


def _windows(output: str) -> str:
    """An output without the middle of a very long one."""
    if len(output) <= MAX_HEAD + MAX_TAIL:
        return output
    thought = max(output.rfind(mark) for mark in _THOUGHT_ENDS)
    output = output[max(0, thought) :]
    return output if len(output) <= MAX_HEAD + MAX_TAIL else f"{output[:MAX_HEAD]}\n{output[-MAX_TAIL:]}"


def _statements(answer: str, clean: str, options: Sequence[str]) -> Iterator[tuple[Statement, Named]]:
    """The marked statements, and in their place among what is said the sentences about a letter."""
    made = statements(answer)
    about = _about(clean)
    said = [each for each in made if each.layer == "said"]
    for statement in [each for each in made if each.layer != "said"]:
        yield statement, named(statement.text, statement.following, options)
    # Both count places from the start of the answer, which emphasis makes differ by a few characters at most.
    for statement in sorted([*said, *about], key=lambda each: each.start, reverse=True):
        yield statement, named(statement.text, statement.following, options)


def _about(clean: str) -> list[Statement]:
    """Sentences such as "B is correct" and "I choose B"."""
    subjects = [each for each in deque(_SUBJECT.finditer(clean), maxlen=8) if not _denied_before(clean, each.start())]
    found = [(each.start(each.lastindex or 0), each[each.lastindex or 0]) for each in subjects]
    found += [
        (each.end(), clean[each.end() : each.end() + 400])
        for each in deque(_OBJECT.finditer(clean), maxlen=8)
        if not _denied_before(clean, each.start())
    ]
    return [Statement(_layer(clean, start), text[:1], text, start, sentence=True) for start, text in found]


def _layer(clean: str, start: int) -> str:
    """Where a letter stands that a sentence is about: at the start of the answer, at its end, or in it."""
    if not clean[:start].strip(" (["):
        return "start"
    return "said" if clean[start + 1 :].strip(" )].!。") else "end"


def _denied_before(clean: str, place: int) -> bool:
    return _DENIED_BEFORE.search(clean, max(0, place - 40), place) is not None


def _several(clean: str) -> bool:
    listed = {found.group(1) for found in _LISTED.finditer(clean)}
    enumerated = {next(filter(None, found.groups())) for found in _ENUMERATED.finditer(clean)}
    return len(listed) > 1 or len(enumerated) > 1


def _start(clean: str, options: Sequence[str]) -> Named:
    if _several(clean):
        return None
    return lettered(clean, options)


def _end(clean: str, last: str, options: Sequence[str]) -> Named:
    found = _END.search(last)
    place = LETTERS.index(found.group(1)) if found else None
    if found is None or place is None or place >= len(options):
        return None
    if _denied_before(last, found.start(1)) or _NOUN_BEFORE.search(last, max(0, found.start() - 30), found.start()):
        return None
    mentioned = _mentioned(clean)
    return place if found.start() == 0 or mentioned <= {found.group(1)} else None


def _texts(clean: str, lines: list[str], options: Sequence[str]) -> Named:
    if _TEXT_FIRST.match(clean) and (opening := texted(clean, options)) is not None:
        return opening
    first = _CLAUSE_END.split(lines[0], maxsplit=1)[0]
    for text in (clean, lines[0], lines[-1], first):
        if (place := text_of(text, options)) is not None:
            return place
    said = {place for sentence in _SENTENCE.split(clean)[:40] if (place := _predicate(sentence, options)) is not None}
    return said.pop() if len(said) == 1 else None


def _predicate(sentence: str, options: Sequence[str]) -> int | None:
    """The option whose text a sentence ends with, behind its verb."""
    for found in list(_PREDICATE.finditer(sentence))[-3:]:
        if (place := text_of(sentence[found.end() :], options)) is not None and not _denied_before(
            sentence, found.end()
        ):
            return place
    return None


def _mention(clean: str, options: Sequence[str]) -> Named:
    mentioned = _mentioned(clean)
    place = LETTERS.index(mentioned.pop()) if len(mentioned) == 1 else None
    return place if place is not None and place < len(options) else None


def _mentioned(clean: str) -> set[str]:
    """The letters that are mentioned as options and not denied."""
    found: set[str] = set()
    mentions = list(islice(_MENTION.finditer(clean), _MOST_MENTIONS + 1))
    if len(mentions) > _MOST_MENTIONS:
        return set(LETTERS)
    for mention in mentions:
        letter = next(filter(None, mention.groups()))
        at = mention.start(mention.lastindex or 0)
        bracket = at - 1 if mention.lastindex == 1 else mention.start()
        if mention.lastindex == 1 and _NOUN_BEFORE.search(clean, max(0, bracket - 30), bracket):
            continue
        if not _denied_before(clean, bracket) and not _DENIED_AFTER.match(clean, at + 1):
            found.add(letter)
    return found
