"""Estimates: the numbers of a scorecard that a rule may compare, each with its interval."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from harness.errors import RetentionError
from harness.scoring.definitions import find_metric

if TYPE_CHECKING:
    from harness.scoring.scorecard import Scorecard, TaskScore

# Numbers of the whole pair, of a capability group (or of all of them), and of a task.
OF_PAIR = ("transfer_gain", "balance", "worst_group", "alarms")
OF_GROUP = ("retention", "retention_ratio")
# Shares of a task's items, whose interval is Wilson's over as many items as the clustered ones are worth.
_SHARES = ("base", "tuned", "forgotten_rate", "backward_transfer", "forgotten_given_known", "churn", "format_loss",
           "content_loss", "unparsed_base", "unparsed_tuned", "off_list_base", "off_list_tuned", "truncated_base",
           "truncated_tuned")  # fmt: skip
# Numbers that are what they are: no sample is behind them, or they say themselves how sure a sample is.
_EXACT = ("p_value", "p_holm", "smallest_loss")
OF_TASK = ("delta", "graded_delta", *_SHARES, "forgotten_net", "forward_kl", "reverse_kl", *_EXACT)
GATED = (*OF_GROUP, "gain", "average_forgetting", *OF_PAIR, *OF_TASK)

_GROUP_FIELD = {"retention": "retention", "retention_ratio": "ratio", "worst_group": "retention"}
_PAIR_FIELD = {"retention": "retention_macro", "retention_ratio": "retention_ratio", "balance": "balance"}
_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Estimate:
    """One number and its 95 % interval, as they are stored (rates in [0, 1]); ``name`` is the task or group it is of,
    empty for the pair. The interval of an exact number is the number."""

    name: str
    value: float
    low: float
    high: float

    def widened(self, comparisons: int) -> Estimate:
        """The interval when so many are looked at and any of them counts: Bonferroni, each half stretched."""
        stretch = NormalDist().inv_cdf(1 - 0.025 / comparisons) / _Z
        low, high = (self.value + stretch * (limit - self.value) for limit in (self.low, self.high))
        return Estimate(self.name, self.value, low, high)


class UndefinedError(RetentionError):
    """A number that a scorecard does not have; the message says why."""


def of_pair(metric: str, card: Scorecard) -> Estimate:
    """A number of the whole pair; :class:`UndefinedError` with the scorecard's reason where it is null."""
    if metric == "alarms":
        return _exact("", len(card.alarms))
    if metric == "average_forgetting":
        return _forgetting("", list(card.prior_tasks), card)
    if metric in _PAIR_FIELD:
        return _stored("", card, _PAIR_FIELD[metric])
    if card.target is None:
        raise UndefinedError(card.reasons["target"])
    return _stored("", card.target, metric)


def of_scope(metric: str, scope: str, card: Scorecard) -> Estimate:
    """A number of one task, capability group or family; of several tasks, the mean of theirs.

    :class:`UndefinedError` where it is null, ``RetentionError`` where ``card`` has nothing of that name.
    """
    names = tasks_in(scope, card)
    if metric in OF_GROUP:
        return _of_groups(metric, scope, names, card)
    if metric == "gain":
        return _gain(scope, names, card)
    if metric == "average_forgetting":
        return _forgetting(scope, names, card)
    if len(names) > 1 and metric in _EXACT:
        raise RetentionError(f"{metric}[{scope}]: {scope} has {len(names)} tasks; name one of them: {', '.join(names)}")
    return _mean(scope, [_of_task(metric, name, card) for name in names])


def of_each(metric: str, each: str, card: Scorecard) -> list[Estimate]:
    """A number of every group, or of every prior task, that has it; :class:`UndefinedError` where none has."""
    found, reason = [], "no prior task"
    for name in card.groups if each == "group" else card.prior_tasks:
        tasks = card.groups[name].tasks if each == "group" else [name]
        try:
            found.append(_of_one(metric, name, tasks, card))
        except UndefinedError as error:
            reason = str(error)
    if not found:
        raise UndefinedError(reason)
    return found


def _of_one(metric: str, name: str, tasks: Sequence[str], card: Scorecard) -> Estimate:
    """Of one group or one task, which may have the same name."""
    if metric == "average_forgetting":
        return _forgetting(name, tasks, card)
    return _of_group(metric, name, card) if metric in OF_GROUP else _of_task(metric, name, card)


def tasks_in(scope: str, card: Scorecard) -> list[str]:
    """The tasks that ``scope`` names: a task, the prior tasks of a capability group, or those of a family."""
    if scope in card.tasks:
        return [scope]
    if scope in card.groups:
        return list(card.groups[scope].tasks)
    if found := [name for name, task in card.tasks.items() if task.family == scope]:
        return found
    raise unknown_scope(scope, [*card.tasks, *card.groups, *(task.family for task in card.tasks.values())])


def unknown_scope(scope: str, known: Sequence[str]) -> RetentionError:
    """The error of a rule about ``scope``, which is none of the tasks, groups and families in ``known``."""
    near = difflib.get_close_matches(scope, list(dict.fromkeys(known)), n=3)
    there = f"did you mean {' or '.join(near)}?" if near else f"there is {', '.join(sorted(set(known))[:30])}"
    return RetentionError(f"[{scope[:60]}]: no such task, group or family; {there}")


def _of_groups(metric: str, scope: str, names: Sequence[str], card: Scorecard) -> Estimate:
    if scope in card.groups:
        return _of_group(metric, scope, card)
    inside = [group for group, score in card.groups.items() if set(score.tasks) <= set(names)]
    if set(names) != {task for group in inside for task in card.groups[group].tasks}:
        groups = ", ".join(card.groups) or "none"
        raise RetentionError(
            f"{metric}[{scope}]: retention is of capability groups ({groups}), and {scope} is no whole one; write "
            f"forgetting[{scope}] for its points"
        )
    return _mean(scope, [_of_group(metric, group, card) for group in inside])


def _of_group(metric: str, group: str, card: Scorecard) -> Estimate:
    return _stored(group, card.groups[group], _GROUP_FIELD[metric])


def _gain(scope: str, names: Sequence[str], card: Scorecard) -> Estimate:
    if card.target is None:
        raise UndefinedError(card.reasons["target"])
    if scope == card.target.family:
        return _stored(scope, card.target, "gain")
    if not set(names) <= {*card.target.tasks, *card.target.transfer_tasks}:
        raise RetentionError(
            f"gain[{scope}]: the target is {card.target.family}; what changed elsewhere is delta[{scope}]"
        )
    return _mean(scope, [_of_task("delta", name, card) for name in names])


def _forgetting(scope: str, names: Sequence[str], card: Scorecard) -> Estimate:
    if not names:
        raise UndefinedError("no prior task")
    delta = _mean(scope, [_of_task("delta", name, card) for name in names])
    return Estimate(scope, 0.0 - delta.value, 0.0 - delta.high, 0.0 - delta.low)


def _of_task(metric: str, name: str, card: Scorecard) -> Estimate:
    part = find_metric(metric).fields[0].partition(".")[0]
    if part == "TaskScore":
        return _of_task_score(metric, name, card.tasks[name])
    holder = "noise" if part == "NoiseScore" else "drift"
    document = getattr(card, holder)
    if document is None:
        raise UndefinedError(card.reasons[holder])
    tasks: Mapping[str, Any] = document.tasks
    if name not in tasks:
        raise UndefinedError(f"{name} was not measured")
    return _stored(name, tasks[name], metric)


def _of_task_score(metric: str, name: str, task: TaskScore) -> Estimate:
    value = getattr(task, metric)
    if value is None:
        raise UndefinedError(task.reasons[metric])
    if metric in _EXACT:
        return _exact(name, value)
    if metric not in _SHARES:
        return _stored(name, task, metric)
    if task.design_effect is None:
        raise UndefinedError(task.reasons["design_effect"])
    items = task.n10 + task.n11 if metric == "forgotten_given_known" else task.n
    return Estimate(name, value, *_wilson(value, items / task.design_effect))


def _stored(name: str, part: Any, field: str) -> Estimate:
    """A field of ``part`` with the interval beside it."""
    for each in (field, f"{field}_ci"):
        if getattr(part, each) is None:
            raise UndefinedError(part.reasons[each])
    return Estimate(name, getattr(part, field), *getattr(part, f"{field}_ci"))


def _exact(name: str, value: float) -> Estimate:
    return Estimate(name, value, value, value)


def _mean(name: str, parts: Sequence[Estimate]) -> Estimate:
    """The mean of independent numbers: the squares of how far their limits are add up."""
    if len(parts) == 1:
        return Estimate(name, parts[0].value, parts[0].low, parts[0].high)
    value = math.fsum(part.value for part in parts) / len(parts)
    below = math.hypot(*(part.value - part.low for part in parts)) / len(parts)
    above = math.hypot(*(part.high - part.value for part in parts)) / len(parts)
    return Estimate(name, value, value - below, value + above)


def _wilson(rate: float, n: float) -> tuple[float, float]:
    """95 % interval of a share of ``n`` independent items. Source: Wilson 1927."""
    middle = (rate + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(rate * (1 - rate) / n + _Z**2 / (4 * n**2))
    return min(middle - half, rate), max(middle + half, rate)
