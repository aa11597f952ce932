"""Science questions of the Allen Institute: ARC (Easy and Challenge), OpenBookQA, QASC.

    science_arc_easy       Which technology was developed most recently?
                           A. cellular telephone  B. television  C. refrigerator  D. airplane         -> A

Chance level 1/k for an item of k options: 3 to 5 in ARC, 4 in OpenBookQA, 8 in QASC. Options are shown with the letters
A, B, C, .. in the order of the data; the right one is found by its label, which in some rows of ARC is 1 to 5.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from harness import plugin
from harness.answers import forms
from harness.items import Item
from harness.plugin import Reader, with_letters, with_options
from harness.sources import Row, Source, read_rows, tidy

_ARC_REVISION = "210d026faf9955653af8916fad021475a3f00453"


def _arc(config: str) -> Source:
    def copy(folder: Path) -> Iterator[Row]:
        for row in read_rows(folder / f"{config}-Test.jsonl"):
            yield {"question": row["question"]["stem"], **_keyed(row)}

    return Source("allenai/ai2_arc", _ARC_REVISION, "test", "arc", config=config, copy=copy)


def _openbookqa(folder: Path) -> Iterator[Row]:
    for row in read_rows(folder / "openbookqa-test.jsonl"):
        yield {"question_stem": row["question"]["stem"], **_keyed(row)}


def _qasc(folder: Path) -> Iterator[Row]:
    for row in read_rows(folder / "dev.jsonl"):
        yield {"question": row["question"]["stem"], **_keyed(row)}


def _keyed(row: Row) -> Row:
    """The fields that the original files keep inside the question."""
    choices = row["question"]["choices"]
    return {
        "choices": {"text": [each["text"] for each in choices], "label": [each["label"] for each in choices]},
        "answerKey": row["answerKey"],
    }


def _items(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        stem = tidy(row["question_stem"] if "question_stem" in row else row["question"])
        options = [tidy(text) for text in row["choices"]["text"]]
        gold = row["choices"]["label"].index(row["answerKey"].strip())
        if item := forms.lettered(task, stem, options, gold):
            yield item


def _cloze(task: str, rows: Iterator[Row], form: str = "Question: {stem}\nAnswer:") -> Iterator[Item]:
    for row in rows:
        stem = tidy(row["question_stem"] if "question_stem" in row else row["question"])
        options = [tidy(text) for text in row["choices"]["text"]]
        gold = row["choices"]["label"].index(row["answerKey"].strip())
        if item := forms.whole(task, form.format(stem=stem), options, gold):
            yield item


_EASY, _CHALLENGE = _arc("ARC-Easy"), _arc("ARC-Challenge")
_OPENBOOKQA = Source(
    "allenai/openbookqa",
    "388097ea7776314e93a529163e0fea805b8a6454",
    "test",
    "openbookqa",
    config="main",
    copy=_openbookqa,
)
_QASC = Source("allenai/qasc", "a34ba204eb9a33b919c10cc08f4f1c8dae5ec070", "validation", "qasc", copy=_qasc)

TASKS: dict[str, Reader] = {
    **with_letters("science_arc_easy", (_EASY,), _items),
    **with_letters("science_arc_challenge", (_CHALLENGE,), _items),
    **with_letters("science_openbookqa", (_OPENBOOKQA,), _items),
    **with_letters("science_qasc", (_QASC,), _items),
    **with_options("science_arc_easy", (_EASY,), _cloze),
    **with_options("science_arc_challenge", (_CHALLENGE,), _cloze),
    # Most of its questions are sentences that an option completes.
    **with_options("science_openbookqa", (_OPENBOOKQA,), partial(_cloze, form="{stem}")),
    **with_options("science_qasc", (_QASC,), _cloze),
}

load = plugin.reader(TASKS)
