"""Sequential: stop a comparison early without fooling oneself (O'Brien and Fleming 1979), for screening checkpoints.

The statistic is paired: over clusters j (an image with its questions; an item on its own is its own cluster) of the
target family's items asked so far, D_j is the sum of c_i - a_i, 1 or 0 each for a correct answer of tuned and base, and

    Z = sum_j D_j / sqrt(sum_j D_j^2),

which for single items is McNemar's (n01 - n10)/sqrt(n01 + n10), and 0 when nothing moved. It is looked at after 20, 40,
60, 80 and 100 % of the items, in an order fixed beforehand, and the comparison stops at look k of K when |Z| reaches
c * sqrt(K/k). Each look is harder to pass the earlier it is, and c makes the chance of ever stopping on a model that
did not change alpha.
"""

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq

from harness.scoring.statistics import ALPHA
from harness.scoring.transitions import Floats

LOOKS = 5
SEED = 20_250_623
# Nodes of the quadrature; the chances below change by less than 1e-12 when it is doubled.
_NODES = 128


def boundaries(looks: int = LOOKS, alpha: float = ALPHA) -> Floats:
    """|Z| at which each look stops: c * sqrt(looks/k), k = 1..looks, with c such that the chance to stop at any look is
    ``alpha`` (two-sided) when nothing changed. For 5 looks and .05, c = 2.040. Source: O'Brien and Fleming 1979."""
    constant = brentq(lambda c: stopping(c, looks).sum() - alpha, 1.0, 8.0, xtol=1e-12)
    return float(constant) * np.sqrt(looks / np.arange(1, looks + 1))


def stopping(constant: float, looks: int = LOOKS, drift: float = 0.0) -> Floats:
    """Chance of stopping at each look; their sum is the chance of stopping at all.

    ``drift`` is the mean of Z when all items are asked. B_k = sqrt(k) * Z_k is a random walk with normal steps of mean
    drift/sqrt(looks) and variance 1, and the rule is a constant boundary of b = constant * sqrt(looks) for it, so the
    density of the walks still inside passes from look to look by one integral over [-b, b] (Armitage, McPherson and
    Rowe 1969), here by Gauss-Legendre quadrature.
    """
    bound = constant * math.sqrt(looks)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    nodes, weights = nodes * bound, weights * bound
    step = drift / math.sqrt(looks)

    def normal(distance: Floats) -> Floats:
        density: Floats = np.exp(-0.5 * distance**2) / math.sqrt(2 * math.pi)
        return density

    density = normal(nodes - step)
    pass_on = normal(nodes[:, None] - nodes[None, :] - step) * weights
    inside = [1.0]
    for _ in range(looks):
        inside.append(float(weights @ density))
        density = pass_on @ density
    return -np.diff(inside)


def paired_z(differences: Sequence[float] | Floats, clusters: Sequence[str]) -> float:
    """Z of the items asked so far (see above); ``differences`` are c_i - a_i, ``clusters`` their labels. 0 for none."""
    _, place = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    sums = np.bincount(place, weights=differences) if len(differences) else np.zeros(0)
    spread = math.sqrt(float((sums**2).sum()))
    return float(sums.sum()) / spread if spread else 0.0


def look_rows(clusters: Sequence[str], seed: int = SEED, looks: int = LOOKS) -> list[list[int]]:
    """Which rows of a task are asked anew at each look, ascending: whole clusters, in an order shuffled by ``seed``.

    The place of a cluster is the sha256 of seed and label, so it is the same on every machine and does not depend on
    what else is in the task. After look k, ceil(k/looks * number of clusters) clusters have been asked.
    """

    def place(cluster: str) -> bytes:
        return hashlib.sha256(f"{seed}\n{cluster}".encode()).digest()

    ranked = {cluster: rank for rank, cluster in enumerate(sorted(set(clusters), key=place))}
    edges = [math.ceil(look * len(ranked) / looks) for look in range(1, looks + 1)]
    at = [int(np.searchsorted(edges, ranked[cluster], side="right")) for cluster in clusters]
    return [[row for row, look in enumerate(at) if look == wanted] for wanted in range(looks)]
