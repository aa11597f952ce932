"""Drift: how far the tuned model's distribution moved from the base's, in nats per token (METRICS.md, "Why")."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.scoring import statistics
from harness.scoring.scorecard import Drift, DriftScore, TaskScore


def token_kl(log_p: Any, log_q: Any, exp: Callable[[Any], Any] = np.exp) -> Any:
    """KL(p || q) = sum_v p_v (log p_v - log q_v) of each row, in nats, exact over the vocabulary, in [0, inf].

    ``log_p`` and ``log_q`` are log-probabilities (positions x vocabulary), arrays or tensors, with ``exp`` of their
    library; where p is 0 the term is 0. Rounding may leave about -1e-16 where the two are equal; nothing is clipped.
    Source: RL's Razor, arXiv 2509.04259; METRICS.md, "Why".
    """
    p = exp(log_p)
    # Where a token is ruled out, -inf meets 0 or -inf; those terms are set right below.
    with np.errstate(invalid="ignore"):
        terms = p * (log_p - log_q)
    terms[p == 0] = 0
    return terms.sum(-1)


@dataclass(frozen=True)
class ItemDrift:
    """One item: the mean over its ``n_tokens`` positions of forward and reverse KL."""

    task: str
    n_tokens: int
    forward_kl: float
    reverse_kl: float


def summarise(items: Mapping[str, ItemDrift], tasks: Mapping[str, TaskScore]) -> Drift:
    """Means over items of the per-item means, by task and over all target and all prior prompts, with intervals.

    ``items`` maps item ids; each interval is a bootstrap over items. ``ValueError`` when a divergence is not finite
    (a token that one model rules out) or an item belongs to no task.
    """
    by_task: dict[str, list[ItemDrift]] = {name: [] for name in tasks}
    for _, item in sorted(items.items()):
        by_task[item.task].append(item)
    by_role = {
        role: [item for name, task in tasks.items() if task.role == role for item in by_task[name]]
        for role in ("target", "prior")
    }
    parts = {role: score(role, found) if found else None for role, found in by_role.items()}
    return Drift(
        target=parts["target"],
        prior=parts["prior"],
        tasks={name: score(name, found) for name, found in by_task.items() if found},
        reasons={role: f"no {role} prompt was measured" for role, part in parts.items() if part is None},
    )


def score(name: str, items: Sequence[ItemDrift]) -> DriftScore:
    """The means of some items, each counted alike; ``name`` seeds the bootstrap over them.

    ``ValueError`` for no items, and when a divergence is not finite.
    """
    values = np.array([(item.forward_kl, item.reverse_kl) for item in items])
    if not np.isfinite(values).all():
        raise ValueError(
            f"{name}: the divergence is not finite: one model gives probability 0 where the other does not"
        )
    draws = statistics.resample(values, f"drift {name}")
    forward, reverse = values.mean(axis=0)
    return DriftScore(
        n=len(items),
        n_tokens=sum(item.n_tokens for item in items),
        forward_kl=forward,
        forward_kl_ci=statistics.interval(draws[:, 0]),
        reverse_kl=reverse,
        reverse_kl_ci=statistics.interval(draws[:, 1]),
    )
