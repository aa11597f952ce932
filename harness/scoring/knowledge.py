"""Knowledge: scores and transitions with the guessing taken out (METRICS.md, "Forgetting")."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.scoring.transitions import Bools, Floats, check_guess_rate


def corrected_items(correct: Bools | Floats, guess_rate: Floats) -> Floats:
    """(s_i - g_i)/(1 - g_i) of each item, in (-inf, 1]; their mean is the chance-corrected score.

    Source: METRICS.md, "Forgetting". A guess rate outside [0, 1) raises ``ValueError``.
    """
    check_guess_rate(guess_rate)
    return (correct - guess_rate) / (1 - guess_rate)


def corrected_score(correct: Bools, guess_rate: Floats) -> float:
    """mean((s_i - g_i)/(1 - g_i)), in (-inf, 1]: 0 at chance, 1 when all is right.

    Source: METRICS.md, "Forgetting". No items, or a guess rate outside [0, 1), raise ``ValueError``.
    """
    _check_any(correct)
    return float(corrected_items(correct, guess_rate).mean())


@dataclass(frozen=True)
class KnowledgeChange:
    """Shares of items whose answer was known before and is not any more (``lost``), and the reverse (``gained``)."""

    lost: float
    gained: float


def knowledge_change(
    base: Bools, tuned: Bools, guess_rate: Floats, unparsed_base: Bools, unparsed_tuned: Bools
) -> KnowledgeChange:
    """Knowledge lost L and gained W, unclipped (METRICS.md, "Forgetting").

    L = mean of 1[1->0]/(1 - g1) - g0 * 1[0->0]/((1 - g0)(1 - g1)); W swaps the sides. Exact in expectation when an
    item is either known or guessed, independently on both sides; models that repeat their guesses push it below 0. An
    unparsed output guesses at 0, so each side's g is the item's times the share of its unknown items that the side
    answers at all; where both answer alike, W - L = delta/(1 - g) for equal g. Where no item changed sides, L = W =
    0: guesses made independently would have moved some, so these were the same guesses and nothing is to be subtracted
    (case 1 of README.md). No items, or a guess rate outside [0, 1), raise ``ValueError``.
    """
    _check_any(base)
    check_guess_rate(guess_rate)
    if bool((base == tuned).all()):
        return KnowledgeChange(0.0, 0.0)
    g0 = guess_rate * answered_share(base, unparsed_base, guess_rate)
    g1 = guess_rate * answered_share(tuned, unparsed_tuned, guess_rate)
    neither = ~base & ~tuned
    lost = (base & ~tuned) / (1 - g1) - g0 * neither / ((1 - g0) * (1 - g1))
    gained = (~base & tuned) / (1 - g0) - g1 * neither / ((1 - g0) * (1 - g1))
    return KnowledgeChange(float(lost.mean()), float(gained.mean()))


def answered_share(correct: Bools, unparsed: Bools, guess_rate: Floats) -> float:
    """Estimate, in [0, 1], which share of its unknown items a model answers at all; 1 when it knows everything.

    Under know-or-guess each wrong answer stands for 1/(1 - g) answered unknown items, and each unparsed output for
    one unanswered (METRICS.md, "Answered share").
    """
    wrong: NDArray[np.bool_] = ~correct & ~unparsed
    answered = float((wrong / (1 - guess_rate)).sum())
    unknown = answered + float(unparsed.sum())
    return answered / unknown if unknown else 1.0


def _check_any(items: Bools) -> None:
    if not len(items):
        raise ValueError("no items")
