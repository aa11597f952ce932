"""Influence: what one training step on one example does to what the base says elsewhere (METRICS.md, "Why").

A step of plain gradient descent of size s on the loss L_u = -log p(y_u | x_u) changes the log-probabilities at a probe,
to first order, by -s A K G (Ren and Sutherland, arXiv 2407.10490, proposition 1): A is the Jacobian of log-softmax at
the probe, K the empirical neural tangent kernel between probe and example, G the gradient of the loss in the logits.
All positions of a text count together: A is block-diagonal, K has a block for each pair of positions, G is stacked.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.scoring import statistics
from harness.scoring.dynamics.document import InfluencePart, InfluenceScore, spread


def jacobian_norm(log_p: Any, exp: Callable[[Any], Any] = np.exp) -> float:
    """||A||_F^2 of the Jacobian of log-softmax, A = I - 1 p^T at each position: V - 2 + V sum_v p_v^2, summed.

    ``log_p`` are log-probabilities (positions x vocabulary), arrays or tensors with ``exp`` of their library. In
    [L(V - 1), 2L(V - 1)] for L positions: least where p is uniform, most where it is certain. Source: arXiv 2407.10490.
    """
    positions, vocabulary = log_p.shape
    return float(positions * (vocabulary - 2) + vocabulary * (exp(log_p) ** 2).sum())


def error_norm(log_p: Any, targets: Any, exp: Callable[[Any], Any] = np.exp) -> float:
    """||G||_F^2 of the gradient of the summed loss in the logits, G = p - e_y at each position, summed.

    ``targets`` are the M token ids that stand there. In [0, 2M]: 0 where each is certain already, 2M where another
    token is. Source: arXiv 2407.10490.
    """
    p = exp(log_p)
    told = p[range(len(targets)), targets]
    # A model sure of its token leaves about -1e-16.
    return max(float((p**2).sum() - 2 * told.sum() + len(targets)), 0.0)


def magnitude(change: float, jacobian: float, error: float, step: float) -> float:
    """||delta log p(x_v)||^2 / (s^2 ||A(x_v)||_F^2 ||G(x_u)||_F^2): a lower bound on ||K||_F^2, >= 0.

    ``change`` is the sum of squares of what one step of size ``step`` on x_u changed in the log-probabilities at all
    positions of x_v and over the whole vocabulary. The bound is stated for s = 1; dividing by s^2 gives the same
    number at any step small enough to be linear. ``ValueError`` where the example had nothing to teach (error 0).
    """
    if not (jacobian > 0 and error > 0 and step > 0):
        raise ValueError("influence: no step was taken, or it had nothing to teach")
    return change / (step**2 * jacobian * error)


def cosine(dot: float, one: float, other: float) -> float:
    """The cosine of two gradients from their product and norms, in [-1, 1]; rounding beyond 1 is cut.

    Between the gradients of log p(x_v) and log p(x_u), which the training step climbs: above 0 the step raises what
    the base says at the probe, below 0 it lowers it. ``ValueError`` where one has no length.
    """
    if not (one > 0 and other > 0):
        raise ValueError("influence: a gradient is zero, and has no direction")
    return min(max(dot / (one * other), -1.0), 1.0)


@dataclass(frozen=True)
class Pair:
    """One step on one training example and what it did at one probe.

    ``slope`` is the product of the gradients of log p(y_u) and log p(y_v): what log p(y_v) changes by per unit of step,
    in nats. ``expected`` = step * slope is the first-order change of log p(y_v), and ``actual`` the change of the real
    step: where the two agree, the step was small enough for the formulas.
    """

    kind: str
    example: str
    probe: str
    task: str
    magnitude: float
    direction: float
    slope: float
    expected: float
    actual: float


def score(name: str, pairs: Sequence[Pair], n_certain: int = 0, n_certain_probes: int = 0) -> InfluenceScore:
    """All pairs of one kind of example: taken together, and at the probes of each task.

    ``n_certain`` counts the examples that are in no pair because the base is certain of every token of theirs, and
    ``n_certain_probes`` such probes.

    Intervals are bootstraps over examples, with the probes as they are. ``name`` seeds them. No pairs, or one that
    is not finite, raise ``ValueError``.
    """
    ordered = sorted(pairs, key=lambda each: (each.task, each.probe, each.example))
    tasks = {task: [pair for pair in ordered if pair.task == task] for task in dict.fromkeys(p.task for p in ordered)}
    off = math.sqrt(sum((pair.actual - pair.expected) ** 2 for pair in ordered))
    length = math.sqrt(sum(pair.expected**2 for pair in ordered))
    return InfluenceScore(
        n_examples=len({pair.example for pair in ordered}),
        n_probes=len({pair.probe for pair in ordered}),
        n_certain=n_certain,
        n_certain_probes=n_certain_probes,
        all=_part(name, ordered),
        tasks={task: _part(f"{name} {task}", found) for task, found in tasks.items()},
        first_order_error=off / length if length > 0 else None,
        reasons={} if length > 0 else {"first_order_error": "no step changed anything to first order"},
    )


def _part(name: str, pairs: Sequence[Pair]) -> InfluencePart:
    values = np.array([(pair.magnitude, pair.direction, pair.slope) for pair in pairs]).reshape(-1, 3)
    if not np.isfinite(values).all():
        raise ValueError(f"{name}: an influence is not finite")
    draws = statistics.resample(values, f"influence {name}", np.array([pair.example for pair in pairs]))
    mean = values.mean(axis=0)
    return InfluencePart(
        n=len(pairs),
        magnitude=mean[0],
        magnitude_ci=statistics.interval(draws[:, 0]),
        magnitude_quantiles=spread(values[:, 0]),
        direction=mean[1],
        direction_ci=statistics.interval(draws[:, 1]),
        slope=mean[2],
        slope_ci=statistics.interval(draws[:, 2]),
        lowers=float((values[:, 1] < 0).mean()),
    )
