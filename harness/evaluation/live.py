"""Live: a base, and again and again a model in memory that is trained from it, on the same items in one process.

The same plan, prompts, conditions, store and records as of any evaluation: only who starts the engine differs.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from harness.checkpoints import Checkpoint, same_tokenizer
from harness.engines import Placement
from harness.evaluation.execution import Execution, PlacedEngine
from harness.evaluation.plan import Plan, Watcher
from harness.evaluation.recording import is_current
from harness.evaluation.run import run_member
from harness.evaluation.store import STORE_FILE, ResponseStore
from harness.evaluation.watching import complete
from harness.lmeval import LoadedTask
from harness.protocol import Engine
from harness.records import Run, read_run
from harness.suites import part_of

_NOTE = "the tuned checkpoint was evaluated in training, with the weights in memory"

Start = Callable[[Placement], Engine]


class LiveEvaluation:
    """Evaluates the base of ``plan``, which names no fine-tune, and models in memory beside it.

    ``tuned`` is such a model before it is trained: the conditions of all of them are those of a pair with it. Raises
    ``CheckpointError`` where it cannot read the base's token ids.
    """

    def __init__(self, plan: Plan, tuned: Checkpoint, watcher: Watcher) -> None:
        same_tokenizer(plan.base, tuned)
        conditions = plan.conditions.beside(tuned, plan.prompts.shared.vocabulary)
        conditions = replace(conditions, pair_notes=(*conditions.pair_notes, _NOTE))
        self._plan = replace(plan, conditions=conditions)
        self._watcher = watcher
        self._tasks: dict[str, LoadedTask] = {}

    def evaluate_base(self, start: Start) -> tuple[Path, Run]:
        """The run folder of the base and its run: answers come from the store, and what is missing is generated."""
        with ResponseStore(self._plan.out / STORE_FILE) as store:
            self._plan = self._execution(self._plan, store, start).fitted().plan
            return self._run(self._execution(self._plan, store, start), self._plan.base)

    def evaluate(self, tuned: Checkpoint, start: Start) -> tuple[Path, Run]:
        """The run folder of ``tuned``, a model in memory that ``start`` makes an engine of, and its run."""
        plan = replace(self._plan, tuned=(tuned,))
        with ResponseStore(plan.out / STORE_FILE) as store:
            return self._run(self._execution(plan, store, start), tuned)

    def _execution(self, plan: Plan, store: ResponseStore, start: Start) -> Execution:
        return Execution(plan, complete(self._watcher), store, self._tasks, start)

    def _run(self, execution: Execution, checkpoint: Checkpoint) -> tuple[Path, Run]:
        placement = execution.plan.placement_of(checkpoint)
        (member,) = placement.members
        folder = execution.plan.folder(checkpoint)
        if not is_current(execution.plan, member):
            engine = PlacedEngine(execution, placement)
            try:
                run_member(execution, engine, member, 0)
            finally:
                engine.close()
        return folder, read_run(folder)


def only_first(plan: Plan, count: int | None) -> Plan:
    """``plan`` for the first ``count`` items of each task, which are a random sample; all of them for None."""
    return plan if count is None else replace(plan, suite=part_of(plan.suite, plan.tasks_folder, count))
