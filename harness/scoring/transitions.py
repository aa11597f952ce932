"""Transitions: what happened to each item from base to tuned, and the rates that count them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

LEARNED, KEPT, FORGOTTEN, NEVER = "learned", "kept", "forgotten", "never"


def transition_names(base: Bools, tuned: Bools) -> NDArray[np.str_]:
    """Name each item's transition base -> tuned: learned 0->1, kept 1->1, forgotten 1->0, never 0->0 (METRICS.md,
    "Notation"). ``base`` and ``tuned`` say where the outcome is correct; unequal lengths raise ``ValueError``."""
    _check(base, tuned)
    return np.select([~base & tuned, base & tuned, base & ~tuned], [LEARNED, KEPT, FORGOTTEN], NEVER)


@dataclass(frozen=True)
class Transitions:
    """The four counts of one task, which has at least one item: none raises ``ValueError``."""

    n11: int
    n10: int
    n01: int
    n00: int

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError("no items")

    @classmethod
    def count(cls, base: Bools, tuned: Bools) -> "Transitions":
        """Count n11 kept, n10 forgotten, n01 learned, n00 never (METRICS.md, "Notation"); each in [0, n].

        Arrays of unequal length raise ``ValueError``.
        """
        _check(base, tuned)
        both, lost, won = int((base & tuned).sum()), int((base & ~tuned).sum()), int((~base & tuned).sum())
        return cls(both, lost, won, len(base) - both - lost - won)

    @property
    def n(self) -> int:
        return self.n11 + self.n10 + self.n01 + self.n00

    @property
    def base(self) -> float:
        """mean(a) = (n11 + n10) / n, in [0, 1] (METRICS.md, "Learning")."""
        return (self.n11 + self.n10) / self.n

    @property
    def tuned(self) -> float:
        """mean(c) = (n11 + n01) / n, in [0, 1] (METRICS.md, "Learning")."""
        return (self.n11 + self.n01) / self.n

    @property
    def delta(self) -> float:
        """mean(c) - mean(a) = (n01 - n10) / n, in [-1, 1] (METRICS.md, "Forgetting")."""
        return (self.n01 - self.n10) / self.n

    @property
    def forgotten_rate(self) -> float:
        """F = n10 / n, in [0, 1] (METRICS.md, "Forgetting")."""
        return self.n10 / self.n

    @property
    def backward_transfer(self) -> float:
        """BT = n01 / n, in [0, 1]; delta = BT - F (METRICS.md, "Forgetting")."""
        return self.n01 / self.n

    @property
    def forgotten_given_known(self) -> float | None:
        """n10 / (n10 + n11), in [0, 1]; None when the base knew nothing (METRICS.md, "Forgetting")."""
        known = self.n10 + self.n11
        return self.n10 / known if known else None

    @property
    def churn(self) -> float:
        """F + BT = (n10 + n01) / n, in [0, 1]: how much moved (METRICS.md, "Forgetting")."""
        return (self.n10 + self.n01) / self.n


def f_true(transitions: Transitions, guess_rate: Floats) -> float:
    """F_true = max(F - F_chance, 0), in [0, 1] (arXiv 2510.17776; METRICS.md, "Forgetting").

    F_chance = (1 - acc_base)(1 - acc_tuned)/(k - 1) with k = 1/g, averaged over the items' guess rates; it is 0 for
    free-form items. Biased upward, so shown and never ranked. A guess rate outside [0, 1) raises ``ValueError``.
    """
    check_guess_rate(guess_rate)
    odds = float(np.mean(guess_rate / (1 - guess_rate)))
    return max(transitions.forgotten_rate - (1 - transitions.base) * (1 - transitions.tuned) * odds, 0.0)


def check_guess_rate(guess_rate: Floats) -> None:
    """Raise ``ValueError`` unless every guess rate is in [0, 1); one of 1 would divide by zero."""
    if not bool(((guess_rate >= 0) & (guess_rate < 1)).all()):
        raise ValueError("guess rates must be in [0, 1)")


def _check(base: Bools, tuned: Bools) -> None:
    if len(base) != len(tuned):
        raise ValueError(f"{len(base)} base outcomes, {len(tuned)} tuned outcomes")
