"""Short answers: what an output says that was asked for a word, a number or a phrase, and nothing else.

The form asked for is the answer alone on one line. What else is read, in this order: a statement ("The answer is 5",
a tag, a box), the one part in bold, the answer alone, a first line that the rest explains, and in a sentence what
stands behind its verb ("The total is 5.") or is named before it ("Russia is the largest."); a sentence may be the
answer itself too. A paragraph that states nothing, an empty output and words in place of an answer ("I cannot tell")
are none.
"""

import re
from dataclasses import dataclass, field, replace

from harness.answers.extraction import Judgement, decided, normal, unparsed
from harness.answers.statements import answer_of, bare, statements
from harness.records import Outcome

MAX_SHORT = 200
_MAX_READ = 4000
_MOST_LINES = 6
_MOST_WORDS = 12

_BOLD = re.compile(r"\*\*([^*\n]{1,100})\*\*")
_VERB = re.compile(
    r"\b(?:is|are|was|were|says|reads|shows|states|equals|has|have|had|corresponds to|called|named|titled)\b:?\s+"
)
_SUBJECT = re.compile(r"(?:the|this|that|it|there|they|he|she|in|on|at|for|according|based|from|its|his|her)\b", re.I)
# "Russia is the country with the most": the subject is the answer, unless it is one of the words above.
_NAMED = re.compile(r"([^,;:]{1,100}?) (?:is|are|was|were|has|have|had) the\b")
# What explains an answer rather than belonging to it.
_REST = re.compile(
    r",? (?:because|since|which|as (?:shown|seen|indicated|stated)|according to|based on|in (?:this|the) (?:image"
    r"|picture|photo|chart|graph|document|figure|table|diagram))\b.*|, as\b.*",
    re.IGNORECASE | re.DOTALL,
)
_NO_ANSWER = re.compile(
    r"\bi(?:'m| am)? (?:sorry|unable|not (?:sure|able|certain))\b|\bi (?:cannot|can't|can not|do not|don't|could not"
    r"|couldn't)\b|\b(?:cannot|can't|can not|could not) be\b|\b(?:is|are|was|were|it's) not (?:sure|clear|certain"
    r"|possible|visible|provided|mentioned|shown|given|specified|available|enough|applicable)\b|\b(?:it|that) depends\b"
    r"|\bno (?:answer|idea|information|data)\b|\bno (?:image|picture|document|chart) (?:is|was|has|provided)\b|\An/?a\Z"
    r"|\A(?:it(?:'s| is) )?(?:not (?:sure|clear|certain|possible|visible|provided|mentioned|shown|given|specified"
    r"|available|enough|applicable)|unclear|unknown|uncertain|undetermined|impossible|unanswerable|sorry|maybe|perhaps"
    r"|unable to)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Short:
    """A short answer as it was stated; ``alone``: the output is nothing else, on one line. ``whole`` is that line where
    ``text`` is a part of it."""

    text: str
    layer: str
    alone: bool = False
    whole: str = field(default="", compare=False)

    @property
    def texts(self) -> tuple[str, ...]:
        """What may be the answer."""
        return (self.text, self.whole) if self.whole else (self.text,)


def read_short(output: str) -> Short | None:
    """The short answer that ``output`` states; None where it states none."""
    answer = answer_of(output).strip()
    if not answer:
        return None
    alone = _alone(output, answer)
    made = [each for each in statements(answer) if len(each.text) <= MAX_SHORT]
    if made:
        return Short(
            made[0].text, made[0].layer, whole="" if "\n" in answer or len(answer) > MAX_SHORT else bare(answer)
        )
    if alone is not None:
        return alone
    if len(answer) > _MAX_READ:
        return None
    bold = {bare(found) for found in _BOLD.findall(answer)}
    if len(bold) == 1:
        return Short(bold.pop(), "bold")
    # A line that ends with a colon announces what follows.
    lines = answer.splitlines()
    while len(lines) > 1 and (not lines[0].strip() or lines[0].rstrip(" *").endswith(":")):
        lines = lines[1:]
    return _of_lines([bare(line.lstrip("-•# ")) for line in lines])


def says_nothing(text: str) -> bool:
    """Whether ``text`` stands in place of an answer."""
    return not text or _NO_ANSWER.search(text) is not None


def judged(found: Short | None, right: bool, score: float | None = None) -> Judgement:
    """The judgement of a short answer: what stands in place of one is unparsed, unless it is the right answer."""
    if found is None:
        return unparsed(None)
    if not right and says_nothing(found.text):
        return unparsed(found.text)
    made = replace(decided(found.text, right), layer=found.layer)
    return made if score is None else replace(made, score=score)


def in_form(judgement: Judgement, found: Short | None) -> Judgement:
    """The same answer where the output is it alone, and unparsed in any other form."""
    if found is not None and found.alone and judgement.outcome is not Outcome.UNPARSED:
        return judgement
    return unparsed(None)


def same_text(stated: str, gold: str) -> bool:
    """Equality after normalisation of case, width, spaces, dashes, an article and a trailing stop."""
    return normal(stated) == normal(gold)


def _alone(output: str, answer: str) -> Short | None:
    if "\n" in answer or len(answer) > MAX_SHORT or _is_sentence(answer):
        return None
    text = bare(answer)
    return Short(text, "alone", alone=answer == output.strip() and "**" not in answer) if text else None


def _of_lines(lines: list[str]) -> Short | None:
    block = lines[: lines.index("")] if "" in lines else lines
    if not block:
        return None
    if len(block) == 1:
        return _of_line(block[0])
    if len(block) <= _MOST_LINES and not any(map(_is_sentence, block)) and len(" ".join(block)) <= MAX_SHORT:
        return Short(" ".join(block), "lines")
    return Short(block[0], "line") if _is_brief(block[0]) else None


def _of_line(line: str) -> Short | None:
    if _is_brief(line):
        return Short(line, "line")
    if len(line) > MAX_SHORT:
        return None
    if (named := _named_first(line)) is not None:
        return Short(named, "sentence", whole=line)
    verb = _VERB.search(line)
    said = bare(_REST.sub("", line[verb.end() :])) if verb else ""
    return Short(said or line, "sentence", whole=line)


def _named_first(line: str) -> str | None:
    found = _NAMED.match(line)
    return None if found is None or _SUBJECT.match(line) else bare(found[1])


def _is_brief(line: str) -> bool:
    return 0 < len(line) <= MAX_SHORT and len(line.split()) <= _MOST_WORDS and not _is_sentence(line)


def _is_sentence(line: str) -> bool:
    """Whether a line says something of a subject, rather than being the answer itself."""
    if _named_first(line) is not None:
        return True
    words = line.split()
    return len(words) > 2 and _SUBJECT.match(line) is not None and _VERB.search(line) is not None
