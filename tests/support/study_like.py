"""A study's folder as its steps would leave it, without any training: checkpoints of a few bytes, synthetic runs."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from safetensors.numpy import save_file

from harness.checkpoints.checkpoint import nano_root, open_checkpoint
from harness.records.run import SuiteRecord
from harness.study.plan import load_plan
from harness.study.runner import Done, Folder, step_digests
from harness.study.steps import Study, Trained, link_checkpoint
from harness.suites.freezing import open_suite
from harness.training.record import write_record
from tests.support.explaining import document
from tests.support.synthetic import SyntheticTask, synthetic_run

PLAN: dict[str, Any] = {
    "name": "small",
    "title": "A small study",
    "base": "nano:base",
    "suite": "nano-1",
    "part": 40,
    "seeds": [0, 1],
    "drift": 4,
    "targets": {
        "jigsaw": {
            "config": "nano-jigsaw",
            "trainings": {
                "sft": {"method": "sft", "title": "SFT, 3e-4", "set": {"checkpoints.count": 5}},
                "sft-slow": {
                    "method": "sft",
                    "title": "SFT, 1e-4",
                    "set": {"checkpoints.count": 5, "optimisation.lr": 1e-4},
                },
                "rft": {"method": "rft", "title": "RFT", "set": {"checkpoints.count": 5}},
                "self-sft": {
                    "method": "self-sft",
                    "title": "Own samples",
                    "set": {"checkpoints.count": 5},
                    "policy": {"training": "base", "set": {"rollouts.kind": "self"}},
                },
            },
            "claims": [
                {"keeps": "rft", "than": ["sft", "sft-slow"], "source": "a paper"},
                {"keeps": "self-sft", "than": ["sft"], "source": "nobody"},
            ],
        }
    },
    "quick": {"seeds": [0]},
}
# Where each training ends: its share of the target that is solved and of the prior tasks that is kept.
ENDS = {"sft": (0.95, 0.4), "sft-slow": (0.9, 0.75), "rft": (0.8, 0.93), "self-sft": (0.2, 0.9)}
BASE = (0.19, 0.95)


def made_study(folder: Path, *, quick: bool = False, leave_out: tuple[str, ...] = ()) -> Study:
    """The study of ``PLAN`` below ``folder``, everything there but the trainings in ``leave_out`` (their keys)."""
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump(PLAN, sort_keys=False), encoding="utf-8")
    study = Study(load_plan(str(path), quick=quick), folder / "out")
    _write_part(study)
    part = open_suite(str(study.part("jigsaw"))).record
    _write_run(study, study.base.path, part, BASE, 0)
    _write_run(study, study.base.path, study.suite.record, BASE, 0)
    for number, each in enumerate(study.trained):
        if each.key.removeprefix("train/") in leave_out:
            continue
        _write_training(study, each, part, number)
    steps = study.steps()
    digests = step_digests(steps)
    for step in steps:
        Folder(study.out).record(step.key, Done(digest=digests[step.key], seconds=60.0, ended="2026-01-01T00:00:00Z"))
    return study


def _write_training(study: Study, trained: Trained, part: SuiteRecord, number: int) -> None:
    solved, kept = ENDS[trained.name]
    saved = trained.recipe.saved_steps
    for place, (step, folder) in enumerate(trained.checkpoints.items(), start=1):
        write_checkpoint(folder, number * 1000 + step)
        share = place / len(saved)
        where = (BASE[0] + share * (solved - BASE[0]), BASE[1] + share * (kept - BASE[1]))
        _write_run(study, folder, part, where, 1 + number * 1000 + step)
    write_training_record(trained)
    link_checkpoint(trained.last, study.model(trained))
    _write_run(study, study.model(trained), study.suite.record, (solved, kept), number)
    measured = document()
    drifts = []
    for place, folder in enumerate(trained.checkpoints.values(), start=1):
        drift = document()["drift"][0]
        drift["model"]["weights_digest"] = open_checkpoint(str(folder)).record.weights_digest
        drift["prior"]["forward_kl"] = 0.1 * place * (1 - kept)
        drifts.append(drift)
    measured["drift"] = drifts
    measured["base"]["weights_digest"] = study.base.record.weights_digest
    path = study.dynamics(trained)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(measured), encoding="utf-8")


def write_checkpoint(folder: Path, content: int) -> None:
    """A folder that ``open_checkpoint`` takes: the nano base's small files, one tensor that tells it apart, and so a
    configuration that states no sizes."""
    folder.mkdir(parents=True)
    for path in (nano_root() / "base").iterdir():
        if path.suffix in (".json", ".jinja") and path.name != "training_record.json":
            shutil.copy(path, folder / path.name)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    stated = {name: value for name, value in config.items() if not isinstance(value, dict)}
    (folder / "config.json").write_text(json.dumps(stated), encoding="utf-8")
    save_file({"w": np.array([content], dtype=np.float32)}, folder / "model.safetensors", metadata={"format": "pt"})


def write_training_record(trained: Trained) -> None:
    from harness.training.record import BaseModelRecord, DataRecord, record_of

    record = record_of(
        trained.recipe,
        BaseModelRecord(name="nano-base", weights_digest="a" * 64),
        DataRecord(source="nano-jigsaw", digest="b" * 64, examples=100),
        step=trained.recipe.saved_steps[-1],
        tokens=1000,
        target_tokens=100,
        rollouts=720 if trained.recipe.method == "rft" else 0,
        parameters=10,
        trained_parameters=10,
        curve=({"step": 1.0, "loss": 2.0},),
        wall_seconds=90.0,
        device="cpu",
        threads=1,
    )
    write_record(trained.last, record)


def _write_part(study: Study) -> None:
    path = study.part("jigsaw")
    path.parent.mkdir(parents=True)
    whole = study.suite
    tasks = {name: task.model_copy(update={"count": 40}) for name, task in whole.tasks.items()}
    name, _, version = path.stem.rpartition("-")
    fields = whole.model_copy(update={"name": name, "version": version, "tasks": tasks}).model_dump(mode="json")
    path.write_text(yaml.safe_dump(fields, sort_keys=False), encoding="utf-8")


def _write_run(study: Study, checkpoint: Path, suite: SuiteRecord, where: tuple[float, float], seed: int) -> None:
    record = open_checkpoint(str(checkpoint)).record
    tasks = [
        SyntheticTask(
            name, task.family, task.group or "", 1 / 24 if task.family == "jigsaw" else 0.0, suite.tasks[name]
        )
        for name, task in study.suite.tasks.items()
    ]
    folder = study.runs / f"{suite.name}-{suite.version}" / f"{record.name}-{record.weights_digest[:12]}" / "engine"
    accuracy = {task.name: where[0] if task.family == "jigsaw" else where[1] for task in tasks}
    synthetic_run(folder, tasks, accuracy=accuracy, churn=0.05, seed=seed, checkpoint=record, suite=suite)
