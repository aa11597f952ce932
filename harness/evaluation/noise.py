"""Noise floor: how far a base moves against a second run of itself (harness/scoring/METRICS.md, "Noise floor").

The second run generates everything anew, in another order and in batches of another size, and is kept beside the first.
What then differs between the two is what an engine's arithmetic does to answers, not what training did.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError

from harness.errors import CheckFailedError, RetentionError, first_problem
from harness.evaluation.plan import Plan, Watcher
from harness.evaluation.run import run_plan
from harness.records import Digest, Outcome, Run, StrictModel, read_run
from harness.scoring import Transitions, cluster_labels, difference_interval, pair, repeats_of

NOISE_FILE = "noise.json"

Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(ge=0, le=1)]


class TaskNoise(StrictModel):
    """One task of the base against itself: F = n10/n, BT = n01/n, and the 95 % interval of their difference,
    over clusters; null below two. Where answers were sampled, ``n`` counts items, and the others answers."""

    n: Count
    forgotten: Count
    learned: Count
    forgotten_rate: Rate
    backward_transfer: Rate
    delta_ci: tuple[float, float] | None
    outputs_differ: Count


class NoiseFloor(StrictModel):
    """``noise.json``, in the base's run folder: which two runs were compared, and what differed.

    ``second`` is the folder of the second run, beside the first; ``order_seed`` and ``batch`` are how it was generated.
    """

    schema_version: Literal[1] = 1
    second: Annotated[str, Field(pattern=r"\A[\w.-]+\z")]
    first_sha256: Digest
    second_sha256: Digest
    order_seed: int
    batch: Annotated[int, Field(gt=0)]
    tasks: dict[str, TaskNoise]

    @property
    def agrees(self) -> bool:
        """Whether every answer of the two runs was the same text."""
        return not any(task.outputs_differ for task in self.tasks.values())


def measure_noise(plan: Plan, watcher: Watcher, *, seed: int = 1) -> tuple[Path, NoiseFloor]:
    """Run ``plan``'s base twice, write ``noise.json`` into its run folder, and return that folder and the floor.

    Raises ``CheckFailedError`` when either run has failed items: a failure is not noise.
    """
    alone = replace(plan, tuned=())
    again = alone.repeated(seed)
    (first,) = run_plan(alone, watcher)
    (second,) = run_plan(again, watcher)
    floor = compare(read_run(first), read_run(second), second.name, again.settings.batch)
    (first / NOISE_FILE).write_text(floor.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return first, floor


def compare(first: Run, second: Run, second_name: str, batch: int) -> NoiseFloor:
    """The noise floor that two runs of one checkpoint show; pure."""
    if first.record.checkpoint.weights_digest != second.record.checkpoint.weights_digest:
        raise CheckFailedError("refused: a noise floor is of one checkpoint, but the two runs are of different weights")
    items = pair(first, second).items
    tasks = {}
    for name, rows in items.groupby("task"):
        one, two = ((rows[f"{side}_outcome"] == Outcome.CORRECT).to_numpy(dtype=bool) for side in ("base", "tuned"))
        counts, repeats = Transitions.count(one, two), repeats_of(rows)
        tasks[str(name)] = TaskNoise(
            n=counts.n // repeats,
            forgotten=counts.n10,
            learned=counts.n01,
            forgotten_rate=counts.forgotten_rate,
            backward_transfer=counts.backward_transfer,
            delta_ci=difference_interval(two.astype(float) - one, cluster_labels(rows), repeats),
            outputs_differ=int(np.sum((rows["base_output"] != rows["tuned_output"]).to_numpy())),
        )
    return NoiseFloor(
        second=second_name,
        first_sha256=first.record.samples_sha256,
        second_sha256=second.record.samples_sha256,
        order_seed=second.record.seed,
        batch=batch,
        tasks=tasks,
    )


def noise_run(base: Path) -> Run | None:
    """The second run of the base whose run folder is ``base``, for the scorer; None when no noise floor was measured.

    A floor that was measured on other answers than those now in the folder is a ``RetentionError``, not a None.
    """
    path = base / NOISE_FILE
    if not path.is_file():
        return None
    try:
        floor = NoiseFloor.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RetentionError(
            f"{path}: {first_problem(error)}; measure it again with `retention noise`, or delete it"
        ) from error
    second = read_run(base.parent / floor.second)
    if read_run(base).record.samples_sha256 != floor.first_sha256 or (
        second.record.samples_sha256 != floor.second_sha256
    ):
        raise RetentionError(
            f"{path}: was measured on other answers than those in the run folders now; measure it again with "
            "`retention noise`, or delete it"
        )
    return second
