"""Acceptance runs all steps: what validation refuses is not put on record, and what is not on record is not shown."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from harness.errors import CheckFailedError
from leaderboard.acceptance.accepting import accept_entries
from leaderboard.board.board import load_board
from leaderboard.board.queue import queued_entries
from leaderboard.board.recipes import recipes
from leaderboard.cli import cli
from leaderboard.documents.identity import seal
from leaderboard.entries.maintain import record_acceptance
from leaderboard.site.build import render
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


def test_a_preview_shows_what_was_never_accepted_and_says_so(made: TinyShelf) -> None:
    shelf = made.shelf
    board = load_board(shelf.submissions, shelf.bases, shelf.events, preview=True)
    (row,) = board.rows
    assert row.pending
    assert row.tags[0].text == "not accepted yet"
    assert recipes(board.tracks[0])[0].tags[0].text == "not accepted yet"
    assert (row.placing.reason or "").startswith("not accepted yet")
    written = render(board)
    for name in ("index.html", f"entries/{row.entry_id}.html", f"entries/{row.entry_id}.json", "board.json"):
        assert b"not accepted yet" in written[name], name
    accepted(shelf)
    (row,) = load_board(shelf.submissions, shelf.bases, shelf.events, preview=True).rows
    assert "not accepted yet" not in [tag.text for tag in row.tags]
    # Nobody could accept entries elsewhere, which have no ledgers.
    (row,) = load_board(shelf.submissions, shelf.bases).rows
    assert not row.pending


def bare_gold(task: str, doc: dict[str, Any]) -> str | int:
    """Half of the sums are the gold answer and nothing else."""
    if task == "tiny_sums" and int(doc["answer"]) % 2:
        return f"<answer>{doc['answer']}</answer>"
    return model(3, tiny_sums=0.3)(task, doc)


def test_what_validation_flags_waits_in_the_queue_before_and_after_acceptance(made: TinyShelf) -> None:
    folder, shelf = made.add("gold", bare_gold), made.shelf
    where = [str(each) for name in ("submissions", "bases", "events")
             for each in (f"--{name}", getattr(shelf, name))]  # fmt: skip
    arguments = ["maintain", "queue", *where, "--cache", str(made.root / "cache"), "--suite", str(made.tiny.path)]
    said = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False).stdout.splitlines()
    first, other = (json.loads(line) for line in said)
    assert (first["entry_id"], first["reason"]) == (folder.name, "pending")
    assert "gold-copied" not in other["flags"]
    assert "bare gold answer" in first["flags"]["gold-copied"]
    accept_entries(shelf, [folder.name, other["entry_id"]], "mo", [made.tiny.path], jobs=1)
    assert shelf.state(folder.name).submitted.flags == first["flags"]  # type: ignore[union-attr]
    waiting = queued_entries(load_board(shelf.submissions, shelf.bases, shelf.events))
    assert (waiting[0].entry_id, waiting[0].reason) == (folder.name, "unverified")
    assert waiting[0].flags == first["flags"]


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
