"""What a group kept: unbiased where nothing changed, covered where something did."""

import numpy as np
import pytest

from harness.scoring.kept import Units, is_above_chance, kept, mean_interval

G = 0.25


def group(rng: np.random.Generator, ratio: float, n: int, churn: float = 0.1, base: float = 0.7) -> Units:
    """One group of ``n`` items whose corrected score becomes ``ratio`` of what it was."""
    change = (ratio - 1) * (base - G)
    won, lost = (churn + change) / 2, (churn - change) / 2
    cells = rng.choice(4, n, p=[base - lost, lost, won, 1 - base - won])
    return Units.of((cells <= 1, (cells == 0) | (cells == 2)), np.full(n, G), None)


def simulate(ratios: list[float], n: int, reps: int = 800) -> tuple[float, float]:
    """Mean of the estimated retention, and how often its interval holds the truth."""
    rng = np.random.default_rng(n)
    truth = float(np.mean(np.minimum(ratios, 1)))
    means, held = [], 0
    for _ in range(reps):
        found = [kept(f"group {place}", group(rng, ratio, n)) for place, ratio in enumerate(ratios)]
        low, high = mean_interval([each.one_sided for each in found], [each.error for each in found], n)
        means.append(float(np.mean([each.one_sided for each in found])))
        held += low <= truth <= high
    return float(np.mean(means)), held / reps


@pytest.mark.parametrize("n", [1500, 500])
def test_an_unchanged_model_keeps_all_of_it(n: int) -> None:
    mean, held = simulate([1.0] * 5, n)
    assert mean == pytest.approx(1, abs=0.002)
    assert 0.92 <= held <= 0.985


@pytest.mark.parametrize("ratios", [[0.98] * 5, [0.9] * 5, [0.9, 0.9, 1.1, 1.1]])
def test_losses_are_estimated_and_gains_do_not_pay_for_them(ratios: list[float]) -> None:
    mean, held = simulate(ratios, 1500, 500)
    assert mean == pytest.approx(np.mean(np.minimum(ratios, 1)), abs=0.004)
    assert held >= 0.89


def test_the_ratio_pays_for_losses_with_gains() -> None:
    rng = np.random.default_rng(3)
    found = [kept("group", group(rng, ratio, 20_000)) for ratio in (0.8, 1.2)]
    assert np.mean([each.ratio for each in found]) == pytest.approx(1, abs=0.02)
    assert np.mean([each.one_sided for each in found]) == pytest.approx(0.9, abs=0.02)
    assert found[0].one_sided == pytest.approx(found[0].ratio)


def test_a_base_near_chance_that_lost_nothing_keeps_all_of_it() -> None:
    """The corrected base is .05; a mean of single ratios, clipped, was .65 here."""
    rng = np.random.default_rng(5)
    means = []
    for _ in range(300):
        parts = [group(rng, 1.0, 300, 0.1, 0.2875) for _ in range(4)]
        means.append(kept("group", Units.joined(parts)).one_sided)
    assert np.mean(means) == pytest.approx(1, abs=0.03)


def test_nothing_moved_is_the_rule_of_three() -> None:
    right = np.repeat([True, False], [240, 60])
    found = kept("group", Units.of((right, right), np.zeros(300), None))
    assert (found.ratio, found.one_sided) == (1, 1)
    low, _ = mean_interval([found.one_sided], [found.error], found.units)
    assert low == pytest.approx(1 - 3 / 300 / 0.8, abs=0.0005)


def test_clusters_are_the_units() -> None:
    rng = np.random.default_rng(7)
    after = np.repeat(rng.random(60) < 0.8, 5)
    before = np.repeat(rng.random(60) < 0.9, 5)
    labels = np.repeat(np.arange(60), 5)
    alone, together = (kept("g", Units.of((before, after), np.zeros(300), by)) for by in (None, labels))
    assert together.ratio == pytest.approx(alone.ratio)
    assert together.error > 2 * alone.error
    assert (alone.units, together.units) == (300, 60)


def test_above_chance_is_shown_not_assumed() -> None:
    assert not is_above_chance(np.array([True]), np.zeros(1))
    assert not is_above_chance(np.repeat([True, False], [27, 73]), np.full(100, G))
    assert is_above_chance(np.repeat([True, False], [45, 55]), np.full(100, G))
    assert not is_above_chance(np.array([True, True]), np.full(2, 0.5))
    clustered = np.repeat([True, False], [40, 60])
    assert not is_above_chance(clustered, np.full(100, G), np.repeat(np.arange(5), 20))


def test_few_units_have_wide_intervals() -> None:
    assert np.diff(mean_interval([1.0], [0.1], 5)) > 1.3 * np.diff(mean_interval([1.0], [0.1], 50))
