"""Trajectory: the curve of one training run, and what is kept at matched gain."""

from pathlib import Path

import numpy as np
import pytest

from harness.errors import CheckFailedError, RetentionError
from harness.records.run import Run
from harness.scoring import score_pair
from harness.scoring.trajectory import LEVELS, Trajectory, retention_at, score_trajectory
from tests.support.synthetic import TASKS, synthetic_run

STEPS = {"base": (0.1, 0.92), "100": (0.3, 0.9), "200": (0.45, 0.86), "400": (0.7, 0.7), "800": (0.9, 0.6)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    folder = tmp_path_factory.mktemp("runs")
    return [
        synthetic_run(
            folder / name,
            name=name,
            accuracy={task.name: prior for task in TASKS} | {"jigsaw_2x2": target},
            churn=0.02,
            seed=place,
        )
        for place, (name, (target, prior)) in enumerate(STEPS.items())
    ]


@pytest.fixture(scope="module")
def curve(runs: list[Run]) -> Trajectory:
    return score_trajectory(runs, "jigsaw")


def test_points_are_the_scorecards_of_each_checkpoint(runs: list[Run], curve: Trajectory) -> None:
    assert [point.model.name for point in curve.points] == list(STEPS)
    assert (curve.points[0].normalised_gain, curve.points[0].retention_macro) == (0, 1)
    for run, point in zip(runs[1:], curve.points[1:], strict=True):
        card = score_pair(runs[0], run, "jigsaw")
        assert point.gain == card.learned.gain
        assert point.retention_macro == card.retention_macro
        assert point.balance == card.balance


def test_matched_retention_is_interpolated_between_checkpoints(curve: Trajectory) -> None:
    x = [point.normalised_gain for point in curve.points]
    y = [point.retention_macro for point in curve.points]
    assert x == sorted(x)
    for matched, level in zip(curve.matched, LEVELS, strict=True):
        assert matched.normalised_gain == level
        assert matched.retention_macro == pytest.approx(np.interp(level, x, y), abs=1e-9)
        low, high = matched.retention_macro_ci
        assert low < matched.retention_macro < high
        assert high - low < 0.2


def test_without_a_target_there_is_retention_and_no_gain(tmp_path: Path) -> None:
    rates = {"base": 0.9, "100": 0.85, "200": 0.7}
    runs = [
        synthetic_run(tmp_path / name, name=name, accuracy=rate, seed=place)
        for place, (name, rate) in enumerate(rates.items())
    ]
    curve = score_trajectory(runs, None)
    cards = [score_pair(runs[0], run, None) for run in runs[1:]]
    assert (curve.target, curve.matched) == (None, ())
    assert [point.retention_macro for point in curve.points] == [1.0, *(card.retention_macro for card in cards)]
    for point in curve.points:
        assert (point.gain, point.gain_ci, point.normalised_gain, point.balance) == (None, None, None, None)
        assert point.reasons["gain"] == "no target family was named"
    assert Trajectory.model_validate_json(curve.to_json()) == curve


def test_a_gain_that_is_never_reached_is_null_with_a_reason(runs: list[Run]) -> None:
    short = score_trajectory(runs[:3], "jigsaw")
    assert short.matched[0].retention_macro is not None
    assert short.matched[1].reasons == {
        "retention_macro": "no checkpoint reaches this gain",
        "between": "no checkpoint reaches this gain",
        "retention_macro_ci": short.matched[1].reasons["retention_macro_ci"],
    }
    assert short.matched[1].reasons["retention_macro_ci"].endswith("of the resampled curves reach this gain")


def test_a_step_over_a_gap_is_named(runs: list[Run], curve: Trajectory) -> None:
    assert [matched.gap for matched in curve.matched] == [
        matched.between[1] - matched.between[0] > 0.3 for matched in curve.matched
    ]
    assert not curve.matched[0].gap
    sparse = score_trajectory([runs[0], runs[1], runs[4]], "jigsaw")
    middle = sparse.matched[1]
    assert middle.gap
    assert middle.between == (sparse.points[1].normalised_gain, sparse.points[2].normalised_gain)


def test_checkpoints_of_two_trainings_are_refused_unless_told(runs: list[Run], tmp_path: Path) -> None:
    other = synthetic_run(tmp_path, name="lora-200", accuracy=0.8, seed=9)
    with pytest.raises(
        CheckFailedError, match=r"100 and lora-200 do not look like checkpoints of one training .*--mixed"
    ):
        score_trajectory([*runs[:2], other], "jigsaw")
    assert len(score_trajectory([*runs[:2], other], "jigsaw", mixed=True).points) == 3


def test_a_curve_that_turns_back_is_read_where_it_first_arrives() -> None:
    gains = np.array([[0.4], [0.2], [0.6]])
    kept = np.array([[0.8], [0.7], [0.1]])
    assert retention_at(0.2, gains, kept) == pytest.approx([0.9])
    assert retention_at(0.5, gains, kept) == pytest.approx([0.25])
    assert retention_at(0.4, gains, kept) == pytest.approx([0.8])
    assert np.isnan(retention_at(0.7, gains, kept)).all()


def test_curves_are_read_side_by_side() -> None:
    gains = np.array([[0.5, 0.1, -np.inf], [1.0, 0.2, 0.5]])
    kept = np.array([[0.5, 0.9, 0.9], [0.4, 0.8, 0.5]])
    assert retention_at(0.75, gains, kept)[:1] == pytest.approx([0.45])
    assert np.isnan(retention_at(0.75, gains, kept)[1:]).all()
    assert retention_at(0.5, gains, kept)[2] == pytest.approx(0.9)


def test_a_base_that_has_nothing_to_gain_has_no_matched_retention(tmp_path: Path) -> None:
    every = {task.name: 0.9 for task in TASKS} | {"jigsaw_2x2": 1.0}
    runs = [synthetic_run(tmp_path / str(k), accuracy=every, churn=0, seed=k, name=f"m{k}") for k in range(1)]
    runs += [
        synthetic_run(tmp_path / f"t{k}", accuracy=every | {"math_word": 0.5 + k / 10}, churn=0, name=f"t{k}")
        for k in range(2)
    ]
    curve = score_trajectory(runs, "jigsaw")
    assert {matched.retention_macro for matched in curve.matched} == {None}
    assert curve.points[0].normalised_gain is None


def test_too_few_runs_and_repeated_ones_are_refused(runs: list[Run]) -> None:
    with pytest.raises(RetentionError, match="2 runs: a trajectory needs 3 or more, the base first"):
        score_trajectory(runs[:2], "jigsaw")
    with pytest.raises(CheckFailedError, match="run 3 has the same samples as run 1"):
        score_trajectory([runs[0], runs[1], runs[0]], "jigsaw")


def test_same_runs_same_bytes(runs: list[Run], curve: Trajectory) -> None:
    shuffled = [Run(run.record, run.samples.sample(frac=1, random_state=4)) for run in runs]
    assert score_trajectory(shuffled, "jigsaw").to_json() == curve.to_json()
    assert Trajectory.model_validate_json(curve.to_json()) == curve
