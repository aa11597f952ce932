"""Synthetic boards of any size: entries as `retention submit prepare` writes them, made by changing columns of one run.

Every entry answers the same 2,000 items; those on one base and target are a track of at most ``per_track``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from harness.items import files_digest
from harness.records.run import RECORD_FILE
from harness.records.samples import SAMPLES_FILE, file_sha256
from leaderboard.documents.identity import entry_id, seal
from leaderboard.submit.prepare import prepare_entry
from tests.support.confirming import confirmed
from tests.support.synthetic import TASKS, SyntheticTask, digest, synthetic_checkpoint, synthetic_run
from tests.support.synthetic_board import STATEMENT, Folders

ITEMS = (500, 300, 300, 300, 300, 300)
BENCH_TASKS = tuple(
    SyntheticTask(task.name, task.family, task.group, task.guess_rate, n=n)
    for task, n in zip(TASKS, ITEMS, strict=True)
)
_BASE = {"jigsaw_2x2": 0.14, "math_addition": 0.97, "math_word": 0.91, "science_elements": 0.95, "vision_colour": 0.97,
         "vision_count": 0.93}  # fmt: skip


def write_board(root: Path, entries: int, per_track: int) -> None:
    """Write ``entries`` verified entries and the runs of their bases into ``root``, by the names that a board uses."""
    (root / "submissions").mkdir(parents=True)
    for track in range(-(-entries // per_track)):
        base, first = root / "runs" / f"base-{track}", root / "runs" / f"tuned-{track}"
        synthetic_run(base, BENCH_TASKS, name=f"base-{track}", accuracy=_BASE, seed=track)
        synthetic_run(first, BENCH_TASKS, name=f"first-{track}", accuracy={**_BASE, "jigsaw_2x2": 0.8}, seed=track + 1)
        made = prepare_entry(first, base, STATEMENT, root / "submissions", root / "bases")
        for number in range(1, min(per_track, entries - track * per_track)):
            _another(made.folder, f"tuned-{track}-{number}", seed=1000 * track + number)
    confirmed(Folders(root / "submissions", root / "bases", root / "runs"))


def _another(first: Path, name: str, seed: int) -> None:
    """One more entry like ``first``: other weights, other answers."""
    rng = np.random.default_rng(seed)
    record = json.loads((first / "tuned" / RECORD_FILE).read_text())
    checkpoint = synthetic_checkpoint(name)
    record["checkpoint"] = checkpoint.model_dump()
    draft = first.parent / f".{name}"
    (draft / "tuned").mkdir(parents=True)
    _write_answers(first / "tuned" / SAMPLES_FILE, draft / "tuned" / SAMPLES_FILE, rng)
    record["samples_sha256"] = file_sha256(draft / "tuned" / SAMPLES_FILE)
    (draft / "tuned" / RECORD_FILE).write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")
    old = json.loads((first / "tuned" / RECORD_FILE).read_text())["checkpoint"]
    manifest = (first / "manifest.yaml").read_text()
    for before, after in (
        (old["weights_digest"], checkpoint.weights_digest),
        (old["files"]["model.safetensors"], checkpoint.files["model.safetensors"]),
        (old["name"], name),
    ):
        manifest = manifest.replace(before, after)
    (draft / "manifest.yaml").write_text(manifest)
    assert files_digest(checkpoint.files) == checkpoint.weights_digest
    seal(draft)
    suite = record["suite"]
    base = _base_digest(manifest)
    draft.rename(first.parent / entry_id(f"{suite['name']}-{suite['version']}", base, checkpoint.weights_digest,
                                         suite["protocol"]))  # fmt: skip


def _write_answers(source: Path, target: Path, rng: np.random.Generator) -> None:
    table = pq.read_table(source)
    tasks = np.array(table["task"].to_pylist())
    accuracy = np.zeros(len(tasks))
    for task in BENCH_TASKS:
        alike = tasks == task.name
        # Fine-tunes differ in what they learn and lose; items have a difficulty that all of them share.
        shared = np.random.default_rng(int(digest(task.name)[:8], 16)).random(alike.sum())
        level = rng.uniform(0.3, 0.95) if task.family == "jigsaw" else _BASE[task.name] * rng.uniform(0.75, 1.0)
        hardness = np.where(rng.random(alike.sum()) < 0.1, rng.random(alike.sum()), shared)
        accuracy[alike] = hardness < level
    right = accuracy > 0
    places = np.arange(len(tasks)) % 7
    answers = [str(place if good else (place + 3) % 7) for place, good in zip(places, right, strict=True)]
    columns: dict[str, Any] = {
        "outcome": ["correct" if good else "wrong" for good in right],
        "output": [f"<answer>{answer}</answer> after thinking {rng.integers(10**9)}" for answer in answers],
        "extracted": answers,
        "score": right.astype(float),
    }
    for column, values in columns.items():
        at = table.column_names.index(column)
        table = table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
    pq.write_table(table, target, compression="zstd")


def _base_digest(manifest: str) -> str:
    """The base's weights digest: the first one in a manifest."""
    return manifest.split("weights_digest: ", 1)[1].split("\n", 1)[0].strip()
