"""Evaluate: one base and its fine-tunes on one suite; the run of each checkpoint is written once.

The base's tokenizer and chat template render the prompts of all checkpoints, so that both models of a pair see the same
tokens (harness/README.md, invariant 1). Answers go through the response store: the same command again generates only
what is missing.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from harness.engines import EngineError, Member, Placement
from harness.errors import CheckFailedError
from harness.evaluation.estimating import brief
from harness.evaluation.execution import Execution, PlacedEngine, open_execution
from harness.evaluation.plan import Plan, Watcher
from harness.evaluation.recording import is_current
from harness.records import lock_run


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
    for checkpoint in (plan.base, *plan.tuned):
        if left := checkpoint.contents.summary():
            watcher.ignored(checkpoint.record.name, left)
    if unused := plan.settings.unused():
        watcher.planned(f"engine {plan.settings.name} has no use for {', '.join(unused)}")
    failures: list[str] = []
    finished: list[Path] = []
    with open_execution(plan, watcher) as execution:
        for part in [_fitted(each) for each in execution.parts()]:
            _run_part(part, fail_on_error, finished, failures)
    folders = run_folders(plan)
    if failures:
        raise PlanFailedError(failures, [folder for folder in folders if folder in finished])
    return folders


def run_folders(plan: Plan) -> list[Path]:
    """The run folders of the base, one for each of its conditions, and of the tuned checkpoints in the plan's order."""
    parts = plan.parts()
    return [*(part.folder(part.base) for part in parts), *(plan.folder(checkpoint) for checkpoint in plan.tuned)]


def _fitted(execution: Execution) -> Execution:
    """Ready to run: bad tasks, and items that are too long, end the command here, before an engine starts."""
    members = [member for placement in execution.plan.placements for member in placement.members]
    if all(is_current(execution.plan, each) for each in members):
        return execution
    ready = execution.fitted()
    ready.watcher.planned(brief(ready.plan))
    return ready


def _run_part(execution: Execution, fail_on_error: float, finished: list[Path], failures: list[str]) -> None:
    """Run the checkpoints of a plan whose conditions are the same."""
    plan = execution.plan
    for placement in plan.placements:
        current = [member for member in placement.members if is_current(plan, member)]
        for member in current:
            _report_current(execution, member)
            finished.append(plan.folder(member.checkpoint))
        if not (missing := [member for member in placement.members if member not in current]):
            continue
        for result in _run_together(execution, placement.alone(*missing), fail_on_error):
            if isinstance(result, Path):
                finished.append(result)
            else:
                failures.append(str(result))


def _run_together(execution: Execution, placement: Placement, fail_on_error: float) -> Iterator[Path | Exception]:
    """The run of each member, or why it failed, by one engine for all of them.

    Once that engine has failed nobody knows whose fault it was: that member and those after it get one of their own, so
    that a bad adapter takes no good one along.
    """
    waiting = list(placement.members)
    with closing(PlacedEngine(execution, placement)) as shared:
        while waiting:
            try:
                yield run_member(execution, shared, waiting[0], fail_on_error)
            except CheckFailedError as error:
                yield error
            except EngineError as error:
                if len(placement.members) > 1:
                    break
                yield error
            del waiting[0]
    for member in waiting:
        with closing(PlacedEngine(execution, placement.alone(member))) as own:
            try:
                yield run_member(execution, own, member, fail_on_error)
            except (EngineError, CheckFailedError) as error:
                yield error


def _report_current(execution: Execution, member: Member) -> None:
    plan, watcher, name = execution.plan, execution.watcher, member.checkpoint.record.name
    watcher.checkpoint(name, _role(plan, member), execution.n_answers)
    watcher.answered(execution.n_answers)
    watcher.finished(name, plan.folder(member.checkpoint), execution.n_answers, 0)


def _role(plan: Plan, member: Member) -> str:
    return "base" if member.checkpoint is plan.base else "tuned"


def run_member(execution: Execution, engine: PlacedEngine, member: Member, fail_on_error: float) -> Path:
    """Write the run of one member to its folder, which is returned.

    ``CheckFailedError`` when more of its items failed than ``fail_on_error`` allows.
    """
    plan, watcher = execution.plan, execution.watcher
    folder = plan.folder(member.checkpoint)
    with lock_run(folder, lambda: watcher.waiting(folder)):
        watcher.checkpoint(member.checkpoint.record.name, _role(plan, member), execution.n_answers)
        started = time.monotonic()
        counts = engine.write_run(folder, member, engine.answer(member, execution.tasks), started)
    if counts.errors > (fail_on_error if fail_on_error >= 1 else fail_on_error * counts.answers):
        what = "items" if plan.sampling is None else "answers"
        raise CheckFailedError(
            f"{folder}: {counts.errors} of {counts.answers} {what} failed (first: {counts.first_error}); run the same "
            f"command again to retry them, or allow them with --fail-on-error {counts.errors}"
        )
    return folder
