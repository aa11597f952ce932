"""Study: several trainings on one target, each a curve of several seeds, compared at matched gain.

The unit is the seed: what is claimed of a training is claimed of the seeds it was not run with. An interval of matched
retention is Student's over the seeds, and a claim is tested by Welch's t between the seeds of two trainings. One seed
says nothing of others: its interval is over the items alone, and every claim on it is undecided.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.records import Run
from harness.scoring import statistics
from harness.scoring.clusters import quantile
from harness.scoring.pairing import pair
from harness.scoring.scorecard import Scorecard
from harness.scoring.scorer import score_pair
from harness.scoring.study.results import (
    Agreement,
    CurvePoint,
    Last,
    Matched,
    SeedCurve,
    StudyResults,
    TargetResult,
    Tested,
    Verdict,
)
from harness.scoring.task_scores import reasons
from harness.scoring.trajectory import LEVELS, curve_draws, joint_draws, retention_at
from harness.scoring.transitions import Floats

LEAST_SEEDS = 2
# Beside the gains at which trajectories are read, one near the end, where published comparisons are usually made.
STUDY_LEVELS = (*LEVELS, 0.9)


@dataclass(frozen=True)
class Seed:
    """One training with one seed: its checkpoints by optimiser step, rising, and the forward KL (on target prompts, on
    prior prompts) of those where it was measured."""

    seed: int
    runs: Mapping[int, Run]
    kl: Mapping[int, tuple[float | None, float | None]]


class Curves:
    """The curves of all trainings of one target: what the numbers of a study are computed from."""

    def __init__(self, base: Run, trainings: Mapping[str, Sequence[Seed]], target: str) -> None:
        self._base = base
        self._seeds = {name: tuple(seeds) for name, seeds in trainings.items()}
        self._cards = {
            (name, seed.seed, step): score_pair(base, run, target)
            for name, seeds in sorted(self._seeds.items())
            for seed in seeds
            for step, run in seed.runs.items()
        }

    @property
    def cards(self) -> Mapping[tuple[str, int, int], Scorecard]:
        """The scorecard of every checkpoint, by training, seed and step."""
        return self._cards

    def seeds(self, name: str) -> tuple[SeedCurve, ...]:
        """The curve of each seed of a training, in the order of the seeds."""
        found = []
        for seed in self._seeds[name]:
            points = []
            for step in seed.runs:
                kl_target, kl_prior = seed.kl.get(step, (None, None))
                points.append(point_of(step, self._cards[name, seed.seed, step], kl_target, kl_prior))
            found.append(SeedCurve(seed=seed.seed, points=tuple(points)))
        return tuple(found)

    def matched(self, name: str) -> tuple[Matched, ...]:
        """Retention of a training at each of ``STUDY_LEVELS``, the mean over its seeds, with its interval."""
        seeds = [seed for seed in self._seeds[name] if seed.runs]
        drawn = self._over_items(name, seeds[0]) if len(seeds) == 1 else None
        return tuple(
            matched_over_seeds(level, [self._at(name, seed, level) for seed in seeds], self._spread(level, drawn))
            for level in STUDY_LEVELS
        )

    def _at(self, name: str, seed: Seed, level: float) -> float | None:
        cards = [self._cards[name, seed.seed, step] for step in seed.runs]
        gains, kept = (
            np.array([[_number(value)] for value in values])
            for values in ([card.learned.normalised_gain for card in cards], [card.retention_macro for card in cards])
        )
        found = float(retention_at(level, gains, kept)[0])
        return None if np.isnan(found) else found

    def _over_items(self, name: str, seed: Seed) -> tuple[Floats, Floats]:
        """Gains and retention of the only seed's checkpoints, by resample of the items."""
        draws = joint_draws([pair(self._base, run).items for run in seed.runs.values()])
        each = [
            curve_draws(self._cards[name, seed.seed, step], drawn) for step, drawn in zip(seed.runs, draws, strict=True)
        ]
        return np.array([gain for gain, _ in each]), np.array([kept for _, kept in each])

    @staticmethod
    def _spread(level: float, drawn: tuple[Floats, Floats] | None) -> tuple[float, float] | None:
        if drawn is None:
            return None
        found = retention_at(level, *drawn)
        there = found[~np.isnan(found)]
        # With fewer, the limits would be those of the lucky resamples.
        return statistics.interval(there) if len(there) >= (1 - statistics.ALPHA) * len(found) else None


def matched_over_seeds(
    level: float, by_seed: Sequence[float | None], alone: tuple[float, float] | None = None
) -> Matched:
    """The mean over seeds of retention at one gain, with Student's interval over them; ``alone`` is one seed's."""
    reached = [value for value in by_seed if value is not None]
    every = reached if len(reached) == len(by_seed) else []
    fields: dict[str, Any] = {"retention_macro": None, "retention_macro_ci": None}
    if every:
        fields = {"retention_macro": float(np.mean(every)), "retention_macro_ci": student_interval(every) or alone}
    missing = f"{len(reached)} of {len(by_seed)} seeds reach this gain"
    few = "too few of the resampled curves of the one seed reach this gain"
    return Matched(
        normalised_gain=level,
        seeds=len(by_seed),
        reached=len(reached),
        by_seed=tuple(by_seed),
        **fields,
        reasons=reasons(fields, {"retention_macro": missing, "retention_macro_ci": few if every else missing}),
    )


def student_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """95 % interval of a mean, by Student's t with as many degrees of freedom as there are values, less one."""
    if len(values) < LEAST_SEEDS:
        return None
    half = quantile(len(values)) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return float(np.mean(values)) - half, float(np.mean(values)) + half


def check_claims(
    matched: Mapping[str, Sequence[Matched]], claims: Sequence[tuple[str, str, str]]
) -> tuple[Tested, ...]:
    """Each claim (keeps, than, source) at each gain of ``matched``, retention by training: difference and verdict.

    The p-value is Welch's, two-sided, between the seeds of the two, adjusted after Holm over all tests that can be
    made. "holds": the first keeps more; "contradicted": it keeps less; "undecided" else, and always with one seed.
    Source: Welch 1947.
    """
    tests = [
        (claim, one, other) for claim in claims for one, other in zip(matched[claim[0]], matched[claim[1]], strict=True)
    ]
    found = [_welch(one, other) for _, one, other in tests]
    adjusted = iter(statistics.holm([p for _, _, p in found if p is not None]))
    return tuple(
        _tested(claim, one, difference, interval, None if p is None else next(adjusted))
        for (claim, one, _), (difference, interval, p) in zip(tests, found, strict=True)
    )


def _welch(one: Matched, other: Matched) -> tuple[float | None, tuple[float, float] | None, float | None]:
    """Difference of two means over seeds, its 95 % interval and p-value; None where there are none."""
    if one.retention_macro is None or other.retention_macro is None:
        return None, None, None
    difference = one.retention_macro - other.retention_macro
    values = [[value for value in side.by_seed if value is not None] for side in (one, other)]
    if min(map(len, values)) < LEAST_SEEDS or sum(float(np.var(side)) for side in values) == 0:
        return difference, None, None
    from scipy.stats import ttest_ind

    test = ttest_ind(*values, equal_var=False)
    interval = test.confidence_interval()
    return difference, (float(interval.low), float(interval.high)), float(test.pvalue)


def _tested(
    claim: tuple[str, str, str],
    one: Matched,
    difference: float | None,
    interval: tuple[float, float] | None,
    p_holm: float | None,
) -> Tested:
    fields: dict[str, Any] = {"difference": difference, "difference_ci": interval, "p_holm": p_holm}
    never = "one of the two never reaches this gain with every seed"
    alone = never if difference is None else "fewer than two seeds of each, or no spread among them"
    return Tested(
        keeps=claim[0],
        than=claim[1],
        source=claim[2],
        normalised_gain=one.normalised_gain,
        verdict=_verdict(difference, p_holm),
        **fields,
        reasons=reasons(fields, {"difference": never, "difference_ci": alone, "p_holm": alone}),
    )


def retest(results: StudyResults) -> StudyResults:
    """The same results with intervals and claims made anew from the retention of each seed that they hold."""
    return results.model_copy(
        update={"schema_version": 2, "targets": tuple(_retested(target) for target in results.targets)}
    )


def _retested(target: TargetResult) -> TargetResult:
    trainings = tuple(
        each.model_copy(update={"matched": tuple(_again(matched) for matched in each.matched)})
        for each in target.trainings
    )
    tests = check_claims({each.name: each.matched for each in trainings}, stated_claims(target))
    return target.model_copy(update={"trainings": trainings, "claims": tests, "agreement": count_verdicts(tests)})


def stated_claims(target: TargetResult) -> list[tuple[str, str, str]]:
    """The claims (keeps, than, source) that the results of a target test, in the order in which they were stated."""
    return list(dict.fromkeys((test.keeps, test.than, test.source) for test in target.claims))


def _again(matched: Matched) -> Matched:
    alone = matched.retention_macro_ci if matched.seeds < LEAST_SEEDS else None
    return matched_over_seeds(matched.normalised_gain, matched.by_seed, alone) if matched.by_seed else matched


def mean_over_seeds(values: Sequence[float | None]) -> float | None:
    """The mean, None where a seed has none."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None


def count_verdicts(tests: Sequence[Tested]) -> Agreement:
    """How many of the tests hold, are contradicted, stay undecided, or could not be made."""
    words = [test.verdict for test in tests]
    return Agreement(
        holds=words.count("holds"),
        contradicted=words.count("contradicted"),
        undecided=words.count("undecided"),
        not_comparable=words.count("not comparable"),
    )


def last_of(cards: Sequence[tuple[int, int, Scorecard]]) -> Last:
    """The last checkpoints, given as (seed, step, scorecard) on the whole suite."""
    return last_over_seeds([SeedCurve(seed=seed, points=(point_of(step, card),)) for seed, step, card in cards])


def last_over_seeds(by_seed: Sequence[SeedCurve]) -> Last:
    """Each seed's last checkpoint on the whole suite, the only point of its curve, and the means over the seeds."""
    fields: dict[str, Any] = {
        name: mean_over_seeds([getattr(curve.points[0], name) for curve in by_seed])
        for name in ("score", "gain", "retention_macro", "forgotten_rate")
    }
    why = "no seed was evaluated on the whole suite" if not by_seed else "not defined for every seed"
    return Last(by_seed=tuple(by_seed), **fields, reasons=reasons(fields, dict.fromkeys(fields, why)))


def point_of(step: int, card: Scorecard, kl_target: float | None = None, kl_prior: float | None = None) -> CurvePoint:
    """One checkpoint on the curve of its training; the forward KL where it was measured."""
    lost = [task.forgotten_rate for task in card.prior_tasks.values()]
    fields: dict[str, Any] = {
        "normalised_gain": card.learned.normalised_gain,
        "retention_macro": card.retention_macro,
        "retention_macro_ci": card.retention_macro_ci,
        "gain_ci": card.learned.gain_ci,
        "forgotten_rate": float(np.mean(lost)) if lost else None,
        "kl_target": kl_target,
        "kl_prior": kl_prior,
    }
    why = {
        **card.reasons,
        **card.learned.reasons,
        "forgotten_rate": "the suite has no prior task",
        "kl_target": "not measured",
        "kl_prior": "not measured",
    }
    unparsed = [task.unparsed_tuned for task in card.prior_tasks.values()]
    return CurvePoint(
        step=step,
        weights_digest=card.tuned.weights_digest or "",
        gain=card.learned.gain,
        score=card.learned.score_tuned,
        unparsed=float(np.mean(unparsed)) if unparsed else 0.0,
        **fields,
        reasons=reasons(fields, why),
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _verdict(difference: float | None, p_holm: float | None) -> Verdict:
    if difference is None:
        return "not comparable"
    if p_holm is None or p_holm >= statistics.ALPHA or difference == 0:
        return "undecided"
    return "holds" if difference > 0 else "contradicted"
