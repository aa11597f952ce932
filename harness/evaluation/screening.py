"""Screening: sort many checkpoints by their gain without asking each of them the whole suite.

The base is run in full, once. Each tuned checkpoint is asked the first fifth of every task's items in an order fixed
beforehand, then the second, and so on, and is left as soon as its gain on the target is decided by the rule of
:mod:`harness.scoring.sequential`. What it answered is a run of part of the suite, marked as screened; the base is cut
to the same items to score the pair. Published numbers come from whole runs.
"""

import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.checkpoints import Checkpoint
from harness.engines import EngineError, placement, starting
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation.plan import Plan, Watcher
from harness.evaluation.run import run_plan
from harness.evaluation.store import STORE_FILE, ResponseStore, StoredEngine, Variant
from harness.items import items_digest
from harness.lmeval import LoadedTask, check_judges, cluster_ids, load_frozen, run_tasks, select_items
from harness.protocol import Engine
from harness.records import (
    SAMPLES_FILE,
    Outcome,
    Run,
    Sample,
    ScreenRecord,
    lock_run,
    read_run,
    write_record,
    write_samples,
)
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
    (base_folder,) = run_plan(replace(plan, tuned=()), watcher)
    base = read_run(base_folder)
    tasks = load_frozen(plan.suite, plan.tasks_folder)
    check_judges(tasks)
    looks = {name: sequential.look_rows(cluster_ids(loaded)) for name, loaded in tasks.items()}
    screened: list[Screened] = []
    failures: list[str] = []
    with ResponseStore(plan.out / STORE_FILE) as store:
        screening = _Screening(plan, target, base, tasks, looks, store, watcher)
        for checkpoint in plan.tuned:
            try:
                screened.append(screening.run(checkpoint))
            except (EngineError, CheckFailedError) as error:
                failures.append(str(error))
    return screened, failures


def cut(run: Run, to: Run) -> Run:
    """``run`` as if it had been screened like ``to``: the same items and no others, so that the two can be paired."""
    kept = run.samples[run.samples["item_id"].isin(set(to.samples["item_id"]))].reset_index(drop=True)
    fields = {"suite": to.record.suite, "screened": to.record.screened, "n_items": len(kept)}
    return Run(run.record.model_copy(update=fields), kept)


@dataclass(frozen=True)
class _Screening:
    plan: Plan
    target: str
    base: Run
    tasks: dict[str, LoadedTask]
    looks: dict[str, list[list[int]]]
    store: ResponseStore
    watcher: Watcher

    def run(self, checkpoint: Checkpoint) -> Screened:
        plan, name = self.plan, checkpoint.record.name
        self.watcher.checkpoint(name, "screened", plan.n_items)
        engine = self._engine(checkpoint)
        folder = plan.folder(checkpoint)
        folder = folder.with_name(f"{folder.name}-screened-{self.target}")
        with lock_run(folder, lambda: self.watcher.waiting(folder)):
            # Says, until the samples are there, that this run is unfinished and its stored answers are wanted.
            (folder / SAMPLES_FILE).with_suffix(".partial").touch()
            started = time.monotonic()
            try:
                samples, stopped = self._ask(engine, name)
            finally:
                engine.close()
            self._write(folder, checkpoint, engine, samples, stopped, time.monotonic() - started)
        self.watcher.finished(name, folder, engine.reused, engine.generated)
        tuned = read_run(folder)
        return Screened(folder, cut(self.base, tuned), tuned)

    def _engine(self, checkpoint: Checkpoint) -> StoredEngine:
        settings = self.plan.settings
        record, digest = placement.describe(settings, checkpoint), checkpoint.record.weights_digest

        def start() -> Engine:
            self.watcher.engine_starting(checkpoint.record.name, record.fingerprint)
            return starting.start(settings, [checkpoint])

        variant = Variant(digest, record, placement.asked_as(settings, checkpoint, record))
        return StoredEngine(self.store, variant, start)

    def _ask(self, engine: StoredEngine, name: str) -> tuple[list[Sample], ScreenRecord]:
        """Ask look by look until the rule stops; the samples in suite and document order."""
        boundaries = sequential.boundaries()
        samples: list[Sample] = []
        for look, boundary in enumerate(boundaries, start=1):
            rows = {task: rows[look - 1] for task, rows in self.looks.items()}
            part = {task: select_items(self.tasks[task], chosen) for task, chosen in rows.items() if chosen}
            for chunk in run_tasks(self.plan.suite, part, engine, self.plan.renderer, self.watcher.answered):
                samples += chunk
            if failed := [sample for sample in samples if sample.error is not None]:
                raise CheckFailedError(
                    f"{name}: {len(failed)} of {len(samples)} items failed (first: {failed[0].error}), so a screening "
                    "cannot decide; run the same command again to retry them, or evaluate without --screen"
                )
            z = self._z(samples)
            if abs(z) >= boundary:
                break
        place = {item_id: n for n, item_id in enumerate(i for task in self.tasks.values() for i in task.item_ids)}
        record = ScreenRecord(
            target=self.target,
            seed=sequential.SEED,
            look=look,
            looks=len(boundaries),
            z=round(z, 12),
            boundary=round(float(boundary), 12),
        )
        return sorted(samples, key=lambda sample: place[sample.item_id]), record

    def _z(self, samples: Sequence[Sample]) -> float:
        right = dict(zip(self.base.samples["item_id"], self.base.samples["outcome"] == Outcome.CORRECT, strict=True))
        transfer = self.plan.suite.record.transfer
        asked = [each for each in samples if each.family == self.target and each.task not in transfer]
        changes = [float(each.outcome is Outcome.CORRECT) - float(right[each.item_id]) for each in asked]
        return sequential.paired_z(changes, [sample.cluster_id for sample in asked])

    def _write(
        self,
        folder: Path,
        checkpoint: Checkpoint,
        engine: StoredEngine,
        samples: list[Sample],
        stopped: ScreenRecord,
        wall: float,
    ) -> None:
        sha256 = write_samples(folder / SAMPLES_FILE, [samples])
        counts = {task: sum(sample.task == task for sample in samples) for task in self.tasks}
        part = {
            "digest": items_digest(sample.item_id for sample in samples),
            "tasks": {task: count for task, count in counts.items() if count},
        }
        # All that is not of the checkpoint is as in the base's run, which this process has just made or checked.
        written = self.base.record.model_copy(
            update={
                "checkpoint": checkpoint.record,
                "engine": engine.record,
                "suite": self.plan.suite.record.model_copy(update=part),
                "n_items": len(samples),
                "samples_sha256": sha256,
                "created": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "wall_seconds": round(wall, 3),
                "screened": stopped,
            }
        )
        try:
            previous = read_run(folder).record
        except RetentionError:
            previous = None
        if engine.generated == 0 and previous is not None:
            # Nothing was asked anew: the run keeps the date and the duration of the one that asked.
            written = written.model_copy(update={"created": previous.created, "wall_seconds": previous.wall_seconds})
        write_record(folder, written)
