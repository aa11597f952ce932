"""Views: every group page has its entries, and what is drawn lies where it should."""

from pathlib import Path

import pytest

from leaderboard.acceptance.replacing import headline
from leaderboard.board.board import Board, load_board
from leaderboard.entries.maintain import base_files
from leaderboard.entries.shelf import Shelf
from leaderboard.ledger.events import Rebased
from leaderboard.site import views
from leaderboard.site.build import render
from leaderboard.site.plots import FAMILY_SHAPES, SHAPES, short
from leaderboard.submit.prepare import prepare_entry
from tests.support.accepting import accepted, noted
from tests.support.synthetic import synthetic_run
from tests.support.synthetic_board import STATEMENT, add_entry, folders, rich_board


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


def test_every_run_of_a_base_is_listed_with_what_differs_and_what_was_replaced(tmp_path: Path) -> None:
    made = folders(tmp_path)
    first = add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8}, seed=1)
    synthetic_run(made.runs / "other", name="nano-base", accuracy=0.5)
    synthetic_run(made.runs / "tuned-2", name="nano-rft", accuracy=0.6, seed=2)
    second = prepare_entry(made.runs / "tuned-2", made.runs / "other", STATEMENT, made.submissions, made.bases)
    shelf = accepted(Shelf(made.submissions, made.bases, tmp_path / "events", tmp_path / "releases"))
    homes = [each.base_folder.relative_to(made.bases).as_posix() for each in (first, second)]
    (view,) = views.bases(load_board(made.submissions, made.bases, shelf.events))
    assert [run.home for run in view.runs] == homes
    assert [len(run.rows) for run in view.runs] == [1, 1]
    assert view.runs[0].differs == 0 < view.runs[1].differs
    cards = headline(first.scorecard).model_dump(), headline(second.scorecard).model_dump()
    files = base_files(made.bases, homes[1])
    samples = shelf.scored(second.entry_id).entry.base.record.samples_sha256
    fields = {"replaced": homes[0], "replacement": homes[1], "files": files, "base_samples_sha256": samples}
    before = render(load_board(made.submissions, made.bases, shelf.events))
    noted(shelf, Rebased, first.entry_id, **fields, before=cards[0], after=cards[1], reason="solves <b>too little</b>")
    after = render(load_board(made.submissions, made.bases, shelf.events))
    listed, replaced = (pages[view.page].decode() for pages in (before, after))
    assert all(f"<code>{home}</code></th>" in listed for home in homes)
    assert f"<code>{homes[0]}</code></th>" not in replaced
    assert f"<code>{homes[1]}</code> took the place of <code>{homes[0]}</code>" in replaced
    assert "<b>too little" not in replaced
    (track,) = load_board(made.submissions, made.bases, shelf.events).tracks
    page = f"tracks/{track.key.slug}.html"
    assert "Not all entries are compared with the same run of the base" in before[page].decode()
    assert "Not all entries are compared" not in after[page].decode()
    entry = f"entries/{first.entry_id}.html"
    assert f"in place of <code>{homes[0]}</code>: gain" in after[entry].decode()
    unmoved = f"entries/{second.entry_id}.json"
    assert before[unmoved] == after[unmoved]
    assert "is scored with another run of its base" in after["feed.xml"].decode()


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
