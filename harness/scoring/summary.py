"""Summary: what several tasks say together: the target, the capability groups, retention and balance."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.scoring import statistics
from harness.scoring.scorecard import GroupScore, TargetScore, TaskScore, WorstGroup
from harness.scoring.task_scores import TOO_WEAK, Draws, reasons
from harness.scoring.transitions import Floats

NO_TARGET = "no target family was named"
_NO_PRIOR = "no prior task has a defined retention"

TaskScores = Mapping[str, TaskScore]
TaskDraws = Mapping[str, Draws]


def score_target(tasks: TaskScores, draws: TaskDraws, target: str) -> TargetScore:
    """Gain, normalised gain and transfer gain (METRICS.md, "Learning"): means over tasks, each weighing the same."""
    names = [name for name, task in tasks.items() if task.role == "target"]
    variants = [name for name, task in tasks.items() if task.role == "transfer"]
    base = float(np.mean([tasks[name].base for name in names]))
    tuned = float(np.mean([tasks[name].tuned for name in names]))
    fields: dict[str, Any] = {
        "normalised_gain": (tuned - base) / (1 - base) if base < 1 else None,
        "transfer_gain": float(np.mean([tasks[name].delta for name in variants])) if variants else None,
        "transfer_gain_ci": statistics.interval(_gain(draws, variants)) if variants else None,
    }
    no_variant = f"the suite marks no task of family {target} as a transfer task"
    why = {
        "normalised_gain": "the base answers every target item correctly",
        "transfer_gain": no_variant,
        "transfer_gain_ci": no_variant,
    }
    return TargetScore(
        family=target,
        tasks=tuple(names),
        n=sum(tasks[name].n for name in names),
        score_base=base,
        score_tuned=tuned,
        gain=tuned - base,
        gain_ci=statistics.interval(_gain(draws, names)),
        transfer_tasks=tuple(variants),
        **fields,
        reasons=reasons(fields, why),
    )


def _gain(draws: TaskDraws, names: list[str]) -> Floats:
    gain: Floats = np.mean([draws[name].delta for name in names], axis=0)
    return gain


def normalised_gain_draws(tasks: TaskScores, draws: TaskDraws) -> Floats:
    """clip(normalised gain, 0, 1) of each draw; a base that solves everything leaves nothing to gain: 0."""
    names = [name for name, task in tasks.items() if task.role == "target"]
    base = np.mean([draws[name].base for name in names], axis=0)
    gain = _gain(draws, names)
    normalised: Floats = np.zeros_like(gain)
    np.divide(gain, 1 - base, out=normalised, where=base < 1)
    return np.clip(normalised, 0, 1)


def score_groups(tasks: TaskScores, draws: TaskDraws) -> tuple[dict[str, GroupScore], dict[str, Floats]]:
    """Each capability group of prior tasks: mean over its tasks of clip(retention, 0, 1), and its draws."""
    members: dict[str, list[str]] = {}
    for name, task in tasks.items():
        if task.role == "prior":
            members.setdefault(task.group, []).append(name)
    scores: dict[str, GroupScore] = {}
    group_draws: dict[str, Floats] = {}
    for group, names in sorted(members.items()):
        clipped = {name: min(max(r, 0.0), 1.0) for name in names if (r := tasks[name].retention) is not None}
        fields: dict[str, Any] = {"retention": None, "retention_ci": None}
        if clipped:
            group_draws[group] = np.mean([draws[name].clipped_retention for name in clipped], axis=0)
            fields["retention"] = float(np.mean(list(clipped.values())))
            fields["retention_ci"] = statistics.interval(group_draws[group])
        scores[group] = GroupScore(
            tasks=tuple(names),
            n=sum(tasks[name].n for name in names),
            **fields,
            reasons=reasons(fields, dict.fromkeys(fields, f"no task of the group is defined ({TOO_WEAK})")),
        )
    return scores, group_draws


def one_number(
    learned: TargetScore | None, groups: Mapping[str, GroupScore], group_draws: Mapping[str, Floats], gains: Floats
) -> tuple[dict[str, Any], dict[str, str]]:
    """retention_macro, worst_group and balance with their intervals, and why each null is null.

    retention_macro is the mean of the groups' retention; balance the harmonic mean of clip(normalised gain, 0, 1),
    whose draws are ``gains``, and retention_macro; all in [0, 1] (METRICS.md, "One number").
    """
    kept = {name: group.retention for name, group in groups.items() if group.retention is not None}
    macro = float(np.mean(list(kept.values()))) if kept else None
    macro_draws = np.mean([group_draws[name] for name in kept], axis=0) if kept else None
    worst = min(kept, key=lambda name: (kept[name], name)) if kept else None
    fields: dict[str, Any] = {
        "retention_macro": macro,
        "retention_macro_ci": None if macro_draws is None else statistics.interval(macro_draws),
        "worst_group": None if worst is None else WorstGroup(group=worst, retention=kept[worst]),
        "balance": None,
        "balance_ci": None,
    }
    why = dict.fromkeys(fields, _NO_PRIOR)
    if learned is None:
        why |= dict.fromkeys(("balance", "balance_ci"), NO_TARGET)
    elif learned.normalised_gain is None:
        why |= dict.fromkeys(("balance", "balance_ci"), learned.reasons["normalised_gain"])
    elif macro is not None and macro_draws is not None:
        gain = np.clip(np.array([learned.normalised_gain]), 0, 1)
        fields["balance"] = statistics.harmonic_mean(gain, np.array([macro])).item()
        fields["balance_ci"] = statistics.interval(statistics.harmonic_mean(gains, macro_draws))
    return fields, reasons(fields, why)
