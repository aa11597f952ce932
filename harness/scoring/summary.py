"""Summary: what several tasks say together: the target, the capability groups, retention and balance."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from harness.scoring import statistics
from harness.scoring.clusters import standard_error
from harness.scoring.kept import Kept, Units, is_above_chance, kept, mean_interval
from harness.scoring.scorecard import GroupScore, RestsOn, TargetScore, TaskScore, WorstGroup
from harness.scoring.task_scores import FEW_UNITS, NOTHING_TO_LOSE, Measured, reasons
from harness.scoring.transitions import Floats

NO_TARGET = "no target family was named"
NO_GAIN = "no gain shown: its 95 % interval holds 0 or less, so no balance"
NOT_ENOUGH = "not enough evidence"
_NO_PRIOR = "no prior task"
# Below this there is no number: the base is above chance on this share of the groups, the interval at most so wide.
LEAST_GROUPS = 0.5
WIDEST = 0.30

Interval = tuple[float, float]
TaskScores = Mapping[str, TaskScore]
Tasks = Mapping[str, Measured]


def score_target(scores: TaskScores, tasks: Tasks, target: str) -> TargetScore:
    """Gain, normalised gain and transfer gain (METRICS.md, "Learning"): means over tasks, each weighing the same."""
    names = [name for name, task in scores.items() if task.role == "target"]
    variants = [name for name, task in scores.items() if task.role == "transfer"]
    base = float(np.mean([scores[name].base for name in names]))
    tuned = float(np.mean([scores[name].tuned for name in names]))
    fields: dict[str, Any] = {
        "gain_ci": _gain_interval([tasks[name] for name in names]),
        "normalised_gain": (tuned - base) / (1 - base) if base < 1 else None,
        "transfer_gain": float(np.mean([scores[name].delta for name in variants])) if variants else None,
        "transfer_gain_ci": _gain_interval([tasks[name] for name in variants]) if variants else None,
    }
    no_variant = f"the suite marks no task of family {target} as a transfer task"
    why = {
        "gain_ci": FEW_UNITS,
        "normalised_gain": "the base answers every target item correctly",
        "transfer_gain": no_variant,
        "transfer_gain_ci": FEW_UNITS if variants else no_variant,
    }
    return TargetScore(
        family=target,
        tasks=tuple(names),
        n=sum(scores[name].n for name in names),
        score_base=base,
        score_tuned=tuned,
        gain=tuned - base,
        transfer_tasks=tuple(variants),
        **fields,
        reasons=reasons(fields, why),
    )


def _gain_interval(tasks: Sequence[Measured]) -> Interval | None:
    """Interval of the mean delta of independent tasks, from those of each; None where one has none."""
    intervals = [task.delta_interval for task in tasks]
    known = [each for each in intervals if each is not None]
    if len(known) < len(intervals):
        return None
    return combined([task.transitions.delta for task in tasks], known, lambda deltas: float(np.mean(deltas)))


def combined(
    values: Sequence[float], intervals: Sequence[Interval], function: Callable[[Sequence[float]], float]
) -> Interval:
    """Interval of a rising function of independent numbers from their own intervals.

    Each limit of one number moves the function by so much, the others kept; the squares of these add up. For a mean of
    numbers with symmetric intervals that is the usual interval. Source: Zou and Donner 2008, Statistics in Medicine 27.
    """
    here = function(values)
    moved = [
        [function([*values[:place], limit, *values[place + 1 :]]) - here for limit in interval]
        for place, interval in enumerate(intervals)
    ]
    return here - math.hypot(*(low for low, _ in moved)), here + math.hypot(*(high for _, high in moved))


def score_groups(scores: TaskScores, tasks: Tasks) -> tuple[dict[str, GroupScore], dict[str, Kept]]:
    """Each capability group of prior tasks, and what those kept on which the base is above chance."""
    members: dict[str, list[str]] = {}
    for name, task in scores.items():
        if task.role == "prior":
            members.setdefault(task.group, []).append(name)
    found = {group: group_kept(group, [tasks[name] for name in names]) for group, names in sorted(members.items())}
    groups = {group: _group(members[group], tasks, each) for group, each in found.items()}
    return groups, {group: each for group, each in found.items() if each is not None}


def group_kept(group: str, tasks: Sequence[Measured]) -> Kept | None:
    """What a group of tasks kept; None where the base is not shown to be above chance on all of it together."""
    labels, start = [], 0
    for task in tasks:
        labels.append(start + (np.arange(task.units) if task.clusters is None else task.clusters))
        start += task.units
    right = np.concatenate([task.shares[0] for task in tasks])
    guess = np.concatenate([task.guess_rate for task in tasks])
    if not is_above_chance(right, guess, np.concatenate(labels)):
        return None
    parts = [Units.of(task.shares, task.guess_rate, task.clusters) for task in tasks]
    return kept(group, Units.joined(parts))


def _group(names: Sequence[str], tasks: Tasks, found: Kept | None) -> GroupScore:
    fields: dict[str, Any] = dict.fromkeys(("retention", "retention_ci", "ratio", "ratio_ci"))
    if found is not None:
        fields = {
            "retention": found.one_sided,
            "retention_ci": mean_interval([found.one_sided], [found.error], found.units),
            "ratio": found.ratio,
            "ratio_ci": mean_interval([found.ratio], [found.error], found.units),
        }
    return GroupScore(
        tasks=tuple(names),
        n=sum(tasks[name].n for name in names),
        units=sum(tasks[name].units for name in names),
        **fields,
        reasons=reasons(fields, dict.fromkeys(fields, NOTHING_TO_LOSE)),
    )


def one_number(
    learned: TargetScore | None,
    targets: Sequence[Measured],
    groups: Mapping[str, GroupScore],
    found: Mapping[str, Kept],
) -> tuple[dict[str, Any], dict[str, str]]:
    """Retention, worst group and balance with their intervals, what they rest on, and why each null is null.

    retention_macro is the mean of the groups' one-sided retention, retention_ratio that of their ratios; balance the
    harmonic mean of clip(normalised gain, 0, 1) and min(retention_macro, 1), where the gain is shown to be positive
    (METRICS.md, "One number").
    """
    rests_on = _rests_on(groups, found)
    fields: dict[str, Any] = dict.fromkeys(
        (
            "retention_macro",
            "retention_macro_ci",
            "retention_ratio",
            "retention_ratio_ci",
            "worst_group",
            "balance",
            "balance_ci",
        )
    )
    fields["rests_on"] = rests_on
    missing = _missing_evidence(rests_on, found)
    why = dict.fromkeys(fields, missing or "")
    if missing is None:
        fields |= _retention(found)
    refused = _no_balance(learned)
    if refused is not None:
        why |= dict.fromkeys(("balance", "balance_ci"), refused)
    elif missing is None and learned is not None:
        fields |= _balance(learned, targets, fields["retention_macro"], fields["retention_macro_ci"])
    return fields, reasons(fields, why)


def _rests_on(groups: Mapping[str, GroupScore], found: Mapping[str, Kept]) -> RestsOn:
    used = [groups[name] for name in found]
    return RestsOn(
        groups=len(used),
        of_groups=len(groups),
        tasks=sum(len(group.tasks) for group in used),
        of_tasks=sum(len(group.tasks) for group in groups.values()),
        items=sum(group.n for group in used),
        units=sum(group.units or 0 for group in used),
    )


def _missing_evidence(rests_on: RestsOn, found: Mapping[str, Kept]) -> str | None:
    """Why what there is says too little of retention; None where it is enough."""
    if not rests_on.of_groups:
        return _NO_PRIOR
    shown = f"the base is above chance on {rests_on.groups} of {rests_on.of_groups} capability groups"
    if not found or rests_on.groups < LEAST_GROUPS * rests_on.of_groups:
        return f"{NOT_ENOUGH}: {shown}"
    low, high = _macro_interval(found, "one_sided")
    if high - low > WIDEST:
        return f"{NOT_ENOUGH}: anything from {100 * low:.0f} to {100 * high:.0f} % fits"
    return None


def _macro_interval(found: Mapping[str, Kept], name: str) -> Interval:
    each = list(found.values())
    return mean_interval(
        [getattr(one, name) for one in each], [one.error for one in each], min(one.units for one in each)
    )


def _retention(found: Mapping[str, Kept]) -> dict[str, Any]:
    worst = min(found, key=lambda name: (found[name].one_sided, name))
    return {
        "retention_macro": float(np.mean([each.one_sided for each in found.values()])),
        "retention_macro_ci": _macro_interval(found, "one_sided"),
        "retention_ratio": float(np.mean([each.ratio for each in found.values()])),
        "retention_ratio_ci": _macro_interval(found, "ratio"),
        "worst_group": WorstGroup(group=worst, retention=found[worst].one_sided),
    }


def _no_balance(learned: TargetScore | None) -> str | None:
    if learned is None:
        return NO_TARGET
    if learned.normalised_gain is None:
        return learned.reasons["normalised_gain"]
    return None if learned.gain_ci is not None and learned.gain_ci[0] > 0 else NO_GAIN


def _balance(learned: TargetScore, targets: Sequence[Measured], macro: float, macro_ci: Interval) -> dict[str, Any]:
    def balance(parts: Sequence[float]) -> float:
        gain, retention = (np.array([min(max(part, 0.0), 1.0)]) for part in parts)
        return statistics.harmonic_mean(gain, retention).item()

    parts = [learned.normalised_gain or 0.0, macro]
    return {
        "balance": balance(parts),
        "balance_ci": combined(parts, [_normalised_interval(learned, targets), macro_ci], balance),
    }


def _normalised_interval(learned: TargetScore, targets: Sequence[Measured]) -> Interval:
    """Interval of the normalised gain: that of the gain, stretched by what the base's own uncertainty adds.

    Linearised, the normalised gain G moves with (d_i + G (a_i - mean a)) / (1 - mean a), the gain with d_i.
    """
    room, normalised = 1 - learned.score_base, learned.normalised_gain or 0.0
    errors = [_error(targets, weight) for weight in (0.0, normalised)]
    stretch = errors[1] / errors[0] if errors[0] else 1.0
    low, high = learned.gain_ci or (learned.gain, learned.gain)
    return tuple((learned.gain + stretch * (limit - learned.gain)) / room for limit in (low, high))  # type: ignore[return-value]


def _error(targets: Sequence[Measured], weight: float) -> float:
    def values(task: Measured) -> Floats:
        found: Floats = task.difference + weight * task.shares[0]
        return found

    return math.sqrt(sum((standard_error(values(task), task.clusters) or 0.0) ** 2 for task in targets)) / len(targets)
