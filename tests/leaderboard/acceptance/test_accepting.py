"""Acceptance runs all steps: what validation refuses is not put on record, and what is not on record is not shown."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import CheckFailedError
from leaderboard.acceptance.accepting import accept_entries
from leaderboard.board.board import load_board
from leaderboard.documents.identity import seal
from leaderboard.entries.maintain import record_acceptance
from tests.support.accepting import accepted, maintained
from tests.support.tiny import TinyShelf, model, tiny_shelf, tiny_suite


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> TinyShelf:
    root = tmp_path_factory.mktemp("accepting")
    made = tiny_shelf(tiny_suite(root / "tasks"), root / "board")
    made.add("one", model(1))
    maintained(made.shelf.events)
    return made


@pytest.fixture
def made(original: TinyShelf, tmp_path: Path) -> TinyShelf:
    shutil.copytree(original.root, tmp_path / "board")
    return TinyShelf(original.tiny, tmp_path / "board")


def entry_of(made: TinyShelf) -> Path:
    (folder,) = made.shelf.submissions.iterdir()
    return folder


def all_correct(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(outcome="correct", score=1.0)


def test_an_entry_is_accepted_once_and_shown(made: TinyShelf) -> None:
    folder, shelf = entry_of(made), made.shelf
    assert load_board(shelf.submissions, shelf.bases, shelf.events).rows == ()
    (decision,) = accept_entries(shelf, [folder.name], "mo", [made.tiny.path], jobs=1)
    assert decision.refused is None
    assert decision.file is not None
    (again,) = accept_entries(shelf, [folder.name], "mo", [made.tiny.path], jobs=1)
    assert (again.refused, again.file) == (None, None)
    (row,) = load_board(shelf.submissions, shelf.bases, shelf.events).rows
    assert row.entry_id == folder.name


def test_a_forged_entry_is_not_accepted_and_not_shown(made: TinyShelf) -> None:
    folder, shelf = entry_of(made), made.shelf
    made.rewrite(folder, all_correct)
    (decision,) = accept_entries(shelf, [folder.name], "mo", [made.tiny.path], jobs=1)
    assert decision.refused == "not accepted; nothing was recorded"
    assert "recomputation" in {found.rule for found in decision.report.of("refuse")}
    assert list(shelf.events.glob("*/*")) == []
    board = load_board(shelf.submissions, shelf.bases, shelf.events)
    assert board.rows == ()
    assert [(bad.path, bad.waiting) for bad in board.bad] == [(folder.name, True)]
    assert "not accepted yet" in board.bad[0].reason


def test_what_could_not_be_checked_is_not_accepted(made: TinyShelf) -> None:
    """Without the suite's file nothing of an entry can be recomputed."""
    (decision,) = accept_entries(made.shelf, [entry_of(made).name], "mo", jobs=1)
    assert decision.refused is not None


def test_nobody_but_a_maintainer_accepts(made: TinyShelf) -> None:
    (decision,) = accept_entries(made.shelf, [entry_of(made).name], "eve", [made.tiny.path], jobs=1)
    assert "actor: eve was not a maintainer" in (decision.refused or "")


@pytest.mark.parametrize("change", ["a changed byte", "a new file", "a forgery after acceptance"])
def test_an_entry_that_changed_since_is_left_out(made: TinyShelf, change: str) -> None:
    folder, shelf = entry_of(made), accepted(made.shelf)
    assert len(load_board(shelf.submissions, shelf.bases, shelf.events).rows) == 1
    if change == "a changed byte":
        (folder / "SHA256SUMS").write_bytes((folder / "SHA256SUMS").read_bytes() + b"\n")
    elif change == "a new file":
        (folder / "dynamics.json").write_text("{}")
    else:
        made.rewrite(folder, all_correct)
    for preview in (False, True):
        board = load_board(shelf.submissions, shelf.bases, shelf.events, preview=preview)
        assert board.rows == ()
        assert "not accepted as it is" in board.bad[0].reason


def test_a_preview_shows_what_was_never_accepted(made: TinyShelf) -> None:
    shelf = made.shelf
    assert len(load_board(shelf.submissions, shelf.bases, shelf.events, preview=True).rows) == 1
    assert len(load_board(shelf.submissions, shelf.bases).rows) == 1


def test_a_changed_entry_is_accepted_again_by_the_account_that_submitted_it(made: TinyShelf) -> None:
    folder, shelf = entry_of(made), accepted(made.shelf)
    manifest = folder / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("the last checkpoint", "the best checkpoint"))
    seal(folder)
    (decision,) = accept_entries(shelf, [folder.name], "mo", [made.tiny.path], jobs=1)
    assert decision.refused is None
    manifest.write_text(manifest.read_text().replace("handle: ada", "handle: eve"))
    seal(folder)
    (decision,) = accept_entries(shelf, [folder.name], "mo", [made.tiny.path], jobs=1)
    assert "contact.handle: eve, but ada submitted it" in (decision.refused or "")
    with pytest.raises(CheckFailedError, match="stays its contact"):
        record_acceptance(shelf, folder.name, "mo")
