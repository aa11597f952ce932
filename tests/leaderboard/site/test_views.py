"""Views: every group page has its entries, and what is drawn lies where it should."""

import pytest

from leaderboard.board.board import Board, load_board
from leaderboard.site import views
from leaderboard.site.plots import FAMILY_SHAPES, SHAPES, short
from tests.support.synthetic_board import rich_board


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made, events = rich_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases, events)


def test_every_track_is_on_one_base_and_one_suite(board: Board) -> None:
    assert [track for base in views.bases(board) for track in base.tracks] == list(board.tracks)
    assert [track for tracks in views.suites(board).values() for track in tracks] == list(board.tracks)


def test_items_most_often_forgotten_come_with_answers_of_entries_that_forgot_them(board: Board) -> None:
    track = board.tracks[0]
    found = views.forgotten(track)
    assert [item.by for item in found] == sorted((item.by for item in found), reverse=True)
    assert all(outcome != "correct" for item in found for _, outcome, _ in item.now)
    assert any(item.now for item in found)


def test_the_guide_explains_itself_with_an_entry_that_lost_something_and_kept_most(board: Board) -> None:
    found = views.example(board)
    assert found is not None
    # None was verified, and so none is ranked.
    ranked = [row for row in board.tracks[0].compared if row.card.prior_tasks and row.card.balance is not None]
    distances = {row.entry_id: abs((row.card.retention_macro or 0.0) - 0.8) for row in ranked}
    assert distances[found.row.entry_id] == min(distances.values())
    assert len(set(distances.values())) > 1
    assert found.task_name == next(iter(found.row.card.prior_tasks))


@pytest.mark.parametrize(("text", "name"), [("nano-1", "nano-1"), ("a/b+c-1", "a-b-c-1"), ("../..", "unnamed")])
def test_a_label_becomes_a_file_name(text: str, name: str) -> None:
    assert views.slug(text) == name


def test_a_short_label_keeps_the_end_of_a_name() -> None:
    assert short("nano-science-sft-slow-seed0") == "nano-sci…-sft-slow-seed0"
    assert short("nano-science-sft-slow-seed0", 20) == "nano-s…ft-slow-seed0"
    assert short("nano-sft", 20) == "nano-sft"
    assert len(short("x" * 99)) == 24


def test_each_method_has_a_shape_of_its_own() -> None:
    assert len(set(SHAPES)) == len(SHAPES)
    assert set(FAMILY_SHAPES) == set(views.METHODS)
