"""A pair of checkpoints on a scripted engine, and runs of it that can be altered: what verification is tried on."""

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.engines import placement, starting
from harness.evaluation import verification
from harness.evaluation.plan import make_plan
from harness.evaluation.run import run_plan
from harness.evaluation.verification import Sources, plan_again, verify
from harness.lmeval import load_tasks
from harness.protocol import Completion, GenerateRequest
from harness.records.run import Run, read_run
from harness.records.samples import Outcome
from tests.support.evaluating import SETTINGS, Silent
from tests.support.fakes import RECORD, FakeEngine, part_of_nano, write_checkpoint

TASKS = ("math_arithmetic", "science_facts")
SEED = "5e" * 20
# By noise, the folder of runs that later worlds start from.
_RUNS: dict[float, Path] = {}


class Model(FakeEngine):
    """Answers correctly what the hash of the item and its own name decide; ``noise`` of them vary with the batch."""

    def __init__(self, answers: dict[str, str], name: str, noise: float = 0.0) -> None:
        super().__init__()
        self.answers, self.name, self.noise = answers, name, noise

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            self.asked.append(request.item_id)
            item = request.item_id
            knows = chance(self.name, item) < 0.7
            if chance("shaky", item) < self.noise:
                knows = chance(self.name, item, str(index), str(len(requests))) < 0.5
            yield index, Completion(f"The answer is {self.answers[item] if knows else 'unclear'}.", "stop", 1, 1)


def chance(*parts: str) -> float:
    return int.from_bytes(hashlib.sha256(" ".join(parts).encode()).digest()[:4]) / 2**32


@dataclass
class World:
    """Two checkpoints, their runs, and the engine they are answered by; ``noise`` is what later engines have."""

    root: Path
    suite: Path
    noise: float = 0.0

    @property
    def base(self) -> Path:
        return self.root / "base"

    @property
    def tuned(self) -> Path:
        return self.root / "tuned"

    @property
    def sources(self) -> Sources:
        return Sources(str(self.base), str(self.tuned), str(self.suite))

    def runs(self) -> tuple[Run, Run]:
        """Of the base and of the tuned checkpoint: answered once in a process for each noise, and copied after that."""
        if self.noise in _RUNS:
            shutil.copytree(_RUNS[self.noise], self.root / "runs")
        plan = make_plan(str(self.base), (str(self.tuned),), str(self.suite), "math", SETTINGS, self.root / "runs")
        base, tuned = run_plan(plan, Silent())
        if self.noise not in _RUNS:
            shutil.copytree(self.root / "runs", _RUNS.setdefault(self.noise, self.root / "answered"))
        return read_run(base), read_run(tuned)

    def verify(self, base: Run, tuned: Run, **options: Any) -> Any:
        plan = plan_again(base, tuned, self.sources, self.root / "again")
        return verify(base, tuned, plan, SEED, Silent(), **options)


@cache
def gold() -> dict[str, str]:
    """The answer to every item of ``TASKS``."""
    loaded = load_tasks(TASKS)
    return {doc["item_id"]: doc["answer"] for task in loaded.values() for doc in task.task.eval_docs}


def make_world(root: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Checkpoints and a suite below ``root``, and engines that answer by script until the test is over."""
    made = World(root, part_of_nano(root, *TASKS))
    write_checkpoint(made.base, seed=0)
    write_checkpoint(made.tuned, seed=1)
    monkeypatch.setattr(starting, "start", lambda placement: Model(gold(), placement.name, made.noise))
    monkeypatch.setattr(placement, "describe", lambda *_: RECORD)
    monkeypatch.setattr(verification, "choose", lambda _: "transformers")
    return made


def altered(run: Run, share: float, *, only_wrong: bool = True) -> Run:
    """The run with a share of its wrong answers turned correct, as somebody would who wants a better score."""
    samples = run.samples.copy()
    chosen = [row for row in samples.index if chance("altered", samples["item_id"][row]) < share]
    for row in chosen:
        if not only_wrong or samples.loc[row, "outcome"] != Outcome.CORRECT:
            samples.loc[row, ["outcome", "score"]] = [Outcome.CORRECT, 1.0]
    return replace(run, samples=samples)
