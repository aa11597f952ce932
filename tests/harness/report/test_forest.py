"""The forest of changes: places inside the drawing, few round ticks, and the margin where it belongs."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.forest import Axis, Forest, forest_of, shared_styles
from harness.scoring import Scorecard
from tests.support.cards import changed, pair_card


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    return pair_card(tmp_path_factory.mktemp("pair"), accuracy=0.6)


@pytest.mark.parametrize(("low", "high"), [(-0.02, 0.02), (-0.45, 0.07), (-1, 1), (-0.031, 0.3), (-0.9, -0.1)])
def test_the_axis_covers_its_range_with_few_round_ticks(low: float, high: float) -> None:
    axis = Axis(low, high)
    assert axis.low <= low
    assert axis.high >= high
    assert 2 <= len(axis.ticks) <= 8
    assert (axis.at(axis.ticks[0]), axis.at(axis.ticks[-1])) == pytest.approx((0, 100))
    assert all(round(tick * 100, 9).is_integer() for tick in axis.ticks)


@given(low=st.floats(-1, 0), high=st.floats(0.01, 1), change=st.floats(-2, 2))
def test_every_place_lies_in_the_drawing_and_keeps_the_order(low: float, high: float, change: float) -> None:
    axis = Axis(low, high)
    assert 0 <= axis.at(change) <= 100
    assert axis.at(change) <= axis.at(change + 0.1)


def test_ticks_are_in_points_with_a_true_minus() -> None:
    assert [Axis.label(tick) for tick in (-0.2, -0.0, 0.0, 0.05)] == ["\u221220", "0", "0", "+5"]


def test_the_scale_holds_every_interval_and_twice_the_margin(card: Scorecard) -> None:
    drawn = forest_of(card)
    for task in card.prior_tasks.values():
        assert task.delta_ci is not None
        assert drawn.axis.low <= task.delta_ci[0] <= task.delta_ci[1] <= drawn.axis.high
    assert drawn.axis.high >= 2 * card.margin


def test_the_band_reaches_from_the_margin_to_no_change(card: Scorecard) -> None:
    drawn = Forest(Axis(-0.1, 0.1), 0.05)
    assert drawn.band == (25.0, 25.0)
    start, width = forest_of(card).band
    assert start + width == pytest.approx(forest_of(card).axis.at(0), abs=0.02)


def test_a_mark_says_what_the_task_says_and_leaves_out_what_is_absent(card: Scorecard) -> None:
    name, task = next(iter(card.prior_tasks.items()))
    drawn = Forest(Axis(-1, 1), 0.05)
    mark = drawn.mark(task)
    assert mark.at == drawn.axis.at(task.delta)
    assert mark.ci is not None
    assert mark.ci[0] < mark.at < mark.ci[1]
    assert mark.kind == str(task.verdict)
    absent = dict.fromkeys(("delta_ci", "smallest_loss"))
    other = task.model_dump() | absent | {"reasons": task.reasons | dict.fromkeys(absent, "too few"),
                                          "verdict": "nothing to lose"}  # fmt: skip
    found = drawn.mark(changed(card, tasks={name: other}).tasks[name])
    assert (found.ci, found.least, found.kind) == (None, None, "nothing-to-lose")


def test_a_loss_beyond_the_scale_has_no_mark(card: Scorecard) -> None:
    task = next(iter(card.prior_tasks.values())).model_copy(update={"smallest_loss": 0.5})
    assert Forest(Axis(-0.2, 0.2), 0.05).mark(task).least is None
    assert Forest(Axis(-1, 1), 0.05).mark(task).least == 25.0


def test_each_verdict_has_a_colour_and_a_mark_of_its_own(tmp_path: Path) -> None:
    styles = shared_styles()
    for verdict in ("forgot", "improved", "retained", "inconclusive", "nothing-to-lose"):
        assert f".verdict.{verdict}::before" in styles
