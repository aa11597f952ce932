"""Tasks: all numbers of one task of a pair, and the resampled means that numbers over several tasks are made of."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.records import Outcome
from harness.scoring import statistics
from harness.scoring.knowledge import RETENTION_FLOOR, corrected_items, corrected_score, knowledge_change, retention
from harness.scoring.scorecard import Role, TaskScore
from harness.scoring.transitions import Floats, Transitions, f_true

TOO_WEAK = f"corrected base below {RETENTION_FLOOR}: too little to keep"
_NO_VERDICT = "verdicts are for prior and target-adjacent tasks"


@dataclass(frozen=True)
class Draws:
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
        """clip(retention, 0, 1) of each draw (METRICS.md, "One number")."""
        # As the corrected base goes to 0 from above, the clipped ratio goes to 1 or 0: take that limit.
        ratio: Floats = np.where(self.corrected_tuned > 0, 1.0, 0.0)
        np.divide(self.corrected_tuned, self.corrected_base, out=ratio, where=self.corrected_base > 0)
        return np.clip(ratio, 0, 1)


def correct(items: pd.DataFrame) -> tuple[Any, Any]:
    """Where the base's and the tuned model's outcomes are correct."""
    return items["base_correct"].to_numpy(), items["tuned_correct"].to_numpy()


def cluster_labels(items: pd.DataFrame) -> Any:
    """Cluster labels, or None where every item stands alone; an item without a cluster id is its own cluster."""
    ids = items["cluster_id"]
    if not (ids != "").any() or ids.is_unique:
        return None
    return pd.factorize(ids.where(ids != "", "item " + items["item_id"]))[0]


def draw(name: str, items: pd.DataFrame) -> Draws:
    """The task's bootstrap draws; both models' means of one draw are over the same items."""
    guess = items["guess_rate"].to_numpy(dtype=float)
    base, tuned = correct(items)
    values = np.column_stack([base, tuned, corrected_items(base, guess), corrected_items(tuned, guess)])
    return Draws(*statistics.resample(values, name, cluster_labels(items)).T)


def mcnemar(items: pd.DataFrame) -> float:
    """Exact McNemar p-value of one task (METRICS.md, "Statistics")."""
    counts = Transitions.count(*correct(items))
    return statistics.mcnemar(counts.n10, counts.n01)


def score_task(name: str, items: pd.DataFrame, draws: Draws, p: float, p_holm: float, role: Role) -> TaskScore:
    """All metrics of one task (METRICS.md, "Forgetting" and "Statistics"); rates in [0, 1]. No items raise
    ``ValueError``."""
    base, tuned = correct(items)
    unparsed = {side: (items[f"{side}_outcome"] == Outcome.UNPARSED).to_numpy(dtype=bool) for side in ("base", "tuned")}
    guess = items["guess_rate"].to_numpy(dtype=float)
    clusters = cluster_labels(items)
    units = len(items) if clusters is None else int(clusters.max()) + 1
    counts = Transitions.count(base, tuned)
    knowledge = knowledge_change(base, tuned, guess, unparsed["base"], unparsed["tuned"])
    corrected = (corrected_score(base, guess), corrected_score(tuned, guess))
    interval = statistics.interval(draws.delta)
    graded = items["tuned_score"].to_numpy(dtype=float) - items["base_score"].to_numpy(dtype=float)
    judged = role in ("prior", "adjacent")
    fields: dict[str, Any] = {
        "delta_se": statistics.standard_error(tuned.astype(float) - base, clusters),
        "forgotten_given_known": counts.forgotten_given_known,
        "retention": retention(*corrected),
        "verdict": statistics.verdict(counts.delta, interval[0], p_holm, units) if judged else None,
    }
    why = {
        "delta_se": "fewer than two independent items",
        "forgotten_given_known": "the base answered no item correctly",
        "retention": TOO_WEAK,
        "verdict": f"{role} task: {_NO_VERDICT}",
    }
    return TaskScore(
        family=items["family"].iloc[0],
        group=items["group"].iloc[0] or items["family"].iloc[0],
        role=role,
        n_clusters=units,
        **{name: getattr(counts, name) for name in ("n", "n11", "n10", "n01", "n00", "base", "tuned", "delta")},
        graded_base=items["base_score"].mean(),
        graded_tuned=items["tuned_score"].mean(),
        graded_delta=graded.mean(),
        graded_delta_ci=_graded_interval(name, graded, tuned.astype(float) - base, interval, clusters),
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
        off_list_base=items["base_off_list"].mean(),
        off_list_tuned=items["tuned_off_list"].mean(),
        truncated_base=(items["base_finish_reason"] == "length").mean(),
        truncated_tuned=(items["tuned_finish_reason"] == "length").mean(),
        mcnemar_p=p,
        mcnemar_p_holm=p_holm,
        minimum_detectable_difference=statistics.minimum_detectable_difference(counts.churn, counts.n),
        **fields,
        reasons=reasons(fields, why),
    )


def _graded_interval(
    name: str, graded: Floats, binary: Floats, interval: tuple[float, float], clusters: Any
) -> tuple[float, float]:
    if np.array_equal(graded, binary):
        return interval
    return statistics.interval(statistics.resample(graded[:, None], name, clusters)[:, 0])


def reasons(fields: dict[str, Any], why: dict[str, str]) -> dict[str, str]:
    """Why each null field is null."""
    return {name: why[name] for name, value in fields.items() if value is None}
