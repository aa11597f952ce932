"""Tasks: all numbers of one task of a pair, and the parts that numbers over several tasks are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from harness.scoring import statistics
from harness.scoring.answered import Answered
from harness.scoring.binary import effective_counts, jeffreys_interval
from harness.scoring.clusters import Clusters, Counts, cluster_sums, design_effect, standard_error
from harness.scoring.kept import is_above_chance
from harness.scoring.knowledge import corrected_score, knowledge_change
from harness.scoring.passes import score_passes
from harness.scoring.power import smallest_loss
from harness.scoring.repeats import by_item, repeat_effect, repeats_of
from harness.scoring.scorecard import Role, TaskScore
from harness.scoring.sign_flip import sign_flip
from harness.scoring.transitions import Bools, Floats, Transitions, f_true

NOTHING_TO_LOSE = "the base is not shown to be above chance: nothing to lose"
FEW_UNITS = "fewer than two independent units"
JUDGED: tuple[Role, ...] = ("prior", "adjacent")
_NO_VERDICT = "verdicts are for prior and target-adjacent tasks"


def correct(items: pd.DataFrame) -> tuple[Any, Any]:
    """Where the base's and the tuned model's outcomes are correct."""
    return items["base_correct"].to_numpy(), items["tuned_correct"].to_numpy()


def cluster_labels(items: pd.DataFrame) -> Any:
    """Cluster labels of the items, or None where every one stands alone; an item without a cluster id is its own."""
    items = one_answer(items)
    ids = items["cluster_id"]
    if not (ids != "").any() or ids.is_unique:
        return None
    return pd.factorize(ids.where(ids != "", "item " + items["item_id"]))[0]


def one_answer(items: pd.DataFrame) -> pd.DataFrame:
    """One row an item: of sampled answers the first."""
    return items[items["repeat"] == 0] if "repeat" in items else items


@dataclass(frozen=True)
class Measured:
    """The items of one task as arrays, and what its numbers and those over several tasks share.

    ``base`` and ``tuned`` say which answers are correct: one an item, or ``repeats`` where they were sampled, those to
    one item one after the other. ``guess_rate`` and ``clusters`` are of items.
    """

    name: str
    base: Bools
    tuned: Bools
    guess_rate: Floats
    clusters: Clusters | None
    repeats: int = 1

    @classmethod
    def of(cls, name: str, items: pd.DataFrame) -> "Measured":
        guess_rate = one_answer(items)["guess_rate"].to_numpy(dtype=float)
        return cls(name, *correct(items), guess_rate, cluster_labels(items), repeats_of(items))

    @cached_property
    def shares(self) -> tuple[Bools | Floats, Bools | Floats]:
        """Of each item the share of the base's answers that are correct, and of the tuned model's."""
        if self.repeats == 1:
            return self.base, self.tuned
        return by_item(self.base.astype(float), self.repeats), by_item(self.tuned.astype(float), self.repeats)

    @property
    def n(self) -> int:
        """Number of items."""
        return len(self.guess_rate)

    @property
    def units(self) -> int:
        """Number of independent units: clusters, or items."""
        return self.n if self.clusters is None else int(self.clusters.max()) + 1

    @cached_property
    def difference(self) -> Floats:
        """c_i - a_i of each item."""
        before, after = self.shares
        found: Floats = after.astype(float) - before
        return found

    @cached_property
    def _moves(self) -> Floats:
        """c - a of each answer."""
        return self.tuned.astype(float) - self.base

    @cached_property
    def transitions(self) -> Transitions:
        return Transitions.count(self.base, self.tuned)

    @cached_property
    def design_effect(self) -> float:
        """How many of the task's answers are worth one independent answer."""
        return design_effect(self.difference, self.clusters) * repeat_effect(self._moves, self.repeats)

    @cached_property
    def counts(self) -> Counts | None:
        """The moved items as so many independent ones; None with fewer than two units."""
        return effective_counts(self._moves, self.clusters, self.repeats)

    @cached_property
    def delta_interval(self) -> tuple[float, float] | None:
        """95 % interval of delta, None with fewer than two units (METRICS.md, "Statistics")."""
        return None if self.counts is None else jeffreys_interval(self.counts)

    @cached_property
    def p_value(self) -> float:
        """Exact sign-flip test of the clusters' sums (METRICS.md, "Statistics")."""
        sums = self._moves if self.repeats == 1 else self._moves.reshape(-1, self.repeats).sum(axis=1)
        return sign_flip(cluster_sums(sums[:, None], self.clusters)[:, 0].astype(np.int64))

    def smallest_loss(self, tests: int) -> float:
        """The smallest loss that would have been called forgot four times in five, among ``tests`` tests."""
        n = max(len(self.base) / self.design_effect, 1.0)
        return smallest_loss(self.transitions.churn, n, tests, self.units)

    @cached_property
    def above_chance(self) -> bool:
        return is_above_chance(self.shares[0], self.guess_rate, self.clusters)


def measure(frames: Mapping[str, pd.DataFrame]) -> dict[str, Measured]:
    """The tasks of a pair by name."""
    return {name: Measured.of(name, items) for name, items in frames.items()}


def adjusted_p(tasks: Mapping[str, Measured], roles: Mapping[str, Role]) -> dict[str, float]:
    """p-values adjusted after Holm over the tasks that get a verdict, by name."""
    judged = [name for name in tasks if roles[name] in JUDGED]
    return dict(zip(judged, statistics.holm([tasks[name].p_value for name in judged]), strict=True))


def score_task(
    task: Measured, answered: Answered, role: Role, p_holm: float | None, tests: int, margin: float
) -> TaskScore:
    """All metrics of one task (METRICS.md, "Forgetting" and "Statistics"); rates in [0, 1]. No items raise
    ``ValueError``. ``tests`` is how many Holm adjusted for, ``p_holm`` None where the task gets no verdict."""
    base, tuned, counts = task.base, task.tuned, task.transitions
    (unparsed_base, unparsed), (graded_base, graded_tuned) = answered.unparsed, answered.score
    guess = answered.guess_rate
    knowledge = knowledge_change(base, tuned, guess, unparsed_base, unparsed)
    corrected = (corrected_score(base, guess), corrected_score(tuned, guess))
    graded = by_item(graded_tuned, task.repeats) - by_item(graded_base, task.repeats)
    same = np.array_equal(graded, task.difference)
    fields: dict[str, Any] = {
        "delta_se": standard_error(task.difference, task.clusters),
        "delta_ci": task.delta_interval,
        "graded_delta_ci": (
            task.delta_interval if same else statistics.mean_interval(task.name, graded, task.clusters)
        ),
        "forgotten_given_known": counts.forgotten_given_known,
        "retention": corrected[1] / corrected[0] if task.above_chance else None,
        "p_holm": p_holm,
        "smallest_loss": None if p_holm is None else task.smallest_loss(tests),
        "verdict": None if p_holm is None else _verdict(task, p_holm, margin),
    }
    no_verdict = f"{role} task: {_NO_VERDICT}"
    why = {
        **dict.fromkeys(("delta_se", "delta_ci", "graded_delta_ci"), FEW_UNITS),
        "forgotten_given_known": "the base answered no item correctly",
        "retention": NOTHING_TO_LOSE,
        **dict.fromkeys(("p_holm", "smallest_loss", "verdict"), no_verdict),
    }
    return TaskScore(
        family=answered.family,
        group=answered.group or answered.family,
        role=role,
        n_clusters=task.units,
        design_effect=task.design_effect,
        n=task.n,
        **{name: getattr(counts, name) for name in ("n11", "n10", "n01", "n00", "base", "tuned", "delta")},
        graded_base=graded_base.mean(),
        graded_tuned=graded_tuned.mean(),
        graded_delta=graded.mean(),
        **{name: getattr(counts, name) for name in ("forgotten_rate", "backward_transfer", "churn")},
        knowledge_lost=knowledge.lost,
        knowledge_gained=knowledge.gained,
        f_true=f_true(counts, guess),
        corrected_base=corrected[0],
        corrected_tuned=corrected[1],
        format_loss=(base & unparsed).mean(),
        content_loss=(base & ~tuned & ~unparsed).mean(),
        **{
            f"{name}_{side}": where.mean()
            for name in ("unparsed", "off_list", "truncated")
            for side, where in zip(("base", "tuned"), getattr(answered, name), strict=True)
        },
        p_value=task.p_value,
        base_above_chance=task.above_chance,
        pass_at=score_passes(task.name, (base, tuned), task.clusters, task.repeats, task.delta_interval),
        **fields,
        reasons=reasons(fields, why),
    )


def _verdict(task: Measured, p_holm: float, margin: float) -> statistics.Verdict:
    retained = task.counts is not None and statistics.is_retained(task.counts, task.units, margin)
    return statistics.verdict(task.transitions.delta, p_holm, above_chance=task.above_chance, retained=retained)


def reasons(fields: dict[str, Any], why: dict[str, str]) -> dict[str, str]:
    """Why each null field is null."""
    return {name: why[name] for name, value in fields.items() if value is None}
