"""Side by side: entries of a track on every task, tested as a pair of runs is."""

import pytest

from harness.records import read_run
from harness.scoring import run_differences
from leaderboard.board.board import Board, load_board
from leaderboard.board.recipes import recipes
from leaderboard.board.side_by_side import MOST, first_shown, side_by_side
from leaderboard.site.compare import comparing
from leaderboard.site.item_index import ItemIndex
from tests.support.synthetic_board import rich_board


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made, events = rich_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases, events)


def test_two_entries_differ_as_their_stored_runs_do(board: Board) -> None:
    one, other = board.tracks[0].rows[:2]
    by_task = {each.task: each for each in run_differences(read_run(one.folders[1]), read_run(other.folders[1]))}
    side = side_by_side(board.tracks[0], (one, other))
    assert {task.name: task.differences for task in side.tasks} == {name: (each,) for name, each in by_task.items()}
    for task in side.tasks:
        alone = {group.by: len(group.items) for group in task.parted}
        (each,) = task.differences
        assert (alone.get((0,), 0), alone.get((1,), 0)) == (each.only_first, each.only_second)
        assert task.differing == each.only_first + each.only_second
    assert side.tasks[0].role == "target"


def test_more_entries_are_adjusted_together(board: Board) -> None:
    rows = board.tracks[0].rows[:3]
    both = side_by_side(board.tracks[0], rows)
    alone = side_by_side(board.tracks[0], rows[:2])
    for task, same in zip(both.tasks, alone.tasks, strict=True):
        assert task.differences[0].p_value == same.differences[0].p_value
        assert task.differences[0].p_holm >= same.differences[0].p_holm


def test_two_to_four_can_be_compared(board: Board) -> None:
    for rows in (board.tracks[0].rows[:1], board.tracks[0].rows[:5]):
        with pytest.raises(ValueError, match="two to 4"):
            side_by_side(board.tracks[0], rows)


def test_the_first_shown_are_the_best_of_recipes(board: Board) -> None:
    index = ItemIndex(board)
    for track in board.tracks:
        shown = first_shown(track)
        best = [recipe.rows[0] for recipe in recipes(track)][:MOST]
        assert list(shown[: len(best)]) == best
        assert len(shown) == min(MOST, len(track.rows))
        assert (comparing(track, index).shown is None) == (len(track.rows) == 1)


def test_what_is_tested_between_entries_is_the_same_both_ways(board: Board) -> None:
    track = board.tracks[0]
    told = set()
    for one in track.rows:
        for other in track.rows:
            for axis in ("gain", "retention"):
                found = track.differences.differ(axis, one.entry_id, other.entry_id)
                assert found == track.differences.differ(axis, other.entry_id, one.entry_id)
                told.add(found)
    assert told == {True, False, None}
