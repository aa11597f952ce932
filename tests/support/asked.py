"""A board whose items have questions: runs over items whose ids are those of what they ask, and their question file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.items import content_id
from harness.pictures import encode_png, shown_copy
from harness.records import AskedItem, QuestionFile, TaskTerms, write_question_file
from harness.records.run import RunRecord
from harness.records.samples import Outcome
from leaderboard.board.board import Board, load_board
from leaderboard.submit.prepare import prepare_entry
from tests.support.synthetic import JIGSAW, SyntheticTask, synthetic_run
from tests.support.synthetic_board import STATEMENT, Folders

COUNT = 20
TASKS = (
    SyntheticTask("jigsaw_2x2", "jigsaw", JIGSAW.group, n=COUNT),
    SyntheticTask("math_word", "math", "math", n=COUNT),
    SyntheticTask("vision_count", "vision", "vision", n=COUNT),
)
WITHHELD = "math_word"


@dataclass(frozen=True)
class AskedBoard:
    board: Board
    questions: Path
    content: QuestionFile
    pictures: dict[str, bytes]

    @property
    def file(self) -> Path:
        return self.questions / f"{self.content.suite}.parquet"


def picture(seed: int) -> bytes:
    return encode_png(np.random.default_rng(seed).integers(0, 255, (12, 16, 3), dtype=np.uint8))


def asked_items(task: str, texts: Sequence[str]) -> tuple[list[AskedItem], dict[str, bytes]]:
    """Items of a task, one of its pictures on two of them; texts stand in questions, options and gold answers."""
    items, pictures = [], {}
    for place in range(COUNT):
        text = texts[place % len(texts)]
        shown = shown_copy(picture(place // 2)) if task == "vision_count" else b""
        images = (hashlib.sha256(picture(place // 2)).hexdigest(),) if shown else ()
        if shown:
            pictures[hashlib.sha256(shown).hexdigest()] = shown
        question, options = f"Question {place} of {task}: {text}", (f"first {text}", f"second {text}")
        items.append(
            AskedItem(
                item_id=content_id(task, question, options[place % 2], options, images),
                task=task, question=question, options=options, gold=options[place % 2], images=images,
                pictures=(hashlib.sha256(shown).hexdigest(),) if shown else (),
            )
        )  # fmt: skip
    return items, pictures


def asked_board(root: Path, texts: Sequence[str] = ("what?",), outputs: Sequence[str] = ("one", "two")) -> AskedBoard:
    """Three entries on three tasks of 20 items each; of one task no question may be published."""
    made = Folders(root / "submissions", root / "bases", root / "runs")
    made.submissions.mkdir(parents=True)
    by_task = {task.name: asked_items(task.name, texts) for task in TASKS}
    tasks = [replace(task, item_ids=tuple(each.item_id for each in by_task[task.name][0])) for task in TASKS]

    def say(task: str, place: int, outcome: Outcome) -> str:
        return f"{_READ[outcome]} {outputs[place % len(outputs)]}"

    base = synthetic_run(made.runs / "base", tasks, name="nano-base", accuracy=0.8, output=say)
    for seed, (name, level) in enumerate((("nano-a-seed0", 0.3), ("nano-a-seed1", 0.5), ("nano-b", 0.9)), start=1):
        accuracy = {task.name: level for task in TASKS} | {"jigsaw_2x2": 0.95}
        synthetic_run(made.runs / name, tasks, name=name, accuracy=accuracy, seed=seed, output=say)
        prepare_entry(made.runs / name, made.runs / "base", STATEMENT, made.submissions, made.bases)
    content, pictures = _content(base.record, by_task)
    questions = root / "questions"
    write_question_file(questions / f"{content.suite}.parquet", content, pictures)
    return AskedBoard(load_board(made.submissions, made.bases), questions, content, pictures)


_READ = {Outcome.CORRECT: "right:", Outcome.WRONG: "wrong:", Outcome.UNPARSED: "unread:"}


def _content(
    record: RunRecord, by_task: dict[str, tuple[list[AskedItem], dict[str, bytes]]]
) -> tuple[QuestionFile, dict[str, bytes]]:
    terms = {
        name: TaskTerms(licence="MIT", sources=("owner/set@0123",), published=name != WITHHELD) for name in by_task
    }
    items = [item for name, (found, _) in by_task.items() if name != WITHHELD for item in found]
    pictures = {name: data for found in by_task.values() for name, data in found[1].items()}
    suite = record.suite
    return QuestionFile(suite=suite.comparable, digest=suite.digest, tasks=terms, items=tuple(items)), pictures
