"""Every hostile text in every place that takes one: on the board, in its data, in a pair's report and on a terminal."""

import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from harness.records.run import read_run
from harness.report import page, terminal
from harness.scoring import score_pair
from leaderboard.board.board import Board, load_board
from leaderboard.site.build import render
from tests.hostile.pages import Page, check_page, unseen
from tests.hostile.texts import STRINGS, hostile_board, shown
from tests.support.synthetic_board import Folders


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Folders, Path]:
    return hostile_board(tmp_path_factory.mktemp("texts"))


@pytest.fixture(scope="module")
def board(made: tuple[Folders, Path]) -> Board:
    folders, events = made
    return load_board(folders.submissions, folders.bases, events)


@pytest.fixture(scope="module")
def files(board: Board) -> dict[str, bytes]:
    return render(board)


def test_every_entry_is_on_the_board_and_two_folders_are_not(board: Board) -> None:
    assert len(board.rows) == -(-len(STRINGS) // 4)
    assert len(board.bad) == 2
    assert {str(row.state.standing) for row in board.rows} == {"flagged"}


def test_every_text_is_text_on_some_page(files: dict[str, bytes]) -> None:
    pages = {name: Page(data.decode()) for name, data in files.items() if name.endswith(".html")}
    for name, each in pages.items():
        check_page(name, each)
    everything = "\n".join(each.text for each in pages.values())
    for text in STRINGS:
        assert shown(text)[:70] in everything, text
    for name, data in files.items():
        if name.startswith("assets/") or name.endswith((".png", ".webp")):
            continue
        # A parquet file is not text, but holds some.
        text = str(pq.read_table(io.BytesIO(data)).to_pylist()) if name.endswith(".parquet") else data.decode()
        assert not any(unseen(line) for line in text.split("\n")), name


def test_the_data_of_a_hostile_board_is_strict_json(files: dict[str, bytes]) -> None:
    for name in files:
        if name.endswith(".json"):
            json.loads(files[name], parse_constant=pytest.fail)


def test_a_pair_of_hostile_runs_has_a_report_and_a_terminal_that_stay_whole(made: tuple[Folders, Path]) -> None:
    folders, _ = made
    base, tuned = read_run(folders.runs / "base"), read_run(folders.runs / "tuned-1")
    card = score_pair(base, tuned, "jigsaw")
    report = Page(page.render_pair_page(card, base, tuned))
    for tag, attributes in report.tags:
        assert tag not in ("script", "iframe", "object", "embed", "form", "base", "img"), attributes
        assert not [key for key in attributes if key.startswith("on")], attributes
        assert not attributes.get("href", "").startswith(("javascript:", "data:", "http:", "//"))
    assert "<script>alert(1)</script>" in report.text
    assert not any(unseen(line) for line in report.text.split("\n"))
    written = io.StringIO()
    terminal.render_pair(card, Console(file=written, width=120, force_terminal=False))
    assert not any(unseen(line) for line in written.getvalue().split("\n"))
