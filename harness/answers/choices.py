"""Choices: options asked for by letter, and which one an output names.

There are two ways of asking. Where a question names its options in its own words (:func:`judge_choice`), an option is
named by its text, by its letter or number, or by both where they agree. Where the options stand below the question with
a letter each (:func:`listed`, :func:`judge_lettered`), the letter is asked for, and an output is read twice:
**strictly**, when it is nothing but the letter, and **leniently**, when what it says names exactly one option. The
outcome follows the lenient reading, because a letter inside a sentence is knowledge all the same, and forgetting must
not be mixed up with a change of style; the strict one is kept beside it, and the difference is what format costs.

Outputs are hostile text: every scan here is linear in its length, and only ``MAX_OUTPUT`` characters at either end of
an output are read for a letter or a text without a mark.
"""

import hashlib
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass

from harness.answers.extraction import Judgement, decided, extract_layer, normal, unparsed
from harness.answers.numbers import parse_number
from harness.answers.thoughts import after_thought

LETTERS = string.ascii_uppercase
MAX_OUTPUT = 4000
_LONGEST_LABEL = 20

_LABEL = re.compile(r"(?:option |choice )?\(?([a-z]|[0-9]{1,2})\)?[.):]?(?: (.+))?")

_STRICT = re.compile(r"\s*([A-Z])\.?\s*")
_EMPHASIS = str.maketrans("", "", "*`_#$")
# A letter at the start counts with a mark behind it, alone on its line, or as the subject of "B is correct"; a word
# behind it alone would take the article of "A plant needs light" for an answer.
_START = re.compile(
    r"\(?([A-Z])(?:\)|[.:](?=\s|$)|,(?! ?(?:and |or )?\(?[A-Z]\b)"
    r"|(?=[ \t]*(?:\n|$)| is (?:the )?(?:correct|right|best)\b| (?:because|since)\b| [-\u2013\u2014] ))"
)
_END = re.compile(r"(?:^|[(:]|\b(?:[Oo]ption|[Cc]hoice|[Ll]etter) )[ \t]?\(?([A-Z])\)?[.!]?$")
_MENTION = re.compile(r"\(([A-Z])\)|\b(?:[Oo]ption|[Cc]hoice) ([A-Z])\b")
_CLAUSE_END = re.compile(r"[.,;:!](?=\s)")
_LISTED = re.compile(r"^[ \t]*\(?([A-Z])[.):](?=[ \t])", re.MULTILINE)


@dataclass(frozen=True)
class LetteredJudgement:
    """Both readings of one output; ``layer`` names the part of the lenient one that decided, None where none did."""

    lenient: Judgement
    strict: Judgement
    layer: str | None

    def metrics(self) -> dict[str, float]:
        """The lenient reading's metrics, and the strict one's as ``strict`` and ``strict_unparsed`` (0 or 1)."""
        strict = self.strict.metrics()
        return {**self.lenient.metrics(), "strict": strict["acc"], "strict_unparsed": strict["unparsed"]}


def judge_choice(output: str, gold: str, options: Sequence[str]) -> Judgement:
    """Judge an answer that names one of ``options``: by its text, by its letter or number, or by both if they agree.

    Number labels are read only where no option is itself a number. Any other answer is unparsed. Raises
    ``ValueError`` when options coincide after normalisation or ``gold`` names none of them.
    """
    texts = [normal(option) for option in options]
    if len(set(texts)) != len(texts):
        raise ValueError(f"options {list(options)!r} are not distinct")
    expected = _chosen(gold, texts)
    if expected is None:
        raise ValueError(f"gold {gold!r} is not one of {list(options)!r}")
    _, stated = extract_layer(output)
    chosen = None if stated is None else _chosen(stated, texts)
    return unparsed(stated) if chosen is None else decided(stated, chosen == expected)


def listed(options: Sequence[str]) -> str:
    """The options as they stand below a question: a letter, a full stop and the text, one a line.

    Raises ``ValueError`` when there are fewer than two or more than 26.
    """
    if not 2 <= len(options) <= len(LETTERS):
        raise ValueError(f"{len(options)} options; 2 to {len(LETTERS)} can be lettered")
    return "\n".join(f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False))


def shuffled(options: Sequence[str], key: str) -> list[str]:
    """``options`` in an order drawn from ``key`` and their texts alone, whatever order they come in."""
    return sorted(options, key=lambda option: (hashlib.sha256(f"{key}\n{option}".encode()).digest(), option))


def judge_lettered(output: str, gold: str, options: Sequence[str]) -> LetteredJudgement:
    """Judge an answer to a question whose options are :func:`listed`; ``gold`` is the letter of the right one.

    ``extracted`` is the letter of the option named, or what was stated instead. Raises ``ValueError`` when ``gold`` is
    no letter of an option.
    """
    letters = LETTERS[: len(options)]
    if len(gold) != 1 or gold not in letters:
        raise ValueError(f"gold {gold!r} is not one of the letters {letters}")
    layer, stated, place = read_letter(output, options)
    lenient = unparsed(stated) if place is None else decided(letters[place], letters[place] == gold)
    alone = _STRICT.fullmatch(output) if len(output) <= MAX_OUTPUT else None
    strict = alone.group(1) if alone else None
    exact = decided(strict, strict == gold) if strict and strict in letters else unparsed(None)
    return LetteredJudgement(lenient, exact, layer if place is not None else None)


def read_letter(output: str, options: Sequence[str]) -> tuple[str | None, str | None, int | None]:
    """The layer that decided, what was stated there, and the place of the option named; None where there is none.

    In this order: the output is nothing but a label ("letter"); an answer is marked as such ("tag", "boxed", "hashes",
    "said", see ``outcomes``); a letter opens the output ("start") or closes it ("end"); the output, its first or last
    line or its first clause is the text of one option ("text"); one option alone is mentioned as "(B)" or "option B"
    ("mention"). A marked answer that names no option is final, except that prose behind "the answer is" lets the later
    layers look. A list of several labelled options names none, and neither does a label in front of another option's
    text.
    """
    output = after_thought(output)
    clean = _plain(_ends(output)).strip()
    if (place := _label(clean, options)) is not None:
        return "letter", clean, place
    layer, stated = extract_layer(output)
    if stated is not None:
        place = _stated(_plain(stated).strip(), options)
        if place is not None or layer != "said":
            return layer, stated, place
    lines = [line.strip() for line in clean.splitlines() if line.strip()] or [""]
    several = len({match.group(1) for match in _LISTED.finditer(clean)}) > 1
    shown = LETTERS[: len(options)]
    if not several and (found := _START.match(clean)) and found.group(1) in shown:
        return "start", stated, _opening(lines[0], options)
    mentioned = {first or second for first, second in _MENTION.findall(clean)}
    found = _END.search(lines[-1])
    if found and found.group(1) in shown and (found.start() == 0 or mentioned <= {found.group(1)}):
        return "end", stated, _place(found.group(1), options)
    for line in (clean, lines[0], lines[-1], _CLAUSE_END.split(lines[0], maxsplit=1)[0]):
        if (place := _text(line, options)) is not None:
            return "text", stated, place
    return "mention", stated, _place(mentioned.pop(), options) if len(mentioned) == 1 else None


def _ends(output: str) -> str:
    """An output, without the middle of a very long one."""
    return output if len(output) <= 2 * MAX_OUTPUT else f"{output[:MAX_OUTPUT]}\n{output[-MAX_OUTPUT:]}"


def _plain(text: str) -> str:
    """``text`` without the marks of emphasis and of formulas."""
    return text.translate(_EMPHASIS)


def _stated(stated: str, options: Sequence[str]) -> int | None:
    """The option that a marked answer names: as a label, as its text, or by a label that opens it."""
    for read in (_label, _text, _opening):
        if (place := read(stated, options)) is not None:
            return place
    return None


def _label(text: str, options: Sequence[str]) -> int | None:
    """The option whose label is all that ``text`` says: B, (b), "Option B", or 2 where no option is a number."""
    label = _LABEL.fullmatch(normal(text)) if len(text) <= _LONGEST_LABEL else None
    if label is None or label.group(2) is not None:
        return None
    name = label.group(1)
    if not name.isdigit():
        return _place(name.upper(), options)
    place = int(name) - 1
    numeric = any(parse_number(option) is not None for option in options)
    return place if 0 <= place < len(options) and not numeric else None


def _opening(text: str, options: Sequence[str]) -> int | None:
    """The option whose letter opens ``text``, unless the rest of it is the text of another one."""
    found = _START.match(text)
    place = _place(found.group(1), options) if found else None
    if found is None or place is None:
        return None
    other = _text(text[found.end() :].strip(" \t.):,-\u2013\u2014"), options)
    return place if other in (None, place) else None


def _text(text: str, options: Sequence[str]) -> int | None:
    """The one option whose text ``text`` is: exactly, or else but for case, width, spaces and articles."""
    for form in (_spaced, normal):
        wanted = form(text)
        places = [place for place, option in enumerate(options) if wanted and form(_plain(option)) == wanted]
        if places:
            return places[0] if len(places) == 1 else None
    return None


def _spaced(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


def _place(letter: str, options: Sequence[str]) -> int | None:
    place = LETTERS.index(letter)
    return place if place < len(options) else None


def _chosen(answer: str, texts: list[str]) -> int | None:
    answer = normal(answer)
    if answer in texts:
        return texts.index(answer)
    label = _LABEL.fullmatch(answer)
    if label is None:
        return None
    name, rest = label.groups()
    if name.isdigit() and any(parse_number(text) is not None for text in texts):
        return None
    place = int(name) - 1 if name.isdigit() else ord(name) - ord("a")
    if not 0 <= place < len(texts) or (rest is not None and normal(rest) != texts[place]):
        return None
    return place
