"""Arms: trainings as points. Does what is known of a training's data or drift foretell how much was forgotten?

The unit is the arm, its value the mean over its seeds. Seeds and checkpoints of one arm are not independent of each
other, and however many they are, they are one point here.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import numpy as np

from harness.scoring.statistics import ALPHA
from harness.scoring.study.comparison import mean_over_seeds
from harness.scoring.study.prediction import LEAST_PAIRS, spearman
from harness.scoring.study.results import CurvePoint, Matched, TargetResult, TrainingResult

Quantity = Literal["perplexity of the training data", "forward KL on prior prompts", "forward KL on target prompts"]
# So many arms have few enough orders (8! = 40,320) to count them all.
_MOST_COUNTED = 8
_DRIFT = {"forward KL on prior prompts": "kl_prior", "forward KL on target prompts": "kl_target"}


@dataclass(frozen=True)
class Arm:
    """One training as a point: ``x`` the quantity, ``forgotten`` 1 - retention, both means over its seeds."""

    training: TrainingResult
    x: float
    forgotten: float


@dataclass(frozen=True)
class Across:
    """A quantity against forgetting over the arms of a target.

    ``at`` is the normalised gain at which forgetting is read, None for the last checkpoint along training; ``absent``
    says of every other arm why it is no point. ``spearman`` is in [-1, 1], ``p`` its two-sided p-value over all orders
    of the arms (exact to eight arms, by Student's t above); both None where they are not defined.
    """

    quantity: Quantity
    at: float | None
    arms: tuple[Arm, ...]
    absent: tuple[tuple[TrainingResult, str], ...]
    spearman: float | None
    p: float | None

    @property
    def reading(self) -> Literal["more", "less", "undecided", "too few"]:
        """Whether more of the quantity goes with more or less forgetting, as far as the arms can say."""
        if self.spearman is None or self.p is None:
            return "too few"
        if self.p >= ALPHA:
            return "undecided"
        return "more" if self.spearman > 0 else "less"


def across_arms(target: TargetResult) -> tuple[Across, ...]:
    """The perplexity of what was learned from, and the drift, each against forgetting, arms as points."""
    level = common_level(target)
    return _perplexity(target, level), *(_drift(target, quantity) for quantity in _DRIFT)  # type: ignore[arg-type]


def common_level(target: TargetResult) -> float | None:
    """The highest matched gain that every training reaches with every seed; None where there is none."""
    reached = [
        {matched.normalised_gain for matched in training.matched if matched.retention_macro is not None}
        for training in target.trainings
    ]
    return max(set.intersection(*reached), default=None) if reached else None


def _perplexity(target: TargetResult, level: float | None) -> Across:
    arms, absent = [], []
    for training in target.trainings:
        lost = _forgotten(training, level)
        if training.method == "rft":
            absent.append((training, "learns from samples of its own, whose perplexity the study does not record"))
        elif training.target_perplexity is None:
            absent.append((training, training.reasons.get("target_perplexity", "not measured")))
        elif lost is None:
            absent.append((training, "its retention is not defined"))
        else:
            arms.append(Arm(training, training.target_perplexity, lost))
    return _related("perplexity of the training data", level, arms, absent)


def _drift(target: TargetResult, quantity: Quantity) -> Across:
    """At the last checkpoints along training, where drift and retention are those of the same weights."""
    arms, absent = [], []
    for training in target.trainings:
        drift = mean_over_seeds([getattr(point, _DRIFT[quantity]) for point in last_points(training)])
        lost = _forgotten(training, None)
        if drift is None:
            absent.append((training, "not measured for every seed"))
        elif lost is None:
            absent.append((training, "its retention is not defined"))
        else:
            arms.append(Arm(training, drift, lost))
    return _related(quantity, None, arms, absent)


def last_points(training: TrainingResult) -> Iterator[CurvePoint]:
    """The last checkpoint of each seed along training."""
    return (curve.points[-1] for curve in training.curves if curve.points)


def _forgotten(training: TrainingResult, level: float | None) -> float | None:
    if level is None:
        kept = mean_over_seeds([point.retention_macro for point in last_points(training)])
    else:
        kept = _at(training.matched, level).retention_macro
    return None if kept is None else 1 - kept


def _at(matched: Sequence[Matched], level: float) -> Matched:
    return next(each for each in matched if each.normalised_gain == level)


def _related(
    quantity: Quantity, at: float | None, arms: Sequence[Arm], absent: Sequence[tuple[TrainingResult, str]]
) -> Across:
    pairs = [(arm.x, arm.forgotten) for arm in arms]
    rho = spearman(pairs)
    return Across(quantity, at, tuple(arms), tuple(absent), rho, None if rho is None else permutation_p(pairs))


def permutation_p(pairs: Sequence[tuple[float, float]]) -> float:
    """Two-sided p-value of Spearman's correlation: the share of all orders with one as far from 0.

    Counted to eight pairs, Student's t above; at least ``LEAST_PAIRS`` pairs, neither side constant.
    """
    if len(pairs) < LEAST_PAIRS:
        raise ValueError(f"{len(pairs)} pairs: fewer than {LEAST_PAIRS}")
    from scipy.stats import rankdata, spearmanr

    x, y = (rankdata(side) for side in zip(*pairs, strict=True))
    if len(pairs) > _MOST_COUNTED:
        return float(spearmanr(x, y).pvalue)
    centred = y - y.mean()
    orders = np.array(list(permutations(x - x.mean())))
    found = np.abs(orders @ centred)
    return float(np.mean(found >= abs(float((x - x.mean()) @ centred)) - 1e-9 * math.prod((len(x), len(x)))))
