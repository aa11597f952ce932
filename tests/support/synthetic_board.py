"""Entries made from synthetic runs through the real code path: ``submit prepare``'s own function."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.records.run import read_record
from leaderboard.board.board import Track
from leaderboard.board.contest import Comparison, Placing
from leaderboard.entries.shelf import Shelf
from leaderboard.ledger.events import Flagged, Withdrawn
from leaderboard.submit.prepare import Prepared, prepare_entry
from tests.support.accepting import accepted, noted
from tests.support.explaining import written_for
from tests.support.synthetic import synthetic_run

PRIORS = ("math_addition", "math_word", "science_elements", "vision_colour", "vision_count")
BASE = {"jigsaw_2x2": 0.14, "math_addition": 0.97, "math_word": 0.91, "science_elements": 0.95,
        "vision_colour": 0.99, "vision_count": 0.93}  # fmt: skip

STATEMENT: dict[str, Any] = {
    "target": "jigsaw",
    "method": {"family": "sft", "learning_rate": 1e-5, "steps": 400, "seeds": [7]},
    "training_data": [
        {"id": "jigsaw-train", "role": "train", "license": "CC-BY-4.0", "overlap_with_suite": "train-split"}
    ],
    "selection": {"attempts_evaluated": 3, "chosen_by": "best on the development split"},
    "license": "Apache-2.0",
    "contact": {"handle": "ada"},
    "references": ["https://example.org/paper"],
    "consent": True,
}

HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
HOSTILE_NAME = "\u202egnp.exe\u200b{{ 7*7 }}<svg onload=alert(4)>"


@dataclass(frozen=True)
class Folders:
    """Where a synthetic board's inputs lie."""

    submissions: Path
    bases: Path
    runs: Path


def folders(root: Path) -> Folders:
    made = Folders(root / "submissions", root / "bases", root / "runs")
    made.submissions.mkdir(parents=True)
    synthetic_run(made.runs / "base", name="nano-base", accuracy=BASE)
    return made


def copied(made: Folders, root: Path) -> Folders:
    """The same inputs below ``root``, sooner than they could be made again."""
    shutil.copytree(made.submissions.parent, root, dirs_exist_ok=True)
    return Folders(*(root / path.name for path in (made.submissions, made.bases, made.runs)))


def add_entry(
    made: Folders,
    name: str,
    accuracy: Mapping[str, float],
    *,
    statement: Mapping[str, Any] | None = None,
    seed: int = 1,
    dynamics: Mapping[str, Any] | None = None,
    **run: Any,
) -> Prepared:
    """Write a tuned run and prepare its entry; ``accuracy`` says how it differs from the base, ``dynamics`` how the
    document of its dynamics differs from ``tests.support.explaining`` (None: it has none)."""
    folder, base = made.runs / f"tuned-{seed}", made.runs / "base"
    synthetic_run(folder, name=name, accuracy={**BASE, **accuracy}, seed=seed, **run)
    said = {**STATEMENT, **(statement or {})}
    why = None
    if dynamics is not None:
        digests = [read_record(each).checkpoint.weights_digest for each in (base, folder)]
        why = written_for(*digests, folder, **dynamics)
    return prepare_entry(folder, base, said, made.submissions, made.bases, dynamics=why)


def full_board(root: Path) -> Folders:
    """Five good entries (one with hostile texts everywhere it may have them) and two bad folders."""
    made = folders(root)
    lost = dict(zip(PRIORS, (0.62, 0.41, 0.58, 0.8, 0.37), strict=True))
    add_entry(made, "nano-sft", {"jigsaw_2x2": 0.86} | lost, seed=1, unparsed={"vision_count": 0.5})
    kept = dict(zip(PRIORS, (0.965, 0.9, 0.945, 0.985, 0.95), strict=True))
    rft = {"family": "rft", "algorithm": "grpo", "learning_rate": 1e-6, "steps": 27360, "kl_coefficient": 0.04}
    add_entry(made, "nano-grpo", {"jigsaw_2x2": 0.72} | kept, seed=2, statement={"method": rft}, dynamics={})
    near = dict(zip(PRIORS, (0.93, 0.82, 0.9, 0.97, 0.83), strict=True))
    rollouts = {"family": "sft-on-rollouts", "steps": 3000, "summary": "Correct rollouts of nano-grpo, then SFT."}
    add_entry(made, "nano-rollout-sft", {"jigsaw_2x2": 0.78} | near, seed=3, statement={"method": rollouts})
    add_entry(made, "nano-merge", {"jigsaw_2x2": 0.35}, seed=4, statement={"method": {"family": "merge"}})
    hostile = {
        "method": {"family": "other", "summary": HOSTILE, "replay": HOSTILE},
        "selection": {"attempts_evaluated": 1, "chosen_by": HOSTILE},
        "training_data": [
            {"id": f"=cmd|'/c calc'!A1 {HOSTILE}", "role": "train", "license": HOSTILE, "overlap_with_suite": "unknown"}
        ],
    }
    hostile_set = {"source": HOSTILE, "digest": "d" * 64, "examples": 1}
    add_entry(made, HOSTILE_NAME, {"jigsaw_2x2": 0.5, "math_word": 0.3}, seed=5, statement=hostile,
              dynamics={"training": [hostile_set]},
              packages={HOSTILE: HOSTILE}, created="2026-01-02T00:00:00Z", commit=HOSTILE)  # fmt: skip
    (made.submissions / "aaaaaaaaaaaa").mkdir()
    (made.submissions / "bbb<script>alert(3)<").mkdir()
    return made


def rich_board(root: Path) -> tuple[Folders, Path]:
    """Every kind of page: ``full_board`` with a training run, a second track, a flagged and a withdrawn entry.

    Returns the inputs and the folder of events.
    """
    made = full_board(root)
    run = {"family": "rft", "algorithm": "rloo", "learning_rate": 2e-6, "seeds": [3]}
    for seed, (steps, gain) in enumerate(((100, 0.4), (400, 0.62), (1600, 0.81)), start=11):
        lost = {task: BASE[task] * (1 - 0.06 * (seed - 10)) for task in PRIORS}
        statement = {"method": run | {"steps": steps}}
        add_entry(made, f"nano-rloo-{steps}", {"jigsaw_2x2": gain} | lost, seed=seed, statement=statement)
    add_entry(made, "nano-math", {"math_addition": 0.99, "math_word": 0.97, "vision_count": 0.7}, seed=21,
              statement={"target": "math"})  # fmt: skip
    shelf = Shelf(made.submissions, made.bases, root / "events", root / "releases")
    flagged = add_entry(made, "nano-doubted", {"jigsaw_2x2": 0.99}, seed=22)
    noted(shelf, Flagged, flagged.entry_id, reason=f"Outputs of two entries are the same. {HOSTILE}")
    gone = add_entry(made, "nano-withdrawn", {"jigsaw_2x2": 0.9}, seed=23)
    noted(shelf, Withdrawn, gone.entry_id, reason=f"The training data held test items. {HOSTILE}")
    accepted(shelf)
    return made, shelf.events


def without_gain(track: Track) -> Track:
    """The same track, had none of its entries shown a gain."""
    reason = "no gain shown"
    rows = []
    for row in track.rows:
        learned = row.card.learned.model_copy(update={"gain": 0.0, "gain_ci": (-0.02, 0.02)})
        card = row.card.model_copy(
            update={
                "target": learned,
                "balance": None,
                "balance_ci": None,
                "reasons": {**row.card.reasons, "balance": reason},
            }
        )
        rows.append(replace(row, card=card, placing=Placing(front=row.placing.front, reason=reason)))
    return replace(track, rows=tuple(rows), comparison=Comparison())
