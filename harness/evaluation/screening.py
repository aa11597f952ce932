"""Screening: sort many checkpoints by their gain without running each of them on the full suite.

The base is run in full, once. Each tuned checkpoint answers the first fifth of every task's items in an order fixed
beforehand, then the second, and so on, and stops as soon as its gain on the target is decided by the rule of
:mod:`harness.scoring.sequential`. What it answered is a run of part of the suite, marked as screened; the base is cut
to the same items to score the pair. Published numbers come from complete runs.
"""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from harness.checkpoints import Checkpoint
from harness.engines import EngineError, Member, Placement
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation.execution import Execution, PlacedEngine, open_execution, refuse_failed
from harness.evaluation.plan import Plan, Watcher
from harness.evaluation.run import run_plan
from harness.items import items_digest
from harness.lmeval import cluster_ids, select_items
from harness.records import SAMPLES_FILE, Outcome, Run, Sample, ScreenRecord, lock_run, read_run
from harness.scoring import sequential


@dataclass(frozen=True)
class Screened:
    """One checkpoint after its screening: its run folder, its run, and the base's run cut to the same items."""

    folder: Path
    base: Run
    tuned: Run


def screen(plan: Plan, target: str, watcher: Watcher) -> tuple[list[Screened], list[str]]:
    """Run the plan's base in full and screen each of its tuned checkpoints on the gain of ``target``.

    Also returns why checkpoints could not be screened: their engine failed, or items did, whose answers could have
    decided otherwise. One of them does not take the others with it.
    """
    if plan.sampling is not None:
        raise RetentionError("--screen: its stopping rule is for greedy answers; leave --temperature and --repeats out")
    screened: list[Screened] = []
    failures: list[str] = []
    bases = [run_plan(replace(part, tuned=()), watcher)[0] for part in plan.parts()]
    with open_execution(plan, watcher) as opened:
        for execution, folder in zip(opened.parts(), bases, strict=True):
            _screen_part(execution.fitted(), folder, target, screened, failures)
    return screened, failures


def _screen_part(execution: Execution, base: Path, target: str, screened: list[Screened], failures: list[str]) -> None:
    """Screen the tuned checkpoints of a plan whose conditions are the same; ``base`` is the run of the base in them."""
    looks = {name: sequential.look_rows(cluster_ids(loaded)) for name, loaded in execution.tasks.items()}
    screening = _Screening(execution, target, read_run(base), looks)
    for checkpoint in execution.plan.tuned:
        try:
            screened.append(screening.run(checkpoint))
        except (EngineError, CheckFailedError) as error:
            failures.append(str(error))


def cut(run: Run, to: Run) -> Run:
    """``run`` as if it had been screened like ``to``: the same items and no others, so that the two can be paired."""
    kept = run.samples[run.samples["item_id"].isin(set(to.samples["item_id"]))].reset_index(drop=True)
    fields = {"suite": to.record.suite, "screened": to.record.screened, "n_items": len(kept)}
    return Run(run.record.model_copy(update=fields), kept)


@dataclass(frozen=True)
class _Screening:
    execution: Execution
    target: str
    base: Run
    looks: dict[str, list[list[int]]]

    def run(self, checkpoint: Checkpoint) -> Screened:
        plan, watcher = self.execution.plan, self.execution.watcher
        watcher.checkpoint(checkpoint.record.name, "screened", plan.n_items)
        folder = plan.folder(checkpoint)
        folder = folder.with_name(f"{folder.name}-screened-{self.target}")
        with lock_run(folder, lambda: watcher.waiting(folder)):
            # Says, until the samples are there, that this run is unfinished and its stored answers are wanted.
            (folder / SAMPLES_FILE).with_suffix(".partial").touch()
            self._screen(folder, plan.placement_of(checkpoint))
        tuned = read_run(folder)
        return Screened(folder, cut(self.base, tuned), tuned)

    def _screen(self, folder: Path, placement: Placement) -> None:
        """Have the checkpoint answer until the rule stops, and write its run."""
        (member,) = placement.members
        started = time.monotonic()
        with closing(PlacedEngine(self.execution, placement)) as engine:
            samples, stopped = self._answers(engine, member)
            suite = self.execution.plan.suite.record.model_copy(update=self._part(samples))
            engine.write_run(folder, member, [samples], started, suite=suite, screened=stopped)

    def _answers(self, engine: PlacedEngine, member: Member) -> tuple[list[Sample], ScreenRecord]:
        """Answer look by look until the rule stops; the samples in suite and document order."""
        boundaries, tasks = sequential.boundaries(), self.execution.tasks
        samples: list[Sample] = []
        for look, boundary in enumerate(boundaries, start=1):
            rows = {task: rows[look - 1] for task, rows in self.looks.items()}
            part = {task: select_items(tasks[task], chosen) for task, chosen in rows.items() if chosen}
            for chunk in engine.answer(member, part):
                samples += chunk
            advice = "so a screening cannot decide; run the same command again to retry them, or evaluate without"
            refuse_failed(member.checkpoint.record.name, samples, f", {advice} --screen")
            z = self._z(samples)
            if abs(z) >= boundary:
                break
        place = {item_id: n for n, item_id in enumerate(i for task in tasks.values() for i in task.item_ids)}
        record = ScreenRecord(
            target=self.target,
            seed=sequential.SEED,
            look=look,
            looks=len(boundaries),
            z=round(z, 12),
            boundary=round(float(boundary), 12),
        )
        return sorted(samples, key=lambda sample: place[sample.item_id]), record

    def _part(self, samples: Sequence[Sample]) -> dict[str, object]:
        """The fields of a suite record for the part of the suite that was answered."""
        counts = {task: sum(sample.task == task for sample in samples) for task in self.execution.tasks}
        return {
            "digest": items_digest(sample.item_id for sample in samples),
            "tasks": {task: count for task, count in counts.items() if count},
        }

    def _z(self, samples: Sequence[Sample]) -> float:
        right = dict(zip(self.base.samples["item_id"], self.base.samples["outcome"] == Outcome.CORRECT, strict=True))
        transfer = self.execution.plan.suite.record.transfer
        decisive = [each for each in samples if each.family == self.target and each.task not in transfer]
        changes = [float(each.outcome is Outcome.CORRECT) - float(right[each.item_id]) for each in decisive]
        return sequential.paired_z(changes, [sample.cluster_id for sample in decisive])
