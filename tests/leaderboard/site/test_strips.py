"""Dot strips: marks lie where their numbers are, none is lost, and those that are close stand apart."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.board.board import Track, load_board
from leaderboard.board.recipes import Recipe, recipes
from leaderboard.site import strips
from tests.support.synthetic_board import add_entry, folders


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Track:
    made = folders(tmp_path_factory.mktemp("board"))
    add_entry(made, "nano-a", {"jigsaw_2x2": 0.8})
    return load_board(made.submissions, made.bases).tracks[0]


def recipe_of(track: Track, kept: list[float]) -> Recipe:
    """A recipe whose seeds keep these shares, each with an interval of a point to both sides."""
    row = track.rows[0]
    rows = []
    for seed, value in enumerate(kept):
        method = row.manifest.method.model_copy(update={"seeds": [seed]})
        manifest = row.manifest.model_copy(update={"method": method})
        known = {"retention_macro": value, "retention_macro_ci": (value - 0.01, value + 0.01)}
        rows.append(replace(row, entry_id=f"seed{seed}", manifest=manifest, card=row.card.model_copy(update=known)))
    (found,) = recipes(replace(track, rows=tuple(rows)))
    return found


shares = st.lists(st.integers(-5000, 12000).map(lambda share: share / 10000), min_size=1, max_size=8)


@given(shares)
def test_every_seed_has_a_mark_at_its_value(track: Track, kept: list[float]) -> None:
    found = recipe_of(track, kept)
    axis = strips.axis([found])
    strip = strips.strip(found, axis)
    marks = {mark.row.entry_id: mark for mark in strip.marks}
    assert len(marks) == len(kept)
    for each in found.rows:
        assert each.card.retention_macro is not None
        assert axis.holds(each.card.retention_macro)
        assert marks[each.entry_id].x == axis.at(each.card.retention_macro)
    assert bool(strip.band) == (len(kept) > 1)
    assert bool(strip.interval) == (len(kept) > 2)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=3))
def test_three_seeds_never_hide_each_other(track: Track, kept: list[float]) -> None:
    found = recipe_of(track, kept)
    marks = strips.strip(found, strips.axis([found])).marks
    places = [(float(mark.x), float(mark.y)) for mark in marks]
    for at, (x, y) in enumerate(places):
        assert all(abs(x - other) >= 10.9 or y != lane for other, lane in places[at + 1 :])


@given(shares)
def test_nothing_is_drawn_outside_the_strip(track: Track, kept: list[float]) -> None:
    found = recipe_of(track, kept)
    strip = strips.strip(found, strips.axis([found]))
    for path in (strip.band, strip.mean, strip.interval, *(mark.interval for mark in strip.marks)):
        for x in re.findall(r"[MLH](-?[0-9.]+)", path):
            assert 0 <= float(x) <= strips.WIDTH


def test_an_interval_that_goes_on_beyond_the_axis_ends_in_an_arrow(track: Track) -> None:
    wide = recipe_of(track, [0.0, 0.7, 0.95])
    near = recipe_of(track, [0.5, 0.51, 0.52])
    assert strips.strip(wide, strips.axis([wide])).interval.count("L") == 4
    assert strips.strip(near, strips.axis([near])).interval.count("v") == 2


def test_the_axis_goes_from_nothing_to_all_and_as_far_as_a_seed_lies(track: Track) -> None:
    assert (strips.axis([]).low, strips.axis([]).high) == (0.0, 1.0)
    beyond = strips.axis([recipe_of(track, [-0.11, 1.01])])
    assert (beyond.low, beyond.high) == (-0.2, 1.05)
    assert beyond.ticks == (0.0, 0.25, 0.5, 0.75, 1.0)
