"""Results: every entry is in one row, the opening track shows a gain, tabs tell tracks apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.board.board import Board, load_board
from leaderboard.site import results
from tests.support.synthetic_board import rich_board, without_gain


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made, events = rich_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases, events)


def test_every_entry_of_a_track_is_in_one_row(board: Board) -> None:
    for track in board.tracks:
        found = results.results(track)
        told = [row.entry_id for line in found.lines for row in line.recipe.rows]
        assert sorted(told) == sorted(row.entry_id for row in track.rows)
        assert set(found.recipe_of) == set(told)
        assert set(found.families) == {row.manifest.method.family for row in track.rows}
        assert all(line.best in line.recipe.rows for line in found.lines)


def test_a_track_without_a_shown_gain_never_opens_the_board(board: Board) -> None:
    first, second = board.tracks
    assert results.opening(board) is first
    assert results.opening(Board((without_gain(first), second), ())) is second
    assert results.opening(Board((without_gain(first), without_gain(second)), ())) is None
    assert results.opening(Board((), ())) is None


def test_tabs_say_no_more_than_it_takes_to_tell_tracks_apart(board: Board) -> None:
    first, second = board.tracks
    assert sorted(results.tab_names(board).values()) == ["jigsaw", "math"]
    other = replace(second, key=replace(first.key, suite="nano-2"))
    assert sorted(results.tab_names(Board((first, other), ())).values()) == [
        "jigsaw on nano-2",
        f"jigsaw on {first.key.suite}",
    ]
    custom = replace(second, key=replace(first.key, kind="custom"))
    assert sorted(results.tab_names(Board((first, custom), ())).values()) == ["jigsaw custom", "jigsaw standard"]
    assert results.tab_names(Board((), ())) == {}


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=5))
def test_a_span_has_a_sign_and_both_ends(values: list[float]) -> None:
    said = results.span(values).split(" to ")
    assert len(said) in (1, 2)
    for end, value in zip((said[0], said[-1]), (min(values), max(values)), strict=True):
        assert abs(int(end.replace("\N{MINUS SIGN}", "-")) - value * 100) <= 0.5 + 1e-9
        assert end == "0" or end[0] in "+\N{MINUS SIGN}"


def test_shares_are_whole_per_cent_with_a_true_minus_sign() -> None:
    assert [results.share(value) for value in (0.9412, -0.114, -0.004, None)] == ["94", "\N{MINUS SIGN}11", "0", "–"]
    assert results.share_ci((-0.12, 0.944)) == "[\N{MINUS SIGN}12, 94]"
