"""Scorer: from two runs to one scorecard."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness import __version__
from harness.errors import RetentionError
from harness.samples import Outcome, Run
from harness.scoring import statistics
from harness.scoring.alarms import find_alarms
from harness.scoring.knowledge import RETENTION_FLOOR, corrected_items, corrected_score, knowledge_change, retention
from harness.scoring.pairing import Pair, pair, visible
from harness.scoring.scorecard import (
    Bootstrap,
    GroupScore,
    ModelIdentity,
    Scorecard,
    TargetScore,
    TaskScore,
    WorstGroup,
)
from harness.scoring.transitions import Floats, Transitions, f_true

_TOO_WEAK = f"corrected base below {RETENTION_FLOOR}: too little to keep"
_NO_PRIOR = "no prior task has a defined retention"


def transitions(base: Run, tuned: Run) -> pd.DataFrame:
    """One row an item of the pair: its ``transition`` (learned, kept, forgotten, never) and both sides' answers.

    Columns as in ``pairing.Pair.items``; refuses what ``pairing.pair`` refuses (metrics.md, "Notation").
    """
    return pair(base, tuned).items


def score_pair(base: Run, tuned: Run, target: str) -> Scorecard:
    """Score ``tuned`` against ``base``: gain on the ``target`` family, forgetting on every other task.

    Raises ``CheckFailedError`` when the runs may not be compared and ``RetentionError`` when no task of the suite
    belongs to ``target`` (metrics.md, all sections).
    """
    joined = pair(base, tuned)
    families = sorted(set(joined.items["family"]))
    if target not in families:
        there = visible(", ".join(families)) or "no items"
        raise RetentionError(f"--target {target}: no such family; this suite has {there}")
    frames = {str(name): items for name, items in joined.items.groupby("task")}
    draws = {name: _draws(name, items) for name, items in frames.items()}
    p_values = {name: _mcnemar(items) for name, items in frames.items()}
    adjusted = dict(zip(p_values, statistics.holm(list(p_values.values())), strict=True))
    tasks = {
        name: _task_score(items, draws[name], p_values[name], adjusted[name], target) for name, items in frames.items()
    }
    return _scorecard(joined, tasks, draws, target)


@dataclass(frozen=True)
class _Draws:
    """Resampled means of one task, kept so that macro numbers get joint intervals."""

    base: Floats
    tuned: Floats
    corrected_base: Floats
    corrected_tuned: Floats

    @property
    def delta(self) -> Floats:
        return self.tuned - self.base

    @property
    def clipped_retention(self) -> Floats:
        # As the corrected base goes to 0 from above, the clipped ratio goes to 1 or 0: take that limit.
        ratio: Floats = np.where(self.corrected_tuned > 0, 1.0, 0.0)
        np.divide(self.corrected_tuned, self.corrected_base, out=ratio, where=self.corrected_base > 0)
        return np.clip(ratio, 0, 1)


def _correct(items: pd.DataFrame) -> tuple[Any, Any]:
    return tuple((items[f"{side}_outcome"] == Outcome.CORRECT).to_numpy(dtype=bool) for side in ("base", "tuned"))


def _clusters(items: pd.DataFrame) -> Any:
    """Cluster labels, or None where every item stands alone; an item without a cluster id is its own cluster."""
    if not (items["cluster_id"] != "").any():
        return None
    return items["cluster_id"].where(items["cluster_id"] != "", "item " + items["item_id"]).to_numpy(dtype=str)


def _mcnemar(items: pd.DataFrame) -> float:
    counts = Transitions.count(*_correct(items))
    return statistics.mcnemar(counts.n10, counts.n01)


def _draws(name: str, items: pd.DataFrame) -> _Draws:
    guess = items["guess_rate"].to_numpy(dtype=float)
    base, tuned = _correct(items)
    values = np.column_stack([base, tuned, corrected_items(base, guess), corrected_items(tuned, guess)])
    return _Draws(*statistics.resample(values, name, _clusters(items)).T)


def _task_score(items: pd.DataFrame, draws: _Draws, p: float, p_holm: float, target: str) -> TaskScore:
    base, tuned = _correct(items)
    unparsed = {side: (items[f"{side}_outcome"] == Outcome.UNPARSED).to_numpy(dtype=bool) for side in ("base", "tuned")}
    guess = items["guess_rate"].to_numpy(dtype=float)
    counts = Transitions.count(base, tuned)
    knowledge = knowledge_change(base, tuned, guess, unparsed["base"], unparsed["tuned"])
    corrected = (corrected_score(base, guess), corrected_score(tuned, guess))
    interval = statistics.interval(draws.delta)
    is_target = items["family"].iloc[0] == target
    fields: dict[str, Any] = {
        "delta_se": statistics.standard_error(tuned.astype(float) - base, _clusters(items)),
        "forgotten_given_known": counts.forgotten_given_known,
        "retention": retention(*corrected),
        "verdict": None if is_target else statistics.verdict(counts.delta, interval[0], p_holm),
    }
    why = {
        "delta_se": "fewer than two independent items",
        "forgotten_given_known": "the base answered no item correctly",
        "retention": _TOO_WEAK,
        "verdict": "target task: verdicts are for prior tasks",
    }
    return TaskScore(
        family=items["family"].iloc[0],
        group=items["group"].iloc[0] or items["family"].iloc[0],
        role="target" if is_target else "prior",
        **{name: getattr(counts, name) for name in ("n", "n11", "n10", "n01", "n00", "base", "tuned", "delta")},
        graded_base=items["base_score"].mean(),
        graded_tuned=items["tuned_score"].mean(),
        delta_ci=interval,
        **{name: getattr(counts, name) for name in ("forgotten_rate", "backward_transfer", "churn")},
        knowledge_lost=knowledge.lost,
        knowledge_gained=knowledge.gained,
        f_true=f_true(counts, guess),
        corrected_base=corrected[0],
        corrected_tuned=corrected[1],
        format_loss=(base & unparsed["tuned"]).mean(),
        content_loss=(base & ~tuned & ~unparsed["tuned"]).mean(),
        unparsed_base=unparsed["base"].mean(),
        unparsed_tuned=unparsed["tuned"].mean(),
        truncated_base=(items["base_finish_reason"] == "length").mean(),
        truncated_tuned=(items["tuned_finish_reason"] == "length").mean(),
        mcnemar_p=p,
        mcnemar_p_holm=p_holm,
        minimum_detectable_difference=statistics.minimum_detectable_difference(counts.churn, counts.n),
        **fields,
        reasons=_reasons(fields, why),
    )


def _scorecard(joined: Pair, tasks: dict[str, TaskScore], draws: dict[str, _Draws], target: str) -> Scorecard:
    learned, learned_draws = _target_score(tasks, draws, target)
    groups, group_draws = _group_scores(tasks, draws)
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
    if learned.normalised_gain is None:
        why |= dict.fromkeys(("balance", "balance_ci"), learned.reasons["normalised_gain"])
    elif macro is not None and macro_draws is not None:
        gain = np.clip(np.array([learned.normalised_gain]), 0, 1)
        fields["balance"] = statistics.harmonic_mean(gain, np.array([macro])).item()
        fields["balance_ci"] = statistics.interval(statistics.harmonic_mean(learned_draws, macro_draws))
    return Scorecard(
        base=ModelIdentity.of(joined.base),
        tuned=ModelIdentity.of(joined.tuned),
        suite=joined.base.suite,
        engine=joined.base.engine,
        decoding=joined.base.decoding,
        template_policy=joined.base.template_policy,
        target=learned,
        tasks=tasks,
        groups=groups,
        **fields,
        alarms=find_alarms(joined, tasks),
        margin=statistics.MARGIN,
        bootstrap=Bootstrap(resamples=statistics.RESAMPLES, seed=statistics.SEED),
        signature=_signature(joined, target),
        reasons=_reasons(fields, why),
    )


def _target_score(
    tasks: Mapping[str, TaskScore], draws: Mapping[str, _Draws], target: str
) -> tuple[TargetScore, Floats]:
    """Target numbers, and the resampled clip(normalised gain, 0, 1) that balance needs."""
    names = [name for name, task in tasks.items() if task.role == "target"]
    base = float(np.mean([tasks[name].base for name in names]))
    tuned = float(np.mean([tasks[name].tuned for name in names]))
    base_draws = np.mean([draws[name].base for name in names], axis=0)
    gain_draws = np.mean([draws[name].delta for name in names], axis=0)
    fields = {"normalised_gain": (tuned - base) / (1 - base) if base < 1 else None, "transfer_gain": None}
    why = {
        "normalised_gain": "the base answers every target item correctly",
        "transfer_gain": "the variants trained on are not declared",
    }
    score = TargetScore(
        family=target,
        tasks=tuple(names),
        n=sum(tasks[name].n for name in names),
        score_base=base,
        score_tuned=tuned,
        gain=tuned - base,
        gain_ci=statistics.interval(gain_draws),
        **fields,
        reasons=_reasons(fields, why),
    )
    room = 1 - base_draws
    normalised = np.divide(gain_draws, room, out=np.zeros_like(room), where=room > 0)
    return score, np.clip(normalised, 0, 1)


def _group_scores(
    tasks: Mapping[str, TaskScore], draws: Mapping[str, _Draws]
) -> tuple[dict[str, GroupScore], dict[str, Floats]]:
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
            reasons=_reasons(fields, dict.fromkeys(fields, f"no task of the group is defined ({_TOO_WEAK})")),
        )
    return scores, group_draws


def _reasons(fields: Mapping[str, Any], why: Mapping[str, str]) -> dict[str, str]:
    return {name: why[name] for name, value in fields.items() if value is None}


def _signature(joined: Pair, target: str) -> str:
    """One line that quotes a result whole, after sacrebleu: what was asked, of which models, how, how scored."""
    record = joined.base
    facts = {
        "retentionbench": __version__,
        "suite": f"{record.suite.name}@{record.suite.version}",
        "items": record.suite.digest[:12],
        "protocol": record.suite.protocol,
        "target": target,
        "n": len(joined.items),
        "engine": record.engine.environment,
        "decoding": ",".join(f"{name}={value}" for name, value in sorted(record.decoding.items())),
        "base": record.checkpoint.weights_digest[:12],
        "tuned": joined.tuned.checkpoint.weights_digest[:12],
        "bootstrap": f"{statistics.RESAMPLES}@{statistics.SEED}",
    }
    # Names come from files anyone may write: one that holds a separator must not forge a field.
    return "|".join(f"{name}:{re.sub(r'[^A-Za-z0-9@/.,=_+-]', '_', str(value))}" for name, value in facts.items())
