"""Releases: frozen once, whole, and readable by what cites them."""

import hashlib
import json
from pathlib import Path

import pytest

from harness.errors import CheckFailedError, RetentionError
from leaderboard.board.board import Board, load_board
from leaderboard.board.tables import board_tables
from leaderboard.entries.shelf import Shelf, published_card
from leaderboard.site.releases import read_releases, write_release
from tests.support.synthetic_board import Folders, add_entry, folders

FILES = ["SHA256SUMS", "board.csv", "board.json", "recipes.csv", "tasks.csv"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    made = folders(tmp_path_factory.mktemp("board"))
    add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    return made


@pytest.fixture(scope="module")
def board(made: Folders) -> Board:
    return load_board(made.submissions, made.bases)


def test_a_release_holds_the_tables_and_their_checksums(board: Board, tmp_path: Path) -> None:
    folder = write_release(board, "2026.1", tmp_path / "releases")
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert (folder / "board.csv").read_text() == board_tables(board)[0].to_csv()
    assert read_releases(tmp_path / "releases")[0].data_as_of == board.data_as_of
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_the_shelf_finds_the_scorecard_in_a_release(made: Folders, board: Board, tmp_path: Path) -> None:
    write_release(board, "2026.1", tmp_path)
    shelf = Shelf(made.submissions, made.bases, tmp_path / "events", tmp_path)
    assert list(shelf.released(board.rows[0].entry_id)) == [("2026.1", board.rows[0].card)]


def test_a_version_is_written_once(board: Board, tmp_path: Path) -> None:
    folder = write_release(board, "2026.1", tmp_path)
    before = (folder / "board.json").read_bytes()
    with pytest.raises(CheckFailedError, match="is released and never changes"):
        write_release(Board((), ()), "2026.1", tmp_path)
    assert (folder / "board.json").read_bytes() == before
    assert write_release(board, "2026.2", tmp_path).name == "2026.2"


@pytest.mark.parametrize("version", ["", "../out", "a/b", ".hidden", "2026.1\n", "a..b", "x" * 33, "é"])
def test_a_version_is_a_plain_name(board: Board, tmp_path: Path, version: str) -> None:
    with pytest.raises(RetentionError, match="a version is letters"):
        write_release(board, version, tmp_path / "releases")
    assert not (tmp_path / "releases").exists()


def test_a_release_that_cannot_be_written_leaves_nothing(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="no space"):
        write_release(board, "2026.1", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_releases_are_listed_newest_first(tmp_path: Path) -> None:
    for version in ("2026.1", "2026.2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "SHA256SUMS").write_text(f"{'a' * 64}  board.json\n")
    (tmp_path / ".2026.3.partial").mkdir()
    assert [each.version for each in read_releases(tmp_path)] == ["2026.2", "2026.1"]
    assert read_releases(tmp_path)[0].sums == {"board.json": "a" * 64}
    assert read_releases(None) == ()


def test_a_release_of_the_earlier_schema_is_read_and_one_of_a_later_is_refused(board: Board, tmp_path: Path) -> None:
    file = write_release(board, "2026.1", tmp_path) / "board.json"
    document = json.loads(file.read_text())
    entry_id = board.rows[0].entry_id
    for schema in ("retentionbench-board-1", "retentionbench-board-2"):
        file.write_text(json.dumps({**document, "schema": schema}))
        assert published_card(file, entry_id) == board.rows[0].card
    file.write_text(json.dumps({**document, "schema": "retentionbench-board-3"}))
    with pytest.raises(RetentionError, match="'retentionbench-board-3' is not one of"):
        published_card(file, entry_id)
