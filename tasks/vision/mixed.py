"""Sets of more than one kind of answer: MMMU (a letter, or a short open answer) and RealworldQA (a letter, or a word).

    vision_mmmu         .. determine the total of <image 1> ..  A. $63,020  B. $58,410  C. $71,320  D. $77,490    -> B
    vision_realworldqa  In which direction is the front wheel of the car on the right side facing?  A. Left ..    -> C

Chance level 1/k for k options, 1/2 for yes or no, else 0. MMMU's pictures stand where its text names them, in options
too. What cannot be read is unparsed: no letter is drawn for it.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness import plugin
from harness.answers import choices, forms, freely, yes_no
from harness.answers.options import LETTERS
from harness.items import IMAGE_MARK, Item
from harness.plugin import PictureReader
from harness.records import load_task_module, tasks_root
from harness.sources import PictureSource, Row, one_line, tidy

listed_options = load_task_module(tasks_root() / "vision" / "choices.py").listed_options

_PICTURE = re.compile(r"<image ([1-7])>")
_COLUMNS = tuple(f"image_{number}" for number in range(1, 8))
_LETTER = re.compile(r"[A-Z]")
# RealworldQA ends with one of these, which the question form states instead.
_ASKED = re.compile(r"\s*Please answer directly with (?:only the letter|a single word)[^\n]*\Z")


def _mmmu(rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        if row["question_type"] == "multiple-choice":
            yield _mmmu_lettered(row)
        else:
            yield _mmmu_open(row)


def _mmmu_lettered(row: Row) -> Item:
    options = [one_line(option) for option in ast.literal_eval(row["options"])]
    text = f"{tidy(row['question'])}\n\n{choices.listed(options)}"
    marked, shown = _marked(text, row)
    gold = LETTERS.index(row["answer"].strip())
    return forms.asked_by_letter_below("vision_mmmu", marked, options, gold, shown, group=row["subject"])


def _mmmu_open(row: Row) -> Item:
    answer = row["answer"].strip()
    golds = ast.literal_eval(answer) if answer.startswith("[") else [answer]
    marked, shown = _marked(tidy(row["question"]), row)
    return forms.asked_for_words("vision_mmmu", marked, list(map(str, golds)), shown, group=row["subject"])


def _marked(text: str, row: Row) -> tuple[str, tuple[bytes, ...]]:
    """``text`` with a placeholder for each picture that it names, and these in order; without any, those of the row."""
    named = [row[f"image_{number}"] for number in _PICTURE.findall(text)]
    if any(picture is None for picture in named):
        raise ValueError(f"row {row['id']} names a picture that it does not have")
    if named:
        return _PICTURE.sub(IMAGE_MARK, text), tuple(named)
    return text, tuple(row[column] for column in _COLUMNS if row[column] is not None)


def _realworldqa(rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        text, answer, shown = _ASKED.sub("", tidy(row["question"])), row["answer"].strip(), (row["image"],)
        options = listed_options(text)
        if _LETTER.fullmatch(answer) and LETTERS.index(answer) < len(options):
            yield forms.asked_by_letter_below("vision_realworldqa", text, options, LETTERS.index(answer), shown)
        else:
            yield forms.asked_for_words("vision_realworldqa", text, [answer], shown)


def judge(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """``process_results``: by letter where there are options, by yes or no where that is the answer, else by words."""
    if doc["options"]:
        return plugin.judge_lettered(doc, results)
    golds = forms.golds_of(doc["answer"])
    if len(golds) == 1 and golds[0].strip().casefold() in yes_no.OPTIONS:
        read = yes_no.judge_yes_no(results[0], golds[0], doc["question"])
        return {name: value for name, value in read.metrics().items() if name not in read.details}
    return freely.judge_freely(results[0], golds).metrics()


_SUBJECTS = (
    "Accounting",
    "Agriculture",
    "Architecture_and_Engineering",
    "Art",
    "Art_Theory",
    "Basic_Medical_Science",
    "Biology",
    "Chemistry",
    "Clinical_Medicine",
    "Computer_Science",
    "Design",
    "Diagnostics_and_Laboratory_Medicine",
    "Economics",
    "Electronics",
    "Energy_and_Power",
    "Finance",
    "Geography",
    "History",
    "Literature",
    "Manage",
    "Marketing",
    "Materials",
    "Math",
    "Mechanical_Engineering",
    "Music",
    "Pharmacy",
    "Physics",
    "Psychology",
    "Public_Health",
    "Sociology",
)


def _subject(name: str) -> PictureSource:
    return PictureSource(
        "MMMU/MMMU",
        "171b0ef74cd1704464e6940860968009d8cdd59a",
        "validation",
        "mmmu",
        config=name,
        files=(f"{name}/validation-*.parquet",),
        constants=(("subject", name),),
        pictures=_COLUMNS,
    )


_REALWORLDQA = PictureSource(
    "xai-org/RealworldQA",
    "17e7f75e092e47169732462ea3cdfebe911105dd",
    "test",
    "realworldqa",
    files=("data/test-*.parquet",),
)

TASKS: dict[str, PictureReader] = {
    "vision_mmmu": PictureReader(tuple(map(_subject, _SUBJECTS)), _mmmu),
    "vision_realworldqa": PictureReader((_REALWORLDQA,), _realworldqa),
}

load = plugin.picture_reader(TASKS)
images = plugin.picture_loader(TASKS)
