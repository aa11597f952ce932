"""Geometry: every value inside its axis, round ticks, bars that add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.site.charts import axis, coordinate, segments

finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(finite, max_size=20), finite, finite)
def test_an_axis_holds_every_value(values: list[float], one: float, two: float) -> None:
    made = axis(values, 0, 100, include=(one, two))
    slack = (made.high - made.low) * 1e-6
    assert all(made.low - slack <= value <= made.high + slack for value in [*values, one, two])
    assert list(made.ticks) == sorted(set(made.ticks))
    assert all(0 <= float(made.at(value)) <= 100 for value in values)


def test_ticks_are_round_and_absent_values_ignored() -> None:
    made = axis([0.03, None, 0.76], 0, 100, include=(0.0,), ticks=4)
    assert made.ticks == (0.0, 0.2, 0.4, 0.6, 0.8)
    assert (made.at(0), made.at(0.4), made.at(2)) == ("0", "50", "100")


def test_an_axis_may_run_upwards() -> None:
    made = axis([], 200, 10, include=(0.0, 1.0))
    assert (made.at(0), made.at(1)) == ("200", "10")


@pytest.mark.parametrize(("value", "text"), [(-0.01, "0"), (12.0, "12"), (12.34, "12.3"), (-3.26, "-3.3")])
def test_coordinates_are_short(value: float, text: str) -> None:
    assert coordinate(value) == text


@given(st.lists(st.integers(0, 10_000), min_size=4, max_size=4))
def test_segments_fill_the_bar(counts: list[int]) -> None:
    parts = segments(counts, 200)
    widths = [float(width) for _, width in parts]
    assert sum(widths) == pytest.approx(200 if sum(counts) else 0, abs=0.3)
    assert all(count > 0 or width == 0 for count, width in zip(counts, widths, strict=True))
