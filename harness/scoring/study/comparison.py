"""Study: several trainings on one target, each a curve of several seeds, compared at matched gain.

Every number is over the same items for all trainings, so that one resample of the items moves all curves together. An
interval is a bootstrap in two stages: the seeds of a training are drawn with replacement, and so are the items
(Efron 1979; METRICS.md, "Trajectories and studies"). With few seeds the first stage is coarse: three give ten
different draws. With one seed the interval is over the items alone.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from harness.records import Run
from harness.scoring import statistics
from harness.scoring.pairing import pair
from harness.scoring.scorecard import Scorecard
from harness.scoring.scorer import score_pair
from harness.scoring.study.results import Agreement, CurvePoint, Last, Matched, Predictor, SeedCurve, Tested, Verdict
from harness.scoring.task_scores import reasons
from harness.scoring.trajectory import LEVELS, curve_draws, joint_draws, retention_at
from harness.scoring.transitions import Floats

LEAST_PAIRS = 4
# Beside the gains at which trajectories are read, one near the end, where published comparisons are usually made.
STUDY_LEVELS = (*LEVELS, 0.9)


@dataclass(frozen=True)
class Seed:
    """One training with one seed: its checkpoints by optimiser step, rising, and the forward KL (on target prompts, on
    prior prompts) of those where it was measured."""

    seed: int
    runs: Mapping[int, Run]
    kl: Mapping[int, tuple[float | None, float | None]]


@dataclass(frozen=True)
class _Curve:
    """A seed's curve: by checkpoint, and by checkpoint and resample."""

    seed: int
    gains: Floats
    kept: Floats
    drawn_gains: Floats
    drawn_kept: Floats


class Curves:
    """The curves of all trainings of one target: what the numbers of a study are computed from."""

    def __init__(self, base: Run, trainings: Mapping[str, Sequence[Seed]], target: str) -> None:
        self._seeds = {name: tuple(seeds) for name, seeds in trainings.items()}
        # In an order of their own: a resample follows the columns, and must not follow the order of a plan.
        flat = [
            (name, seed, step) for name, seeds in sorted(self._seeds.items()) for seed in seeds for step in seed.runs
        ]
        runs = [seed.runs[step] for _, seed, step in flat]
        self._cards = {
            (name, seed.seed, step): score_pair(base, run, target)
            for (name, seed, step), run in zip(flat, runs, strict=True)
        }
        draws = joint_draws([pair(base, run).items for run in runs])
        drawn = {
            (name, seed.seed, step): curve_draws(self._cards[name, seed.seed, step], each)
            for (name, seed, step), each in zip(flat, draws, strict=True)
        }
        self._curves = {
            name: tuple(self._curve(name, seed, drawn) for seed in seeds if seed.runs)
            for name, seeds in self._seeds.items()
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
        curves = self._curves[name]
        return tuple(self._matched(name, curves, level) for level in STUDY_LEVELS)

    def compared(self, name: str, other: str, level: float) -> tuple[float | None, Floats]:
        """Retention of ``name`` less that of ``other`` at a gain, and its draws; None where one never gets there."""
        one, other_one = self._at(name, level), self._at(other, level)
        here = None if one[0] is None or other_one[0] is None else one[0] - other_one[0]
        return here, one[1] - other_one[1]

    def _curve(self, name: str, seed: Seed, drawn: Mapping[Any, tuple[Floats, Floats]]) -> _Curve:
        cards = [self._cards[name, seed.seed, step] for step in seed.runs]
        each = [drawn[name, seed.seed, step] for step in seed.runs]
        return _Curve(
            seed.seed,
            np.array([_number(card.learned.normalised_gain) for card in cards]),
            np.array([_number(card.retention_macro) for card in cards]),
            np.array([gain for gain, _ in each]),
            np.array([kept for _, kept in each]),
        )

    def _at(self, name: str, level: float) -> tuple[float | None, Floats]:
        """The mean over seeds of matched retention, None unless every seed gets there; and its draws, with NaN."""
        curves = self._curves[name]
        if not curves:
            return None, np.full(statistics.RESAMPLES, np.nan)
        here = np.array([retention_at(level, c.gains[:, None], c.kept[:, None])[0] for c in curves])
        drawn = np.array([retention_at(level, c.drawn_gains, c.drawn_kept) for c in curves])
        picked = draw_seeds(len(curves), drawn.shape[1], name)
        mean: Floats = np.take_along_axis(drawn, picked, axis=0).mean(axis=0)
        return (None if np.isnan(here).any() else float(here.mean())), mean

    def _matched(self, name: str, curves: Sequence[_Curve], level: float) -> Matched:
        by_seed = [float(retention_at(level, c.gains[:, None], c.kept[:, None])[0]) for c in curves]
        reached = [value for value in by_seed if not np.isnan(value)]
        here, drawn = self._at(name, level)
        fields: dict[str, Any] = {"retention_macro": here, "retention_macro_ci": _interval(drawn) if reached else None}
        if here is None:
            fields["retention_macro_ci"] = None
        missing = f"{len(reached)} of {len(by_seed)} seeds reach this gain"
        why = {
            "retention_macro": missing,
            "retention_macro_ci": missing if here is None else "too few of the resampled curves reach this gain",
        }
        return Matched(
            normalised_gain=level,
            seeds=len(by_seed),
            reached=len(reached),
            by_seed=tuple(None if np.isnan(value) else value for value in by_seed),
            **fields,
            reasons=reasons(fields, why),
        )


def draw_seeds(seeds: int, draws: int, name: str) -> NDArray[np.int64]:
    """Which seeds each resample takes, ``seeds`` x ``draws``: drawn with replacement, by a generator of the name's."""
    rng = np.random.default_rng([statistics.SEED, int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])])
    return rng.integers(0, seeds, size=(seeds, draws))


def check_claims(curves: Curves, claims: Sequence[tuple[str, str, str]]) -> tuple[Tested, ...]:
    """Each claim (keeps, than, source) at each of ``STUDY_LEVELS``: difference of retention, interval and verdict.

    The p-value is two-sided from the bootstrap, (1 + the smaller tail) * 2 / (1 + draws), and adjusted after Holm over
    all tests that could be made. "holds": the first keeps more; "contradicted": it keeps less; "undecided" else.
    """
    tests = [(keeps, than, source, level) for keeps, than, source in claims for level in STUDY_LEVELS]
    results = [curves.compared(keeps, than, level) for keeps, than, _, level in tests]
    p_values = [None if here is None else _two_sided(drawn) for here, drawn in results]
    made = [p for p in p_values if p is not None]
    adjusted = iter(statistics.holm(made))
    found = []
    for (keeps, than, source, level), (here, drawn), p in zip(tests, results, p_values, strict=True):
        p_holm = None if p is None else next(adjusted)
        fields: dict[str, Any] = {
            "difference": here,
            "difference_ci": None if here is None else _interval(drawn),
            "p_holm": p_holm,
        }
        never = "one of the two never reaches this gain with every seed"
        why = {
            "difference": never,
            "difference_ci": never if here is None else "too few of the resampled curves reach this gain",
            "p_holm": never if here is None else "too few of the resampled curves reach this gain",
        }
        found.append(
            Tested(
                keeps=keeps,
                than=than,
                source=source,
                normalised_gain=level,
                verdict=_verdict(here, p_holm),
                **fields,
                reasons=reasons(fields, why),
            )
        )
    return tuple(found)


def predictor(name: str, of: str, groups: Sequence[Sequence[tuple[float, float]]]) -> Predictor:
    """Spearman's rank correlation of (x, y) pairs, with a bootstrap interval over the groups they come in.

    A group is one training with one seed, whose checkpoints are not independent, so that whole groups are drawn. Null
    with fewer than ``LEAST_PAIRS`` pairs, or where x or y does not vary. Source: Spearman 1904.
    """
    pairs = [each for group in groups for each in group]
    rho = spearman(pairs)
    fields: dict[str, Any] = {"spearman": rho, "spearman_ci": None}
    kept = [list(group) for group in groups if group]
    if rho is not None and len(kept) >= LEAST_PAIRS:
        rng = np.random.default_rng([statistics.SEED, int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])])
        picked = rng.integers(0, len(kept), size=(_CORRELATIONS, len(kept)))
        drawn = [spearman([each for place in row for each in kept[place]]) for row in picked]
        there = np.array([value for value in drawn if value is not None])
        if len(there) >= (1 - statistics.ALPHA) * len(drawn):
            fields["spearman_ci"] = statistics.interval(there)
    few = f"{len(pairs)} pairs, or one side does not vary"
    why = {"spearman": few, "spearman_ci": few if rho is None else f"{len(kept)} trainings are too few to draw from"}
    return Predictor(name=name, of=of, pairs=len(pairs), trainings=len(kept), **fields, reasons=reasons(fields, why))


_CORRELATIONS = 2_000


def spearman(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Spearman's rank correlation in [-1, 1], ties given their mean rank; None where it is not defined."""
    if len(pairs) < LEAST_PAIRS:
        return None
    x, y = (rankdata(side) for side in zip(*pairs, strict=True))
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.clip(np.corrcoef(x, y)[0, 1], -1, 1))


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
    points = [(seed, point_of(step, card)) for seed, step, card in cards]
    fields: dict[str, Any] = {
        name: mean_over_seeds([getattr(point, name) for _, point in points])
        for name in ("score", "gain", "retention_macro", "forgotten_rate")
    }
    why = "no seed was evaluated on the whole suite" if not points else "not defined for every seed"
    return Last(
        by_seed=tuple(SeedCurve(seed=seed, points=(point,)) for seed, point in points),
        **fields,
        reasons=reasons(fields, dict.fromkeys(fields, why)),
    )


def point_of(step: int, card: Scorecard, kl_target: float | None = None, kl_prior: float | None = None) -> CurvePoint:
    """One checkpoint on the curve of its training; the forward KL where it was measured."""
    lost = [task.forgotten_rate for task in card.prior_tasks.values()]
    fields: dict[str, Any] = {
        "normalised_gain": card.learned.normalised_gain,
        "retention_macro": card.retention_macro,
        "retention_macro_ci": card.retention_macro_ci,
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
        gain_ci=card.learned.gain_ci,
        score=card.learned.score_tuned,
        unparsed=float(np.mean(unparsed)) if unparsed else 0.0,
        **fields,
        reasons=reasons(fields, why),
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _interval(drawn: Floats) -> tuple[float, float] | None:
    there = drawn[~np.isnan(drawn)]
    # With fewer, the limits would be those of the lucky resamples.
    return statistics.interval(there) if len(there) >= (1 - statistics.ALPHA) * len(drawn) else None


def _two_sided(drawn: Floats) -> float | None:
    there = drawn[~np.isnan(drawn)]
    if len(there) < (1 - statistics.ALPHA) * len(drawn):
        return None
    tail = min(int((there <= 0).sum()), int((there >= 0).sum()))
    return min(1.0, 2 * (1 + tail) / (1 + len(there)))


def _verdict(difference: float | None, p_holm: float | None) -> Verdict:
    if difference is None:
        return "not comparable"
    if p_holm is None or p_holm >= statistics.ALPHA or difference == 0:
        return "undecided"
    return "holds" if difference > 0 else "contradicted"
