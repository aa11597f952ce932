"""Asking: how a row of a golden set becomes an item, and how the answer to it is judged.

    letter    Which gas do plants take in?\\n\\nA. oxygen\\nB. carbon dioxide       -> B (chance level 1/k)
    math      A shirt costs 20 and is 15 % off. What does it cost?              -> 17
    exact     Which port does the service listen on?                            -> 8443
    contains  How long do customers have to return an item?                     -> 30 days
    box       Where is the cap?  (with a picture)                               -> [12, 30, 200, 420]

Exact answers are equal but for case, width, spaces, dashes, an article and a trailing stop; a yes or a no is read as
such. An answer that is to contain a text may be longer than it by 100 characters, or three times as long.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.answers.boxes import FramedBox
from harness.answers.boxes import judge_box as judge_overlap
from harness.answers.choices import listed
from harness.answers.contained import judge_contained
from harness.answers.forms import ASK_FOR_LETTER, ASK_FOR_SOLUTION, ASK_FOR_WORDS, golds_of
from harness.answers.options import LETTERS
from harness.answers.readings import Readings
from harness.answers.short import in_form, judged, read_short, same_text
from harness.answers.yes_no import OPTIONS, judge_yes_no
from harness.golden.rows import GoldenRow, Judge
from harness.items import Item
from harness.plugin import cluster

_ASK_FOR_BOX = (
    "Give the box around it as [x1, y1, x2, y2], and nothing else: (x1, y1) is its upper left corner and (x2, y2) its "
    "lower right corner, x to the right and y downwards, in pixels of this picture, which is {width} pixels wide and "
    "{height} pixels high."
)
_ASK: dict[Judge, tuple[str, int]] = {
    "letter": (ASK_FOR_LETTER, 64),
    "math": (ASK_FOR_SOLUTION, 512),
    "exact": (ASK_FOR_WORDS, 64),
    "contains": ("Answer in one short sentence.", 128),
    "box": (_ASK_FOR_BOX, 128),
}


@dataclass(frozen=True)
class Asking:
    """What stands behind each question, and the most tokens of an answer.

    In the ``instruction`` for a box, ``{width}`` and ``{height}`` stand for the size of the picture in pixels; an empty
    one leaves the question as it is.
    """

    judge: Judge
    instruction: str
    max_tokens: int

    @classmethod
    def of(cls, judge: Judge, instruction: str | None = None, max_tokens: int | None = None) -> "Asking":
        """As the judge asks by default, but for what is given."""
        default, budget = _ASK[judge]
        return cls(judge, default if instruction is None else instruction, max_tokens or budget)

    def items(self, task: str, rows: Iterable[GoldenRow]) -> Iterator[Item]:
        """The items of the rows, each of which names its pictures."""
        for row in rows:
            yield Item(
                task=task,
                question="\n\n".join(filter(None, (row.question, *self._below(row)))),
                answer=_answer(row),
                target=_target(row),
                guess_rate=chance_of(row),
                options=row.options,
                group=row.group,
                cluster_id=_cluster(row),
                pictures=row.images,
                image_digests=row.digests,
            )

    def _below(self, row: GoldenRow) -> tuple[str, ...]:
        instruction = self.instruction
        if row.size is not None:
            frame = FramedBox.parse(row.answers[0])
            sides = {"{width}": frame.width, "{height}": frame.height}
            for mark, side in sides.items():
                instruction = instruction.replace(mark, str(side))
        return (listed(row.options), instruction) if row.options else (instruction,)


def _answer(row: GoldenRow) -> str:
    if row.gold is not None:
        return LETTERS[row.gold]
    return row.answers[0] if len(row.answers) == 1 else json.dumps(list(row.answers), ensure_ascii=False)


def _target(row: GoldenRow) -> str:
    if row.size is None:
        return _answer(row) if row.options else row.answers[0]
    return row.answers[0].partition(" in ")[0]


def chance_of(row: GoldenRow) -> float:
    """The chance level of a question: 1/k for k options, 1/2 for yes or no, 0 for other answers."""
    if row.options:
        return 1 / len(row.options)
    closed = sum(answer.casefold() in OPTIONS for answer in row.answers)
    return 0.5 if 2 * closed > len(row.answers) else 0.0


def _cluster(row: GoldenRow) -> str:
    if row.cluster:
        return cluster(row.cluster)
    return row.digests[0][:16] if row.digests else ""


def judge_exact(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """``process_results`` of short answers: one of the accepted ones, but for case, spaces and the like."""
    golds = golds_of(str(doc["answer"]))
    if all(gold.casefold() in OPTIONS for gold in golds):
        read = judge_yes_no(results[0], golds[0], str(doc["question"]))
        return Readings(read.content, read.form).metrics()
    found = read_short(results[0])
    right = found is not None and any(same_text(text, gold) for text in found.texts for gold in golds)
    content = judged(found, right)
    return Readings(content, in_form(content, found)).metrics()


def judge_contains(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """``process_results`` of answers in which one of the accepted texts stands as a whole."""
    return judge_contained(results[0], golds_of(str(doc["answer"]))).metrics()


def judge_box(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """``process_results`` of boxes: the overlap of the two is the score, and .5 is enough."""
    return judge_overlap(results[0], str(doc["answer"])).metrics()
