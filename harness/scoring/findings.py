"""Findings: whether any prior task was forgotten, became unreadable or raised an alarm, as a scorecard has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from harness.scoring.estimates import tasks_in
from harness.scoring.rules import Occurrence
from harness.scoring.sentence import became_unreadable
from harness.scoring.wording import point_interval, share

if TYPE_CHECKING:
    from harness.scoring.scorecard import Scorecard, TaskScore

State = Literal["shown", "not shown", "refuted", "undefined"]
Found = tuple[State, str]

_VERDICTS = ("forgot", "inconclusive", "nothing to lose")
_MOST_NAMED = 5


def look_for(rule: Occurrence, card: Scorecard) -> Found:
    """The state of ``rule`` and the finding in one line; ``RetentionError`` for a scope that ``card`` does not have."""
    names = list(card.prior_tasks) if rule.scope is None else tasks_in(rule.scope, card)
    tasks = {name: card.tasks[name] for name in names}
    if rule.word in _VERDICTS:
        return _verdicts(rule, {name: task for name, task in tasks.items() if task.verdict is not None})
    if rule.word == "unreadable":
        lost = [name for name in names if became_unreadable(name, card)]
        said = [f"{name} ({share(tasks[name].unparsed_tuned)})" for name in lost]
        return _present(said, "unreadable answers of the tuned model: ", "no task has become unreadable")
    alarms = [each for each in card.alarms if rule.word in ("alarm", each.kind)]
    said = [each.message for each in alarms if rule.scope is None or each.task in tasks]
    return _present(said, "", "no alarm" if rule.word == "alarm" else f"no alarm {rule.word}")


def _verdicts(rule: Occurrence, tasks: Mapping[str, TaskScore]) -> Found:
    if not tasks:
        return "undefined", f"{rule} is not defined: no prior task; take a suite with other families beside the target"
    if rule.word != "forgot":
        those = [name for name, task in tasks.items() if task.verdict == rule.word]
        return _present(those, f"{rule.word}: ", f"{rule.word}: no task of {len(tasks)}")
    return _forgot(rule, tasks)


def _forgot(rule: Occurrence, tasks: Mapping[str, TaskScore]) -> Found:
    verdicts = {name: task.verdict for name, task in tasks.items()}
    count = f"{len(tasks)} prior task{'s' if len(tasks) > 1 else ''}"
    if forgot := [f"{name} {point_interval(tasks[name].delta_ci)}" for name in _of(verdicts, "forgot")]:
        return "shown", f"forgot {len(forgot)} of {count}, points: {_listed(forgot)}: shown"
    if len(_of(verdicts, "nothing to lose")) == len(tasks):
        return "undefined", f"{rule} is not defined: the base is above chance on none of {count}; take tasks it can do"
    if unsure := _of(verdicts, "inconclusive"):
        return "not shown", f"not shown to have forgotten any of {count}; {_smallest(tasks, unsure)}"
    return "refuted", f"forgot none of {count}: shown"


def _of(verdicts: Mapping[str, str | None], word: str) -> list[str]:
    return [name for name, verdict in verdicts.items() if verdict == word]


def _smallest(tasks: Mapping[str, TaskScore], names: Sequence[str]) -> str:
    """The losses that the tasks of which nothing can be said would have shown."""
    losses = sorted(100 * (tasks[name].smallest_loss or 0.0) for name in names)
    span = f"{losses[0]:.1f}" if len(losses) == 1 else f"{losses[0]:.1f} to {losses[-1]:.1f}"
    return f"the smallest loss that this many items show is {span} points{' by task' if len(losses) > 1 else ''}"


def _present(found: Sequence[str], about: str, absent: str) -> Found:
    return ("shown", f"{about}{_listed(found)}") if found else ("refuted", absent)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
