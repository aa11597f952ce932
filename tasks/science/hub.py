"""Science questions that are had from the hub alone: GPQA, whose terms must be accepted there, and SciKnowEval.

Chance level 1/4 in GPQA, 1/k in SciKnowEval. GPQA asks not to be shown in plain text, so no item of it stands here. Its
data name the right answer first, so its options are put into an order drawn from the question.
"""

from collections.abc import Iterator

from harness import plugin
from harness.answers import forms, shuffled
from harness.items import Item
from harness.plugin import Reader, with_letters
from harness.sources import Row, Source, tidy

_ANSWERS = ("Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")


def _gpqa(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        stem = tidy(row["Question"])
        right, *wrong = (tidy(row[field]) for field in _ANSWERS)
        options = shuffled([right, *wrong], stem)
        if item := forms.lettered(task, stem, options, options.index(right), group=row["High-level domain"]):
            yield item


def _sciknoweval(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    """The questions with options; the others are judged by other models or by word vectors and left out."""
    for row in rows:
        labels = [label.strip() for label in row["choices"]["label"]]
        if not row["type"].startswith("mcq") or row["answerKey"].strip() not in labels:
            continue
        stem = tidy(row["question"])
        options = [tidy(text) for text in row["choices"]["text"]]
        gold = labels.index(row["answerKey"].strip())
        if item := forms.lettered(task, stem, options, gold, group=row["domain"], cluster_id=plugin.cluster(stem)):
            yield item


TASKS: dict[str, Reader] = {
    **with_letters(
        "science_gpqa",
        (
            Source(
                "Idavidrein/gpqa",
                "633f5ee89ab8ad4522a9f850766b73f62147ffdd",
                "train",
                "gpqa",
                config="gpqa_main",
                files=("gpqa_main.csv",),
                gated=True,
            ),
        ),
        _gpqa,
    ),
    **with_letters(
        "science_sciknoweval",
        (
            Source(
                "hicai-zju/SciKnowEval",
                "92ef969ad0a8bd6e195e0ac18af2c46e307e0cc2",
                "test",
                "sciknoweval",
                config="v2",
                files=("sciknoweval_test_v2.jsonl",),
            ),
        ),
        _sciknoweval,
    ),
}

load = plugin.reader(TASKS)
