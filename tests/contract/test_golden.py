"""A golden set on two real models: questions and pictures out of a CSV file, to gain and retention."""

import csv
from pathlib import Path

import pytest

from harness.api import evaluate_pairs
from harness.exports import export_run
from harness.lmeval import load_frozen
from harness.records import load_suite, read_run
from harness.suites import suite_from_file

KINDS = {"jigsaw_2x2": "target", "vision_colour": "prior", "math_arithmetic": "prior"}
EACH = 8


def _write(folder: Path) -> Path:
    """The first items of three tasks that the nano models know, as a team would write them down."""
    path = folder / "team.csv"
    tasks = load_frozen(load_suite("nano-1"))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["question", "answer", "image", "group", "kind"])
        for task, kind in KINDS.items():
            for number in range(EACH):
                doc = tasks[task].task.eval_docs[number]
                name = f"{task}-{number}.png" if doc["images"] else ""
                if name:
                    (folder / name).write_bytes(doc["images"][0])
                writer.writerow([doc["question"], doc["answer"], name, task, kind])
    return path


def test_a_teams_questions_say_what_was_learned_and_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RETENTION_DATA", raising=False)
    made = suite_from_file(_write(tmp_path), judge="exact", instruction="", max_tokens=64, out=tmp_path / "team-1")
    (found,) = evaluate_pairs(
        "nano:base",
        ["nano:sft"],
        suite=str(made.path),
        target="team",
        engine="transformers",
        dtype="float32",
        out=tmp_path / "runs",
    )
    card = found.scorecard
    assert {name: task.n for name, task in card.tasks.items()} == dict.fromkeys(made.suite.tasks, EACH)
    assert card.learned.gain > 0, "nano:sft was trained on jigsaws"
    assert set(card.prior_tasks) == {"team_prior_vision-colour", "team_prior_math-arithmetic"}
    run = read_run(found.folder)
    assert set(run.samples["outcome"]) <= {"correct", "wrong", "unparsed"}
    assert (run.samples["outcome"] == "correct").mean() > 0.7
    written = export_run(found.folder, tmp_path / "run.jsonl", format="every-eval-ever", suite=str(made.path))
    assert (written.items, written.questions) == (3 * EACH, 3 * EACH)
