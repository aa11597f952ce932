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


def test_the_ratio_pays_for_losses_with_gains() -> None:
    rng = np.random.default_rng(3)
    found = [kept("group", group(rng, ratio, 20_000)) for ratio in (0.8, 1.2)]
    assert np.mean([each.ratio for each in found]) == pytest.approx(1, abs=0.02)
    assert np.mean([each.one_sided for each in found]) == pytest.approx(0.9, abs=0.02)
    assert found[0].one_sided == pytest.approx(found[0].ratio)


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
