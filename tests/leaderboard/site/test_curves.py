"""Curves: checkpoints of one run are found by what manifests say, labelled by what tells runs apart, and drawn."""

from dataclasses import replace

import pytest

from leaderboard.board.board import Board, load_board
from leaderboard.documents.manifest import Method
from leaderboard.site import curves
from leaderboard.site.plots import trajectories
from tests.support.synthetic_board import rich_board

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made, events = rich_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases, events)


def test_checkpoints_of_one_run_are_a_curve_in_training_order(board: Board) -> None:
    (curve,) = curves.curves(board.tracks[0])
    assert [row.manifest.method.steps for row in curve.rows] == [100, 400, 1600]
    first, second = curve.rows[:2]
    low, high = (row.card.learned.normalised_gain for row in (first, second))
    assert low is not None
    assert high is not None
    share = (0.5 - low) / (high - low)
    kept = [row.card.retention_macro or 0.0 for row in (first, second)]
    assert curve.matched[1] == pytest.approx(kept[0] + share * (kept[1] - kept[0]))
    (line,) = trajectories([curve]).lines
    assert len(line.dots) == 3


def test_a_level_that_a_run_never_reaches_has_no_retention(board: Board) -> None:
    (curve,) = curves.curves(board.tracks[0])
    assert curves._matched(list(curve.rows[:1]))[1:] == (None, None)


def test_fewer_than_three_checkpoints_are_no_curve(board: Board) -> None:
    track = board.tracks[0]
    (curve,) = curves.curves(track)
    fewer = tuple(row for row in track.rows if row.entry_id != curve.rows[0].entry_id)
    assert curves.curves(replace(track, rows=fewer)) == ()


def test_labels_say_what_tells_runs_of_one_method_apart_and_no_more() -> None:
    grpo = Method(family="rft", algorithm="grpo", learning_rate=1e-6, seeds=[1])
    methods = [grpo.model_copy(update={"kl_coefficient": kl}) for kl in (0.01, None, 0.04)]
    sft = [Method(family="sft", learning_rate=1e-5, seeds=[seed]) for seed in (1, 2)]
    assert curves.labels([*methods, *sft]) == ["grpo, KL 0.01", "grpo", "grpo, KL 0.04", "SFT", "SFT"]
    replayed = [*sft, sft[0].model_copy(update={"replay": "half of each batch", "lora_rank": 16})]
    assert curves.labels(replayed) == ["SFT", "SFT", "SFT, LoRA 16, with replay"]


def test_runs_of_one_recipe_share_a_colour_and_one_name(board: Board) -> None:
    (curve,) = curves.curves(board.tracks[0])
    other = replace(curve, label="another recipe")
    lines = trajectories([curve, curve, other]).lines
    assert [line.colour for line in lines] == [0, 0, 1]
    assert [line.text for line in lines][:2] == [curve.label, ""]
