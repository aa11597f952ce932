"""BIG-Bench Hard: 25 of its 27 subtasks, asked without examples and without a chain of thought.

    general_bbh  not ( True ) and ( True ) is    A. True  B. False  -> B

Chance level 1/k where there are options, 0 for the two subtasks answered by a number. Left out are ``dyck_languages``
and ``word_sorting``, whose answers are long strings that only differ in spaces and commas from wrong ones.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from harness import plugin
from harness.answers import forms
from harness.items import Item
from harness.plugin import Reader
from harness.sources import Row, Source, tidy

_LETTERED = (
    *("causal_judgement", "date_understanding", "disambiguation_qa", "formal_fallacies", "geometric_shapes"),
    *("hyperbaton", "logical_deduction_five_objects", "logical_deduction_seven_objects"),
    *("logical_deduction_three_objects", "movie_recommendation", "navigate", "penguins_in_a_table"),
    *("reasoning_about_colored_objects", "ruin_names", "salient_translation_error_detection", "snarks"),
    *("temporal_sequences", "tracking_shuffled_objects_five_objects", "tracking_shuffled_objects_seven_objects"),
    "tracking_shuffled_objects_three_objects",
)
# Subtasks whose questions do not list what may be answered.
_WORDS = {
    "boolean_expressions": ("True", "False"),
    "sports_understanding": ("yes", "no"),
    "web_of_lies": ("Yes", "No"),
}
_NUMBERS = ("multistep_arithmetic_two", "object_counting")
SUBTASKS = (*_LETTERED, *_WORDS, *_NUMBERS)

_OPTION = re.compile(r"(?:\(([A-Z])\)|-) ?(.*)")
_ASK_FOR_NUMBER = 'Answer with "Answer:" and the number only.'


def _copy(subtask: str, folder: Path) -> Iterator[Row]:
    yield from json.loads((folder / f"{subtask}.json").read_text(encoding="utf-8"))["examples"]


def _source(subtask: str) -> Source:
    return Source(
        "lukaemon/bbh",
        "982bb89fd79532a8ac676a61fc42eb1aeec63f99",
        "test",
        "bbh",
        config=subtask,
        copy=partial(_copy, subtask),
        constants=(("subtask", subtask),),
    )


def _items(task: str, numbers: bool, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        subtask = row["subtask"]
        if subtask in _NUMBERS:
            if numbers:
                yield _number(task, row)
            continue
        stem, options, target = _parts(row)
        if (
            len(options) > 1
            and target in options
            and (item := forms.lettered(task, stem, options, options.index(target), group=subtask))
        ):
            yield item


def _parts(row: Row) -> tuple[str, list[str], str]:
    """The question without its options, the options, and the text of the right one ("" where it is not among them)."""
    stem, mark, listing = tidy(row["input"]).rpartition("\nOptions:\n")
    target = row["target"].strip()
    if not mark:
        return tidy(row["input"]), list(_WORDS[row["subtask"]]), target
    found = [_OPTION.fullmatch(line.strip()) for line in listing.split("\n")]
    named = [(match.group(1), tidy(match.group(2))) for match in found if match]
    texts = [text for _, text in named]
    by_letter = {f"({letter})": text for letter, text in named if letter}
    return stem, texts, by_letter.get(target, "") if by_letter else target


def _number(task: str, row: Row) -> Item:
    answer = row["target"].strip()
    return Item(
        task=task,
        question=f"{tidy(row['input'])}\n\n{_ASK_FOR_NUMBER}",
        answer=answer,
        target=f"Answer: {answer}",
        guess_rate=0,
        group=row["subtask"],
    )


def judge(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """``process_results``: a letter where the question has options, a number where it has none."""
    return plugin.judge_lettered(doc, results) if doc["options"] else plugin.judge_quantity(doc, results)


_SOURCES = tuple(map(_source, SUBTASKS))
TASKS: dict[str, Reader] = {
    "general_bbh": Reader(_SOURCES, partial(_items, "general_bbh", True)),
    "general_bbh_letters": Reader(_SOURCES, partial(_items, "general_bbh_letters", False)),
}

load = plugin.reader(TASKS)
