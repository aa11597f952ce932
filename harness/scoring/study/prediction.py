"""Prediction: how well a number that is known of a training foretells what it forgets."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.scoring import statistics
from harness.scoring.study.results import Predictor, TrainingResult
from harness.scoring.task_scores import reasons

LEAST_PAIRS = 4
_MIDDLE = 1  # The index of normalised gain .5 among the levels.
_CORRELATIONS = 2_000


def predictors_of(trainings: Sequence[TrainingResult]) -> tuple[Predictor, ...]:
    """Possible predictors of forgetting (1 - retention): along all curves, and between trainings at the same gain."""
    lost = "forgetting (1 - retention)"
    found = []
    for field, name in (
        ("kl_target", "forward KL on target prompts"),
        ("kl_prior", "forward KL on prior prompts"),
        ("normalised_gain", "normalised gain"),
    ):
        groups = [
            [
                (value, 1 - point.retention_macro)
                for point in curve.points
                if (value := getattr(point, field)) is not None and point.retention_macro is not None
            ]
            for training in trainings
            for curve in training.curves
        ]
        found.append(predictor(name, f"{lost} over checkpoints", groups))
    between = [
        [
            (training.target_perplexity, 1 - kept)
            for kept in training.matched[_MIDDLE].by_seed
            if kept is not None and training.target_perplexity is not None
        ]
        for training in trainings
        # It asks the questions of its examples, and learns from answers of its own.
        if training.method != "rft"
    ]
    level = trainings[0].matched[_MIDDLE].normalised_gain
    found.append(predictor("perplexity of the training targets under the base", f"{lost} at gain {level:g}", between))
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


def spearman(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Spearman's rank correlation in [-1, 1], ties given their mean rank; None where it is not defined."""
    if len(pairs) < LEAST_PAIRS:
        return None
    from scipy.stats import rankdata

    x, y = (rankdata(side) for side in zip(*pairs, strict=True))
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.clip(np.corrcoef(x, y)[0, 1], -1, 1))
