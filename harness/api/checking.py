"""Checking: whether a fine-tune forgot, quickly: a fixed random part of the suite that fits the base, and a verdict."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Unpack, overload

from harness.api.commands import command_line
from harness.api.evaluating import (
    Evaluation,
    EvaluationFailedError,
    Reference,
    Settings,
    plan_pairs,
    run_pairs,
    templated,
)
from harness.checkpoints import open_checkpoint
from harness.errors import RetentionError
from harness.evaluation import Plan, Sizes, Watcher, complete, sizes_of
from harness.records import read_suite
from harness.report import verdict_lines
from harness.scoring import MARGIN, check_margin
from harness.suites import SuiteChoice, given_suite, suite_for

ITEMS = 100


@dataclass(frozen=True, kw_only=True)
class Check(Evaluation):
    """A checked pair: an evaluation of a part of a suite, with which suite was taken and why, the sizes of the part,
    and ``next``, a command that says more."""

    choice: SuiteChoice
    sizes: Sizes
    next: str

    @property
    def verdict(self) -> list[str]:
        """At most ten lines: what was learned, forgotten and retained, the worst task and what may explain it."""
        return verdict_lines(self.scorecard)

    def summary(self) -> str:
        """The verdict, the report's path and the next command, in plain text."""
        return "\n".join([*self.verdict, f"Report: {self.report}", f"Next: {self.next}"])


@dataclass(frozen=True)
class PlannedCheck:
    """A check about to run: the suite, and the sizes with the smallest losses that they can show."""

    choice: SuiteChoice
    sizes: Sizes
    plan: Plan
    _options: dict[str, Any] = field(repr=False)

    def run(self, watcher: Watcher | None = None, *, fail_on_error: float = 0) -> list[Check]:
        """Run the base and the tuned checkpoints; raises what :func:`check` raises once it has started."""
        try:
            found = run_pairs(self.plan, self._options["target"], watcher, fail_on_error, self._options["margin"])
        except EvaluationFailedError as error:
            raise EvaluationFailedError(str(error), map(self._check, error.evaluations)) from error
        return [self._check(each) for each in found]

    def _check(self, found: Evaluation) -> Check:
        return Check(**vars(found), choice=self.choice, sizes=self.sizes, next=self._next(found))

    def _next(self, found: Evaluation) -> str:
        """The whole suite; where data for it is missing, more items; where all were asked, what is done with a run."""
        given = self._options
        models, settings = [given["base"], *given["tuned"]], given["settings"]
        margin = None if given["margin"] == MARGIN else given["margin"]
        named = {name: given[name] for name in ("target", "out")} | {"margin": margin}
        named |= {"name": given["names"], "model": given["models"]}
        whole = read_suite(self.choice.suite)
        if self.choice.missing:
            most = max(task.count or 0 for name, task in whole.tasks.items() if name not in self.choice.missing)
            if (items := given["items"]) < most:
                return command_line("check", models, {**named, "items": min(4 * items, most)}, settings)
            return command_line("suite show", [whole.id], {}, {})
        if self.plan.suite.id != whole.id:
            return command_line("evaluate", models, {"suite": self.choice.suite, **named}, settings)
        if found.scorecard.target is not None and found.scorecard.noise is not None:
            return command_line("submit prepare", [str(found.folder)], {"target": given["target"]}, {})
        return command_line("runs show", [str(found.folder)], {}, {})


@overload
def check(
    base: Reference,
    tuned: Reference,
    *,
    target: str | None = None,
    suite: Reference | None = None,
    items: int = ITEMS,
    out: Reference = "runs",
    watcher: Watcher | None = None,
    fail_on_error: float = 0,
    models: Sequence[str] = (),
    names: Sequence[str] = (),
    **settings: Unpack[Settings],
) -> Check: ...


@overload
def check(
    base: Reference,
    tuned: list[str] | list[Path] | tuple[Reference, ...],
    *,
    target: str | None = None,
    suite: Reference | None = None,
    items: int = ITEMS,
    out: Reference = "runs",
    watcher: Watcher | None = None,
    fail_on_error: float = 0,
    models: Sequence[str] = (),
    names: Sequence[str] = (),
    **settings: Unpack[Settings],
) -> list[Check]: ...


def check(
    base: Reference,
    tuned: Reference | list[str] | list[Path] | tuple[Reference, ...],
    *,
    target: str | None = None,
    suite: Reference | None = None,
    items: int = ITEMS,
    out: Reference = "runs",
    watcher: Watcher | None = None,
    fail_on_error: float = 0,
    models: Sequence[str] = (),
    names: Sequence[str] = (),
    **settings: Unpack[Settings],
) -> Check | list[Check]:
    """Whether ``tuned`` forgot what ``base`` could, on a fixed random part of a suite: one check, or a list of them.

    The suite is the newest that fits the base and whose data can be had: core-vl for a model with a chat template that
    takes images, core-text for one that takes none, core-base without a template, nano-1 or nano-2 for the nano ones.
    ``suite`` names another one. ``items`` is the most items of each task, the first of the suite's random order, so
    that two checks of as many items can be paired; a run of a part is never taken for one of the suite. Without
    ``target``, the family that was trained, only forgetting is measured. The rest is as in :func:`evaluate`.

    Raises :class:`RetentionError` for what can be known beforehand, such as data that is not here, and
    :class:`EvaluationFailedError` when a checkpoint failed.

    >>> print(check("nano:base", "nano:sft", target="jigsaw", items=50).summary())
    """
    several: Sequence[Reference] = [tuned] if isinstance(tuned, str | os.PathLike) else tuned
    planned = plan_check(
        base,
        several,
        target=target,
        suite=suite,
        items=items,
        out=out,
        models=models,
        names=names,
        stage=complete(watcher).stage,
        **settings,
    )
    found = planned.run(watcher, fail_on_error=fail_on_error)
    return found if several is tuned else found[0]


def plan_check(
    base: Reference,
    tuned: Sequence[Reference],
    *,
    target: str | None = None,
    suite: Reference | None = None,
    items: int = ITEMS,
    out: Reference = "runs",
    models: Sequence[str] = (),
    names: Sequence[str] = (),
    margin: float = MARGIN,
    progress: Callable[[str], None] = lambda line: None,
    stage: Callable[[str], None] = lambda what: None,
    **settings: Unpack[Settings],
) -> PlannedCheck:
    """What :func:`check` will run, before any engine starts.

    ``margin``, a rate in (0, 1), is the loss that "retained" must rule out. ``progress`` is called with a line about
    the suite, ``stage`` with what is about to begin.
    """
    if items < 1:
        raise RetentionError(f"--items {items}: a check asks at least one item of each task")
    check_margin(margin)
    stage(f"reading checkpoint {os.fspath(base)}")
    choice = _choose(os.fspath(base), suite, settings)
    progress(f"Suite: {choice}{_left_out(choice)}")
    plan = plan_pairs(
        base,
        tuned,
        choice.suite,
        target,
        out,
        models,
        names,
        settings,
        items=items,
        without=choice.missing,
        stage=stage,
    )
    options = {
        "base": os.fspath(base),
        "tuned": [os.fspath(each) for each in tuned],
        "models": list(models),
        "names": list(names),
        "target": target,
        "items": items,
        "margin": margin,
        "out": None if os.fspath(out) == "runs" else os.fspath(out),
        "settings": dict(settings),
    }
    return PlannedCheck(choice, sizes_of(plan.suite, target), plan, options)


def _choose(base: str, suite: Reference | None, settings: Settings) -> SuiteChoice:
    if suite is not None:
        return given_suite(os.fspath(suite))
    return suite_for(open_checkpoint(base), templated=templated(settings))


def _left_out(choice: SuiteChoice) -> str:
    """Which part of the suite has no data here, and the way to it."""
    if not choice.missing:
        return ""
    total, sets = len(read_suite(choice.suite).tasks), list(dict.fromkeys(choice.missing.values()))
    return (
        f"; only the {total - len(choice.missing)} of its {total} tasks that need no data: {sets[0]} and "
        f"{len(sets) - 1} more sets are not here (connect to the hub, or --data-dir FOLDER)"
    )
