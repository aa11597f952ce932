"""Simulations: intervals, tests and corrections do what they promise, on average over many simulated pairs."""

from functools import cache

import numpy as np
import pytest

from harness.scoring import statistics
from harness.scoring.alarms import is_below_chance
from harness.scoring.knowledge import knowledge_change

PAIRS = 2000
# Enough for a quantile's noise to vanish beside that of 2,000 pairs, and a fifth of the time.
RESAMPLES = 2000


def differences(n01: int, n10: int, n: int) -> np.ndarray:
    return np.repeat([1.0, -1.0, 0.0], [n01, n10, n - n01 - n10])[:, None]


@pytest.mark.parametrize("n", [200, 1000])
@pytest.mark.parametrize("cells", [(0.05, 0.10), (0.03, 0.30)])
def test_intervals_cover_the_truth_as_often_as_they_say(n: int, cells: tuple[float, float]) -> None:
    won, lost = cells
    tables = np.random.default_rng(n).multinomial(n, [won, lost, 1 - won - lost], size=PAIRS)
    covered = 0
    for place, (n01, n10, _) in enumerate(tables):
        drawn = statistics.resample(differences(n01, n10, n), f"pair {place}", n_resamples=RESAMPLES)
        low, high = statistics.interval(drawn[:, 0])
        covered += low <= won - lost <= high
    assert 0.93 <= covered / PAIRS <= 0.97


def test_intervals_of_clusters_cover_the_truth_and_those_of_items_would_not() -> None:
    rng = np.random.default_rng(5)
    pairs, clusters, size = 500, 150, 4
    labels = np.repeat(np.arange(clusters), size)
    covered = alone = 0
    for place in range(pairs):
        shared = rng.choice([1.0, -1.0, 0.0], size=clusters, p=[0.05, 0.15, 0.8])
        values = np.repeat(shared, size)[:, None]
        for by, add in ((labels, 1), (None, 0)):
            drawn = statistics.resample(values, f"pair {place}", by, n_resamples=RESAMPLES)
            low, high = statistics.interval(drawn[:, 0])
            covered += add * (low <= -0.1 <= high)
            alone += (1 - add) * (low <= -0.1 <= high)
    assert 0.92 <= covered / pairs <= 0.98
    assert alone / pairs < 0.8


@pytest.mark.parametrize(("answers", "guess"), [((1.0, 1.0), 0.25), ((1.0, 0.4), 0.25), ((0.8, 0.1), 0.5)])
def test_lost_knowledge_is_recovered_within_its_standard_error(answers: tuple[float, float], guess: float) -> None:
    """Know-or-guess: 60 % known, a third of that lost, an eighth of the rest gained; equal and unequal guessing."""
    rng = np.random.default_rng(11)
    n, pairs, lost, gained = 1000, 400, 0.2, 0.05
    found = []
    for _ in range(pairs):
        known = rng.random(n) < 0.6
        change = rng.random(n)
        after = np.where(known, change >= lost / 0.6, change < gained / 0.4)
        sides = []
        for knows, share in zip((known, after), answers, strict=True):
            silent = ~knows & (rng.random(n) >= share)
            sides.append((knows | (~silent & (rng.random(n) < guess)), silent))
        (base, quiet_base), (tuned, quiet_tuned) = sides
        # What a run shows of silence: an unparsed answer, never beside a correct one.
        result = knowledge_change(base, tuned, np.full(n, guess), quiet_base & ~base, quiet_tuned & ~tuned)
        found.append((result.lost, result.gained))
    mean, error = np.mean(found, axis=0), np.std(found, axis=0)
    assert np.all(np.abs(mean - (lost, gained)) < error)
    # And far closer on average than one pair's standard error: the estimate is not biased.
    assert np.all(np.abs(mean - (lost, gained)) < 0.3 * error)


@cache
def p_value(n10: int, n01: int) -> float:
    return statistics.mcnemar(n10, n01)


@pytest.mark.parametrize("churn", [0.02, 0.1, 0.3])
def test_a_base_against_itself_is_seldom_called_forgetful(churn: float) -> None:
    rng = np.random.default_rng(7)
    tasks, n = 9, 300
    tables = rng.multinomial(n, [churn / 2, churn / 2, 1 - churn], size=(PAIRS, tasks))
    forgot = 0
    for suite in tables:
        adjusted = statistics.holm([p_value(int(n10), int(n01)) for n01, n10, _ in suite])
        words = [
            statistics.verdict((n01 - n10) / n, p, above_chance=True, retained=False)
            for (n01, n10, _), p in zip(suite, adjusted, strict=True)
        ]
        forgot += "forgot" in words
    assert forgot / PAIRS <= 0.05


def test_a_model_at_chance_is_seldom_said_to_be_below_it() -> None:
    rng = np.random.default_rng(3)
    right = rng.random((PAIRS, 200)) < 0.25
    guess = np.full(200, 0.25)
    assert np.mean([is_below_chance(row, guess) for row in right]) <= 0.025
    lower = rng.random((PAIRS, 200)) < 0.1
    assert np.mean([is_below_chance(row, guess) for row in lower]) > 0.99
    labels = np.repeat(np.arange(50), 4)
    clustered = np.repeat(rng.random((PAIRS, 50)) < 0.25, 4, axis=1)
    assert np.mean([is_below_chance(row, guess) for row in clustered]) > 0.1
    assert np.mean([is_below_chance(row, guess, labels) for row in clustered]) <= 0.06
