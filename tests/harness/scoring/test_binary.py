"""Intervals and tests of paired rates: against likelihoods maximised and posteriors drawn by other means."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from harness.scoring.binary import jeffreys_interval, tango_z
from harness.scoring.clusters import Counts

counts = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 200)).map(
    lambda cells: Counts(cells[0], cells[1], sum(cells))
)


@settings(max_examples=60, deadline=None)
@given(counts, st.floats(-0.5, 0.5))
def test_tangos_statistic_maximises_the_likelihood(cells: Counts, delta: float) -> None:
    rest = cells.n - cells.n10 - cells.n01

    def loss(p10: float) -> float:
        chances = p10 + delta, p10, 1 - 2 * p10 - delta
        return -sum(k * np.log(p) for k, p in zip((cells.n01, cells.n10, rest), chances, strict=True) if k)

    bounds = max(0.0, -delta) + 1e-12, (1 - delta) / 2 - 1e-12
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-12})
    variance = cells.n * (2 * found.x + delta * (1 - delta))
    expected = (cells.n01 - cells.n10 - cells.n * delta) / np.sqrt(variance)
    assert tango_z(cells, delta) == pytest.approx(expected, rel=1e-3, abs=1e-3)


@given(counts)
def test_at_no_change_tangos_square_is_mcnemars(cells: Counts) -> None:
    moved = cells.n10 + cells.n01
    expected = (cells.n01 - cells.n10) ** 2 / moved if moved else 0
    assert tango_z(cells, 0.0) ** 2 == pytest.approx(expected, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(counts)
def test_the_interval_is_that_of_drawn_cells(cells: Counts) -> None:
    rest = (cells.n - cells.n10 - cells.n01) / 2
    drawn = np.random.default_rng(1).dirichlet([cells.n01 + 0.5, cells.n10 + 0.5, rest + 0.5, rest + 0.5], size=200_000)
    low, high = np.quantile(drawn[:, 0] - drawn[:, 1], (0.025, 0.975))
    assert jeffreys_interval(cells) == pytest.approx((low, high), abs=0.004 + 0.02 * (high - low))


@given(counts)
def test_swapped_models_turn_the_interval_round(cells: Counts) -> None:
    low, high = jeffreys_interval(cells)
    other = jeffreys_interval(Counts(cells.n01, cells.n10, cells.n))
    assert (low, high) == pytest.approx((-other[1], -other[0]), abs=1e-9)
    assert low < (cells.n01 - cells.n10) / cells.n < high or cells.n10 + cells.n01 == cells.n
    assert tango_z(cells, 0.1) == pytest.approx(-tango_z(Counts(cells.n01, cells.n10, cells.n), -0.1), abs=1e-9)


def test_where_nothing_moved_a_small_loss_still_fits() -> None:
    low, high = jeffreys_interval(Counts(0, 0, 100))
    assert low == pytest.approx(-high)
    assert -0.05 < low < -0.01


@pytest.mark.parametrize(("n", "shown"), [(188, False), (189, True)])
def test_how_many_items_without_a_loss_rule_out_one_of_two_points(n: int, shown: bool) -> None:
    assert (tango_z(Counts(0, 0, n), -0.02) > 1.96) is shown
