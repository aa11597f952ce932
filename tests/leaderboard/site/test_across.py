"""Tracks side by side: panels on the same axes, and the recipes that several tracks have."""

from dataclasses import replace

import pytest

from leaderboard.board.board import Board, load_board
from leaderboard.board.recipes import recipes
from leaderboard.site.across import MOST_TRACKS, across, normalised_gain
from tests.support.synthetic_board import rich_board


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made, events = rich_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases, events)


def test_every_track_has_a_panel_with_a_mark_for_each_recipe_that_has_both_numbers(board: Board) -> None:
    found = across(board.tracks)
    assert found is not None
    assert [panel.track for panel in found.panels] == list(board.tracks[:MOST_TRACKS])
    for panel in found.panels:
        drawn = [recipe.slug for *_, recipe in panel.points]
        there = [each for each in recipes(panel.track) if each.retention and normalised_gain(each) is not None]
        assert drawn == [each.slug for each in there]
        for x, y, recipe in panel.points:
            assert recipe.retention is not None
            assert (x, y) == (found.x.at(normalised_gain(recipe) or 0.0), found.y.at(recipe.retention.mean))
    assert set(found.families) == {recipe.manifest.method.family for p in found.panels for *_, recipe in p.points}


def test_a_recipe_of_several_tracks_is_one_row_with_a_cell_a_track(board: Board) -> None:
    track = board.tracks[0]
    twice = across([track, replace(track, key=replace(track.key, target="other"))])
    assert twice is not None
    assert twice.shared
    for title, setting, cells in twice.shared:
        assert {(each.title, each.setting) for each in cells if each} == {(title, setting)}
        assert cells[0] is not None
    alone = across([track])
    assert alone is not None
    assert alone.shared == ()


def test_a_board_without_numbers_has_no_chart() -> None:
    assert across([]) is None
