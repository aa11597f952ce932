"""Synthetic runs: run folders as an engine would leave them, without an engine.

Items depend on the task and their place alone, so every run made here answers the same questions. Each item has a
difficulty, the same for all models, that a model solves below its accuracy; ``churn`` of the items are drawn anew.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.items import files_digest, items_digest
from harness.records.run import CheckpointRecord, EngineRecord, Run, RunRecord, SuiteRecord, read_run, write_record
from harness.records.samples import JUDGE_VERSION, SAMPLES_FILE, Outcome, Sample
from harness.records.samples_file import write_samples


@dataclass(frozen=True)
class SyntheticTask:
    """A task of ``n`` items, ``per_cluster`` of them on one image where that is above 1; marks as in a suite.

    ``item_ids`` are those of real questions; without them ids are made of the task and the place.
    """

    name: str
    family: str
    group: str
    guess_rate: float = 0.0
    n: int = 200
    per_cluster: int = 1
    transfer: bool = False
    adjacent: tuple[str, ...] = ()
    item_ids: tuple[str, ...] = ()


JIGSAW = SyntheticTask("jigsaw_2x2", "jigsaw", "spatial", 1 / 24)
TASKS = (
    JIGSAW,
    SyntheticTask("math_addition", "math", "math"),
    SyntheticTask("math_word", "math", "math"),
    SyntheticTask("science_elements", "science", "science", 0.25),
    SyntheticTask("vision_colour", "vision", "vision", 0.25),
    SyntheticTask("vision_count", "vision", "vision"),
)
ENGINE = EngineRecord(name="synthetic", version="1.0", dtype="float32", mode="greedy", device="cpu")

OutputOf = Callable[[str, int, Outcome], str]


def digest(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def synthetic_run(
    folder: Path,
    tasks: Sequence[SyntheticTask] = TASKS,
    *,
    name: str = "base",
    accuracy: float | Mapping[str, float] = 0.9,
    unparsed: float | Mapping[str, float] = 0.0,
    churn: float = 0.05,
    seed: int = 0,
    outcomes: Mapping[str, Sequence[str]] | None = None,
    output: OutputOf | None = None,
    **record: Any,
) -> Run:
    """Write a run folder and read it back.

    ``accuracy`` and ``unparsed`` (share of the items not solved) are one number or one a task; ``outcomes`` states
    them item by item instead. ``output`` words an answer. ``record`` replaces fields of the run's record.
    """
    samples = [
        sample
        for task in tasks
        for sample in _task_samples(
            task,
            outcomes[task.name] if outcomes else _outcomes(task, _of(accuracy, task), _of(unparsed, task), churn, seed),
            output or _say,
        )
    ]
    sha256 = write_samples(folder / SAMPLES_FILE, [samples])
    fields: dict[str, Any] = {
        "checkpoint": synthetic_checkpoint(name),
        "suite": SuiteRecord(
            name="synthetic",
            version="1",
            digest=items_digest(sample.item_id for sample in samples),
            protocol="direct",
            tasks={task.name: task.n for task in tasks},
            transfer=tuple(task.name for task in tasks if task.transfer),
            adjacent={task.name: task.adjacent for task in tasks if task.adjacent},
        ),
        "engine": ENGINE,
        "decoding": {"max_tokens": 64, "temperature": 0.0},
        "seed": seed,
        "template_digest": digest("template"),
        "template_policy": "shared",
        "bos_count": 0,
        "packages": {"numpy": np.__version__},
        "n_items": len(samples),
        "n_errors": 0,
        "judge": JUDGE_VERSION,
        "samples_sha256": sha256,
        "created": "2026-01-01T00:00:00+00:00",
        "wall_seconds": 1.0,
    }
    write_record(folder, RunRecord(**(fields | record)))
    return read_run(folder)


def synthetic_checkpoint(name: str) -> CheckpointRecord:
    return CheckpointRecord(
        name=name,
        kind="full",
        source="local",
        weights_digest=files_digest({"model.safetensors": digest("weights", name)}),
        tokenizer_digest=digest("tokenizer"),
        files={"model.safetensors": digest("weights", name)},
        architecture="SyntheticForCausalLM",
    )


def _of(value: float | Mapping[str, float], task: SyntheticTask) -> float:
    return value if isinstance(value, int | float) else value.get(task.name, 0.0)


def _outcomes(task: SyntheticTask, accuracy: float, unparsed: float, churn: float, seed: int) -> list[str]:
    items = np.random.default_rng(int(digest(task.name)[:8], 16))
    model = np.random.default_rng([seed, int(digest("model", task.name)[:8], 16)])
    difficulty = items.random(task.n)
    redrawn = model.random(task.n) < churn
    difficulty[redrawn] = model.random(int(redrawn.sum()))
    silent = model.random(task.n) < unparsed
    return [
        "correct" if d < accuracy else "unparsed" if s else "wrong" for d, s in zip(difficulty, silent, strict=True)
    ]


def _say(task: str, place: int, outcome: Outcome) -> str:
    if outcome is Outcome.UNPARSED:
        return f"I would look at {task} item {place} again"
    return f"<answer>{place % 7 if outcome is Outcome.CORRECT else (place + 3) % 7}</answer>"


def _task_samples(task: SyntheticTask, outcomes: Sequence[str], output: OutputOf) -> list[Sample]:
    if len(outcomes) != task.n:
        raise ValueError(f"{len(outcomes)} outcomes for the {task.n} items of {task.name}")
    samples = []
    for place, outcome in enumerate(map(Outcome, outcomes)):
        text = output(task.name, place, outcome)
        near = (place % 3) / 4 if task.family == "jigsaw" and outcome is Outcome.WRONG else 0.0
        samples.append(
            Sample(
                item_id=task.item_ids[place] if task.item_ids else digest("item", task.name, place),
                task=task.name,
                family=task.family,
                group=task.group,
                cluster_id=f"image-{place // task.per_cluster}" if task.per_cluster > 1 else "",
                guess_rate=task.guess_rate,
                output=text,
                extracted=None if outcome is Outcome.UNPARSED else text.removeprefix("<answer>").split("<")[0],
                outcome=outcome,
                score=1.0 if outcome is Outcome.CORRECT else near,
                finish_reason="stop",
                n_prompt_tokens=32,
                n_output_tokens=len(text.split()),
                prompt_digest=digest("prompt", task.name, place),
                error=None,
            )
        )
    return samples
