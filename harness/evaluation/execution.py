"""Execution: the one way in which evaluation, screening and verification have checkpoints answer and write runs."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.checkpoints import compare_prompts, tokenizers_agree
from harness.engines import EngineError, Member, Placement, end_if_imported_by_a_child, starting
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation.lengths import fitted
from harness.evaluation.plan import Plan, Watcher
from harness.evaluation.recording import Counts, keep_record, make_record
from harness.evaluation.store import STORE_FILE, ResponseStore, StoredEngine, Variant
from harness.evaluation.watching import Cost, FullWatcher, complete
from harness.lmeval import Draws, LoadedTask, check_judges, is_written, load_frozen, prompts_of, run_tasks
from harness.protocol import Engine
from harness.records import SAMPLES_FILE, Sample, write_samples


@dataclass(frozen=True)
class Execution:
    """A plan being carried out, with its response store.

    ``start`` starts the engine of a placement, where that is not to be a process of its own.
    """

    plan: Plan
    watcher: FullWatcher
    store: ResponseStore
    _loaded: dict[str, LoadedTask] = field(default_factory=dict)
    start: Callable[[Placement], Engine] | None = None

    @property
    def tasks(self) -> dict[str, LoadedTask]:
        """The suite's tasks, made and checked when they are first needed."""
        if not self._loaded:
            self.watcher.stage(f"loading {self.plan.n_items:,} items of {len(self.plan.suite.tasks)} tasks")
            tasks = load_frozen(self.plan.suite, self.plan.tasks_folder)
            check_judges(tasks)
            self._check_sampled(tasks)
            self._check_tokenizers(tasks)
            self._loaded.update(tasks)
        return self._loaded

    @property
    def n_answers(self) -> int:
        """The answers of one run: options are compared once, however often written answers are drawn."""
        if self.plan.sampling is None:
            return self.plan.n_items
        repeats = self.plan.sampling.repeats
        return sum(len(each.item_ids) * (repeats if is_written(each) else 1) for each in self.tasks.values())

    def parts(self) -> "tuple[Execution, ...]":
        """An execution of each part of the plan."""
        return tuple(replace(self, plan=part) for part in self.plan.parts())

    def fitted(self) -> "Execution":
        """The same with a length in which all items fit; ``RetentionError`` where they do not."""
        tasks = self.tasks
        self.watcher.stage("measuring the longest prompt")
        return replace(self, plan=fitted(self.plan, tasks))

    def _check_sampled(self, tasks: dict[str, LoadedTask]) -> None:
        if self.plan.sampling is not None and not any(map(is_written, tasks.values())):
            raise RetentionError(
                f"--temperature: suite {self.plan.suite.id} only compares options by their probability, where nothing "
                "is drawn; leave --temperature and --repeats out"
            )

    def _check_tokenizers(self, tasks: dict[str, LoadedTask]) -> None:
        """Before anything is generated: every checkpoint that is asked as the base reads the same ids."""
        plan, renderer = self.plan, self.plan.prompts.shared
        alike = [each for each in plan.tuned if plan.prompts.of(each) is renderer]
        if differing := [each for each in alike if not tokenizers_agree(plan.base, each)]:
            prompts = [(each.text, renderer.text_ids(each)) for each in prompts_of(tasks, renderer)]
            self.watcher.stage("comparing how the checkpoints read the prompts")
            for checkpoint in differing:
                compare_prompts(plan.base, checkpoint, prompts)


@contextmanager
def open_execution(plan: Plan, watcher: Watcher) -> Iterator[Execution]:
    """Carry out ``plan`` in the ``with`` block, which keeps its response store open."""
    end_if_imported_by_a_child()
    with ResponseStore(plan.out / STORE_FILE) as store:
        yield Execution(plan, complete(watcher), store)


class PlacedEngine:
    """The engine of a placement, started for the first answer that the store lacks, and shared by the members."""

    def __init__(self, execution: Execution, placement: Placement) -> None:
        self._execution = execution
        self._placement = placement
        self._engine: Engine | None = None
        self._stored: list[StoredEngine] = []
        self._recorded = 0

    def answer(self, member: Member, tasks: dict[str, LoadedTask]) -> Iterator[list[Sample]]:
        """The samples of ``tasks`` as ``member`` answers them; members co-scheduled with it answer into the store."""
        plan = self._execution.plan
        renderer = plan.prompts.of(member.checkpoint)
        together = self._placement.co_scheduled(member)
        members = (member, *(each for each in together if plan.prompts.of(each.checkpoint) is renderer))
        lead, *siblings = (Variant.of(each, self._placement.conditions, plan.replicate) for each in members)
        told, watcher = _task_of(tasks), self._execution.watcher
        stored = StoredEngine(
            self._execution.store, lead, self._start, siblings, seed=plan.seed,
            answered=lambda item_id, prompt, output: watcher.answer(told[item_id], prompt, output),
        )  # fmt: skip
        self._stored.append(stored)
        draws = None if plan.sampling is None else Draws(plan.sampling, plan.replicate)
        return run_tasks(plan.suite, tasks, stored, renderer, watcher.answered, draws)

    def generated(self, member: Member) -> int:
        """How many answers of ``member`` the engine has generated; the others were in the store."""
        return sum(each.generated_for.get(member.weights_digest, 0) for each in self._stored)

    def _cost(self, member: Member, items: int, seconds: float) -> Cost:
        found = [each.tokens_for.get(member.weights_digest, (0, 0)) for each in self._stored]
        generated = self.generated(member)
        return Cost(
            seconds, sum(prompt for prompt, _ in found), sum(output for _, output in found), generated,
            max(0, items - generated),
        )  # fmt: skip

    def write_run(
        self, folder: Path, member: Member, chunks: Iterable[list[Sample]], started: float, **fields: Any
    ) -> Counts:
        """Write the run of ``member`` to ``folder``: its samples, then its record, with ``fields`` in place of others.

        ``started`` is when the first item was put to it, on the clock of :func:`time.monotonic`.
        """
        counts = Counts()
        try:
            sampled = self._execution.plan.sampling is not None
            sha256 = write_samples(folder / SAMPLES_FILE, counts.through(chunks), sampled=sampled)
        except EngineError:
            self.close()  # The next member tries with a new one.
            raise
        except OSError as error:
            raise RetentionError(
                f"{folder}: cannot be written ({error.strerror or error}); every answer is in "
                f"{self._execution.store.path}: free some space, and the same command goes on from there"
            ) from error
        seconds = time.monotonic() - started
        record = make_record(self._execution.plan, member, counts, sha256, seconds)
        cost, watcher = self._cost(member, counts.answers, seconds), self._execution.watcher
        name = member.checkpoint.record.name
        generated = self._since_last()
        keep_record(folder, record.model_copy(update={"generated": generated, **fields}), cost.generated)
        watcher.cost(name, cost)
        watcher.finished(name, folder, cost.reused, cost.generated)
        return counts

    def _since_last(self) -> int:
        """How many answers the engine has generated, of all members, since the last run was recorded."""
        before, self._recorded = self._recorded, sum(sum(each.generated_for.values()) for each in self._stored)
        return self._recorded - before

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _start(self) -> Engine:
        if self._engine is None:
            fingerprint = self._placement.members[0].record.fingerprint
            self._execution.watcher.engine_starting(self._placement.name, fingerprint)
            self._engine = (self._execution.start or starting.start)(self._placement)
        return self._engine


def _task_of(tasks: dict[str, LoadedTask]) -> dict[str, str]:
    return {item_id: name for name, loaded in tasks.items() for item_id in loaded.item_ids}


def refuse_failed(name: str, samples: Sequence[Sample], consequence: str) -> None:
    """Raise ``CheckFailedError`` with ``consequence`` when an item of ``samples`` failed."""
    if failed := [sample for sample in samples if sample.error is not None]:
        raise CheckFailedError(
            f"{name}: {len(failed)} of {len(samples)} items failed (first: {failed[0].error}){consequence}"
        )
