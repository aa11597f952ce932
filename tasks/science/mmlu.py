"""MMLU and its successors: the STEM subjects of MMLU and of MMLU-Redux, and the sciences of MMLU-Pro.

    science_mmlu_stem  A "dished face" profile is often associated with
                       A. a protruding mandible ..  B. a recessive maxilla ..  C. an enlarged frontal bone ..
                       D. defective development of the maxillary air sinus.                                   -> B

Chance level 1/4; 1/k in MMLU-Pro, whose items have up to ten options. The 19 STEM subjects are those of lm-eval's
group ``mmlu_stem``. Of MMLU-Redux, which annotated 100 questions of each subject again, the items marked as free of
errors are asked; they are questions of MMLU too, so a suite takes one of the two.
"""

import ast
import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from harness import plugin
from harness.answers import choices, forms
from harness.items import Item
from harness.plugin import Reader, Shots, with_letters, with_options
from harness.sources import Row, Source, tidy

STEM = (
    *("abstract_algebra", "anatomy", "astronomy", "college_biology", "college_chemistry", "college_computer_science"),
    *("college_mathematics", "college_physics", "computer_security", "conceptual_physics", "electrical_engineering"),
    *("elementary_mathematics", "high_school_biology", "high_school_chemistry", "high_school_computer_science"),
    *("high_school_mathematics", "high_school_physics", "high_school_statistics", "machine_learning"),
)
_PRO = ("physics", "chemistry", "biology")


def mmlu_copy(folder: Path, split: str = "test") -> Iterator[Row]:
    """All subjects of the copy, one file each; the hub keeps them in one table."""
    for path in sorted((folder / split).glob(f"*_{split}.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield {
                    "question": row["question"],
                    "subject": path.stem.removesuffix(f"_{split}"),
                    "choices": [row[f"choice{place}"] for place in range(4)],
                    "answer": int(row["answer"]),
                }


MMLU = Source("cais/mmlu", "c30699e8356da336a370243923dbaf21066bb9fe", "test", "mmlu", config="all", copy=mmlu_copy)


_DEV = Source(
    "cais/mmlu",
    "c30699e8356da336a370243923dbaf21066bb9fe",
    "dev",
    "mmlu",
    config="all",
    copy=partial(mmlu_copy, split="dev"),
)


def mmlu_items(task: str, rows: Iterator[Row], subjects: frozenset[str], others: bool = False) -> Iterator[Item]:
    """The questions of ``subjects``, or with ``others`` those of all other subjects."""
    for row in rows:
        if (row["subject"] in subjects) != others and (item := _item(task, row, row["subject"])):
            yield item


def mmlu_cloze(task: str, rows: Iterator[Row], subjects: frozenset[str], others: bool = False) -> Iterator[Item]:
    """The same questions, continued by whole options."""
    for row in rows:
        stem, options = tidy(row["question"]), [tidy(str(option)) for option in row["choices"]]
        if (row["subject"] in subjects) != others and (
            item := forms.whole(
                task,
                f"Question: {stem}\nAnswer:",
                options,
                int(row["answer"]),
                group=row["subject"],
                cluster_id=plugin.cluster(stem),
            )
        ):
            yield item


def mmlu_shots(task: str, subjects: frozenset[str], others: bool = False) -> dict[str, Reader]:
    """The task ``task_shots``: MMLU as it was published, a letter after five answered questions of the same subject."""
    name = f"{task}_shots"
    shots = Shots((_DEV,), partial(_listed, "example"), by_group=True)
    return {name: Reader((MMLU,), partial(_listed, name, subjects=subjects, others=others), shots)}


def _listed(
    task: str, rows: Iterator[Row], subjects: frozenset[str] = frozenset(), others: bool = True
) -> Iterator[Item]:
    for row in rows:
        if (row["subject"] in subjects) != others and (item := _item(task, row, row["subject"])):
            stem, options = tidy(row["question"]), item.options
            yield item.model_copy(update={"question": f"Question: {stem}\n{choices.listed(options)}\nAnswer:"})


def _redux_copy(subject: str, folder: Path) -> Iterator[Row]:
    """One subject as its annotators left it: comma or semicolon, options as the literal of a list."""
    raw = (folder / f"mmlu_{subject}.csv").read_bytes()
    text = raw.decode("utf-8-sig")
    delimiter = ";" if text.startswith("question;") else ","
    for row in csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter):
        yield {**row, "choices": ast.literal_eval(row["choices"]), "answer": int(row["answer"])}


def _redux_items(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        if row["error_type"].strip().lower() == "ok" and (item := _item(task, row, row["subject"])):
            yield item


def _redux(subject: str) -> Source:
    return Source(
        "edinburgh-dawg/mmlu-redux-2.0",
        "372ea425445d51e1ba1188c56e5e893f8138621f",
        "test",
        "mmlu_redux",
        config=subject,
        copy=partial(_redux_copy, subject),
        constants=(("subject", subject),),
    )


def _pro(category: str) -> Source:
    return Source(
        "TIGER-Lab/MMLU-Pro",
        "b189ec765aa7ed75c8acfea42df31fdae71f97be",
        "test",
        "mmlu_pro_science",
        files=(f"{category}.jsonl",),
    )


def _pro_items(category: str, task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        asked = {"question": row["question"], "choices": row["options"], "answer": row["answer_index"]}
        if row["category"] == category and (item := _item(task, asked, row["src"])):
            yield item


def _item(task: str, row: Row, group: str) -> Item | None:
    """Questions with the same stem are not independent of each other."""
    stem = tidy(row["question"])
    options = [tidy(str(option)) for option in row["choices"]]
    return forms.lettered(task, stem, options, int(row["answer"]), group=group, cluster_id=plugin.cluster(stem))


TASKS: dict[str, Reader] = {
    **with_letters("science_mmlu_stem", (MMLU,), partial(mmlu_items, subjects=frozenset(STEM))),
    **with_options("science_mmlu_stem", (MMLU,), partial(mmlu_cloze, subjects=frozenset(STEM))),
    **mmlu_shots("science_mmlu_stem", frozenset(STEM)),
    **with_letters("science_mmlu_redux", tuple(map(_redux, STEM)), _redux_items),
    **with_letters("science_mmlu_pro_physics", (_pro("physics"),), partial(_pro_items, "physics")),
    **with_letters("science_mmlu_pro_chemistry", (_pro("chemistry"),), partial(_pro_items, "chemistry")),
    **with_letters("science_mmlu_pro_biology", (_pro("biology"),), partial(_pro_items, "biology")),
}

load = plugin.reader(TASKS)
