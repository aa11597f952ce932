"""Reading text in pictures: DocVQA (documents), TextVQA (photographs) and OCRBench (words, forms, formulas).

    vision_docvqa     What is the 'actual' value per 1000, during the year 1975?    -> 0.28
    vision_textvqa    what is the brand of this camera?                             -> dakota
    vision_ocrbench   what is written in the image?                                 -> CENTRE

Chance level 0, and 1/2 where most of the right answers are yes or no. DocVQA is scored by ANLS over several right
answers, TextVQA by the agreement with ten people, OCRBench by whether the answer contains the text.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from harness import plugin
from harness.answers import anls, consensus, contained, forms
from harness.items import Item
from harness.plugin import PictureReader
from harness.sources import PictureSource, Row, one_line, tidy

# OCRBench's formulas are written by hand, and their spaces mean nothing.
_FORMULAS = "HME100k"


def _answered(group: str, task: str, rows: Iterator[Row]) -> Iterator[Item]:
    """A question, and the answers that people gave; ``group`` is the column that groups them, if any."""
    for row in rows:
        golds = [one_line(gold) for gold in row["answers"]]
        grouped = row[group] if group else ""
        named = grouped[0] if isinstance(grouped, list) and grouped else grouped if isinstance(grouped, str) else ""
        if golds:
            yield forms.asked_for_words(task, tidy(row["question"]), golds, (row["image"],), group=named)


def _ocrbench(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    """Questions say themselves what is to be written. The group is the kind of text, or the set of formulas."""
    for row in rows:
        golds = [gold.strip() for gold in row["answer"] if gold.strip()]
        if golds:
            kind = _FORMULAS if row["dataset"] == _FORMULAS else row["question_type"]
            yield forms.asked_for_words(
                task, tidy(row["question"]), golds, (row["image"],), ask="Write the answer alone.", group=kind
            )


def judge_docvqa(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    return anls.judge_anls(results[0], forms.golds_of(doc["answer"])).metrics()


def judge_textvqa(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    return consensus.judge_consensus(results[0], forms.golds_of(doc["answer"])).metrics()


def judge_ocrbench(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    golds = forms.golds_of(doc["answer"])
    return contained.judge_contained(results[0], golds, formula=doc["group"] == _FORMULAS).metrics()


def _reader(source: PictureSource, items: Callable[[Iterator[Row]], Iterator[Item]]) -> PictureReader:
    return PictureReader((source,), items)


TASKS: dict[str, PictureReader] = {
    "vision_docvqa": _reader(
        PictureSource(
            "lmms-lab/DocVQA",
            "539088ef8a8ada01ac8e2e6d4e372586748a265e",
            "validation",
            "docvqa",
            files=("DocVQA/validation-*.parquet",),
        ),
        partial(_answered, "question_types", "vision_docvqa"),
    ),
    "vision_textvqa": _reader(
        PictureSource(
            "lmms-lab/textvqa",
            "9c0699cd19768ac5ab97568f6b3cbac4c0062884",
            "validation",
            "textvqa",
            files=("data/validation-*.parquet",),
        ),
        partial(_answered, "", "vision_textvqa"),
    ),
    "vision_ocrbench": _reader(
        PictureSource(
            "echo840/OCRBench",
            "92a54bd1384387c178d5a07140a2d85e0a3d12e1",
            "test",
            "ocrbench",
            files=("data/test-*.parquet",),
        ),
        partial(_ocrbench, "vision_ocrbench"),
    ),
}

load = plugin.picture_reader(TASKS)
images = plugin.picture_loader(TASKS)
