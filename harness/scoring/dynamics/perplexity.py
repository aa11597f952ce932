"""Perplexity: how surprising a model finds what a fine-tune is to be taught to write (METRICS.md, "Why")."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.scoring import statistics
from harness.scoring.dynamics.document import N_BINS, PerplexityScore, spread
from harness.scoring.transitions import Floats

# A quarter of a power of ten each, from 1 on; what lies above the last edge is counted in the last bin.
BINS_PER_DECADE = 4
# exp of more is no float.
_LARGEST_MEAN = 700.0


@dataclass(frozen=True)
class Reading:
    """One training target as the base reads it: ``nll`` is the sum of -log p over its ``n_tokens`` tokens, in nats.

    ``kind`` is what sort of example it is (bare, rollout, ...); readings of one ``cluster`` answer one question and are
    not independent.
    """

    kind: str
    cluster: str
    n_tokens: int
    nll: float


def perplexity(nll: float, n_tokens: int) -> float:
    """exp(nll / n_tokens): 1 where every token was certain, the size of the vocabulary where all were alike; >= 1.

    ``ValueError`` where no token was read, or the mean is not finite or too large for a number (a token that the model
    rules out). Source: METRICS.md, "Why"; arXiv 2506.23508.
    """
    if n_tokens < 1:
        raise ValueError("perplexity of no token")
    mean = nll / n_tokens
    if not mean <= _LARGEST_MEAN:
        raise ValueError(f"perplexity: a mean of {mean} nats a token: the model gives a token probability 0")
    return math.exp(max(mean, 0.0))


def score(name: str, readings: Sequence[Reading]) -> PerplexityScore:
    """The readings taken together: exp(sum of nll / sum of tokens), and how the examples' own values are spread.

    The interval is a bootstrap over questions (clusters) of the pooled value; quantiles and the histogram are of the
    examples, each counted once. ``name`` seeds the bootstrap. No readings raise ``ValueError``.
    """
    ordered = sorted(readings, key=lambda each: (each.cluster, each.n_tokens, each.nll))
    own = np.array([perplexity(each.nll, each.n_tokens) for each in ordered])
    sums = np.array([(each.nll, each.n_tokens) for each in ordered], dtype=float).reshape(-1, 2)
    draws = statistics.resample(sums, f"perplexity {name}", np.array([each.cluster for each in ordered]))
    low, high = statistics.interval(draws[:, 0] / draws[:, 1])
    n_tokens = int(sums[:, 1].sum())
    return PerplexityScore(
        n=len(ordered),
        n_questions=len({each.cluster for each in ordered}),
        n_tokens=n_tokens,
        perplexity=perplexity(float(sums[:, 0].sum()), n_tokens),
        perplexity_ci=(math.exp(max(low, 0.0)), math.exp(max(high, 0.0))),
        quantiles=spread(own),
        histogram=histogram(own),
    )


def edges() -> tuple[float, ...]:
    """Where the bins of a histogram begin, and where the last one would end: 10^(k/4), from 1 to 10^6."""
    return tuple(10 ** (k / BINS_PER_DECADE) for k in range(N_BINS + 1))


def histogram(values: Floats) -> tuple[int, ...]:
    """How many perplexities fall into each bin of :func:`edges`; one above the last edge counts in the last bin."""
    # A rounding error must not put 10 into the bin below it.
    places = np.floor(np.log10(values) * BINS_PER_DECADE + 1e-9).astype(int)
    return tuple(int(count) for count in np.bincount(np.clip(places, 0, N_BINS - 1), minlength=N_BINS))
