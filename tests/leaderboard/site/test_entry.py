"""The page of one entry: what it says of others in its track, and that all of it decides what is remembered."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.scoring import headline
from leaderboard.board.board import Board, Row, Track, load_board
from leaderboard.site import entry
from leaderboard.site.answers import base_answers, read_answers
from leaderboard.site.explorer import telling
from tests.support.synthetic_board import rich_board


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made, events = rich_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases, events)


@pytest.fixture(scope="module")
def track(board: Board) -> Track:
    return board.tracks[0]


def seeded(row: Row, seed: int, entry_id: str) -> Row:
    method = row.manifest.method.model_copy(update={"seeds": [seed]})
    return replace(row, entry_id=entry_id, manifest=row.manifest.model_copy(update={"method": method}))


def test_every_entry_has_its_surroundings(track: Track) -> None:
    assert set(entry.neighbours(track)) == {row.entry_id for row in track.rows}


def test_dominated_entries_link_to_who_dominates_them(track: Track) -> None:
    row, other = track.rows[0], track.rows[1]
    placing = replace(row.placing, front="dominated", dominated_by=(other.entry_id, "nobodythere1"), dominators=7)
    changed = replace(track, rows=(replace(row, placing=placing), *track.rows[1:]))
    around = entry.neighbours(changed)[row.entry_id]
    assert [(each.entry_id, each.name) for each in around.dominated_by] == [(other.entry_id, other.name)]
    assert around.dominators == 7


def test_seeds_of_a_recipe_are_listed_in_their_order_and_one_alone_is_not(track: Track) -> None:
    one = track.rows[0]
    changed = replace(track, rows=(seeded(one, 2, "b" * 12), seeded(one, 1, "a" * 12), *track.rows[1:]))
    around = entry.neighbours(changed)["a" * 12]
    assert [each.seed for each in around.seeds] == ["seed 1", "seed 2"]
    assert entry.neighbours(track)[one.entry_id].seeds == ()


def test_what_is_shown_of_others_is_in_the_facts(track: Track) -> None:
    row = track.rows[0]
    around = entry.neighbours(track)[row.entry_id]
    other = entry.Other("a" * 12, "another")
    changes: dict[str, Any] = {
        "dominated_by": (other,),
        "dominators": 9,
        "recipe": "recipe-x",
        "title": "t",
        "settings": "s",
        "tags": (("t", "warn"),),
        "seeds": (other,),
    }
    assert set(changes) == set(around.facts)
    for field, value in changes.items():
        assert replace(around, **{field: value}).facts != around.facts, field


def test_the_page_says_the_sentence_of_the_report_with_a_true_minus(track: Track) -> None:
    for row in track.rows:
        page = entry.entry_page(row, entry.neighbours(track)[row.entry_id])
        assert page.headline == headline(row.card)
        assert "(-" not in page.headline


def test_items_that_tell_are_forgotten_ones_spread_over_the_tasks(track: Track, tmp_path: Path) -> None:
    for row in track.rows:
        base, tuned = base_answers(row.folders[0]), read_answers(row.folders[1])
        place = {item_id: at for at, item_id in enumerate(base.item_ids)}
        found = telling(row)
        lost = {name: task.n10 for name, task in row.card.prior_tasks.items() if task.n10}
        assert len(found) == min(3, sum(lost.values()))
        assert len({item.task for item in found}) == min(len(found), len(lost))
        for item in found:
            at = place[item.item_id]
            assert base.solved[at]
            assert not tuned.solved[at]
            assert row.card.tasks[item.task].role == "prior"
