"""Explorer: every item has its square, changed items are shown before unchanged ones, and a page has a bounded size."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.run import read_run
from harness.scoring import paired_items
from leaderboard.board.board import Board, load_board
from leaderboard.site.answers import shortened
from leaderboard.site.explorer import (
    CELL,
    COLUMNS,
    KINDS,
    LEAST_SHOWN,
    Squares,
    explore,
    mosaic,
    shares,
    telling,
)
from leaderboard.site.item_index import ItemIndex
from tests.support.synthetic_board import full_board


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made = full_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases)


@pytest.fixture(scope="module")
def linked(board: Board) -> Squares:
    return Squares(ItemIndex(board), "synthetic-1")


def squares(path: str) -> set[int]:
    """Places of the squares that a path's dashes draw."""
    found = set()
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)", path):
        first = int(x) // CELL + COLUMNS * (int(y) // CELL)
        found |= set(range(first, first + (int(length) + 1) // CELL))
    return found


@given(st.lists(st.sampled_from(KINDS), max_size=180))
def test_every_item_has_one_square_in_its_place(kinds: list[str]) -> None:
    paths = mosaic(kinds)
    assert {kind: squares(paths[kind]) for kind in KINDS} == {
        kind: {at for at, each in enumerate(kinds) if each == kind} for kind in KINDS
    }


@given(st.fixed_dictionaries({kind: st.integers(0, 300) for kind in KINDS}), st.integers(LEAST_SHOWN, 60))
def test_shares_fit_the_room_and_leave_none_of_it_to_waste(counts: dict[str, int], room: int) -> None:
    given_out = shares(counts, room)
    assert all(0 <= given_out[kind] <= counts[kind] for kind in KINDS)
    assert sum(given_out.values()) <= room
    changed = counts["forgotten"] + counts["learned"]
    unchanged = given_out["kept"] + given_out["never"]
    assert given_out["forgotten"] + given_out["learned"] == min(changed, room - unchanged)


def test_an_entry_is_explored_as_it_was_scored(board: Board, linked: Squares) -> None:
    for row in board.rows:
        found = {task.name: task for task in explore(row, linked)}
        assert set(found) == set(row.card.tasks)
        for name, score in row.card.tasks.items():
            task = found[name]
            assert [task.counts[kind] for kind in KINDS] == [score.n10, score.n01, score.n11, score.n00]


def test_answers_stand_beside_each_other_as_they_were_stored(board: Board, linked: Squares) -> None:
    row = board.rows[2]
    items = paired_items(*(read_run(folder) for folder in row.folders)).set_index("item_id")
    for task in explore(row, linked):
        for kind, shown in task.shown.items():
            for item in shown:
                stored = items.loc[item.item_id]
                assert stored["transition"] == kind == item.kind
                assert item.base == (stored["base_outcome"], stored["base_output"])
                assert item.tuned == (stored["tuned_outcome"], stored["tuned_output"])


def test_the_target_comes_first_and_then_what_lost_most(board: Board, linked: Squares) -> None:
    row = board.rows[0]
    assert [task.name for task in explore(row, linked)] == [*row.card.learned.tasks, *row.card.prior_tasks]


def test_every_item_has_a_square_that_leads_to_it(board: Board, linked: Squares) -> None:
    index, row = ItemIndex(board), board.rows[0]
    items = paired_items(*(read_run(folder) for folder in row.folders)).sort_values("item_id")
    for task in explore(row, linked):
        here = items[items["task"] == task.name]
        assert re.findall(r"<a href=\.\./([^\s>]+)(?: class=[lfn])?>(\w)</a>", str(task.squares)) == [
            (index.address("synthetic-1", item_id), kind[0])
            for item_id, kind in zip(here["item_id"], here["transition"], strict=True)
        ]


def test_a_suite_of_very_many_items_has_no_link_in_each_square(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leaderboard.site.explorer.MOST_SQUARES", 10)
    found = explore(board.rows[0], Squares(ItemIndex(board), "synthetic-1"))
    assert {str(task.squares) for task in found} == {""}


def test_telling_items_are_forgotten_ones_of_the_tasks_that_lost_most(board: Board) -> None:
    for row in board.rows:
        items = paired_items(*(read_run(folder) for folder in row.folders)).set_index("item_id")
        lost = [name for name, task in row.card.prior_tasks.items() if task.n10]
        found = telling(row)
        assert len(found) == min(3, sum(row.card.tasks[name].n10 for name in lost))
        assert [each.task for each in found[: len(lost)]] == lost[: len(found)]
        for each in found:
            stored = items.loc[each.item_id]
            assert (stored["transition"], stored["task"]) == ("forgotten", each.task)
            assert (each.base[0], each.tuned[0]) == (stored["base_outcome"], stored["tuned_outcome"])


@given(st.text(max_size=3000))
def test_a_shortened_answer_is_short_and_on_one_line(text: str) -> None:
    short = shortened(text)
    assert len(short) <= 283
    assert "\n" not in short


def test_a_long_answer_keeps_its_start_and_its_end() -> None:
    text = "First I look.\n" + "so " * 5000 + "<answer>42</answer>"
    assert shortened(text).startswith("First I look. so so")
    assert shortened(text).endswith("<answer>42</answer>")
    assert " … " in shortened(text)


def test_a_page_of_answers_is_the_same_from_the_cache(board: Board, tmp_path: Path) -> None:
    from leaderboard.board.cache import Cache
    from leaderboard.site.build import files

    cold = {name: data for name, data in files(board, cache=Cache(tmp_path)) if name.startswith("items/")}
    cache = Cache(tmp_path)
    warm = {name: data for name, data in files(board, cache=cache) if name.startswith("items/")}
    assert cold == warm
    assert (cache.hits >= len(board.rows), cache.misses) == (True, 0)
