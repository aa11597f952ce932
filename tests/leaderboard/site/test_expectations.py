"""What a submission costs: figures of the runs on the board, and of nothing else."""

from pathlib import Path
from statistics import median

import pytest

from leaderboard.board.board import Board, load_board
from leaderboard.documents.site_settings import SiteSettings
from leaderboard.site.build import write_site
from leaderboard.site.expectations import expectations
from tests.support.synthetic_board import full_board


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made = full_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases)


def test_they_are_those_of_the_runs(board: Board) -> None:
    (found,) = expectations(board)
    assert found.runs == len(board.rows)
    assert found.seconds == median(row.tuned.wall_seconds for row in board.rows)
    assert found.items == board.rows[0].tuned.n_items
    folder = board.rows[0].folder
    assert found.entry_bytes == pytest.approx(sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()), rel=0.2)


def test_an_empty_board_promises_nothing() -> None:
    assert expectations(Board((), ())) == ()


def test_the_page_says_where_to_send_an_entry_where_that_is_known(board: Board, tmp_path: Path) -> None:
    settings = SiteSettings(repository="https://example.org/owner/name")
    linked = write_site(board, tmp_path / "a", settings=settings).with_name("submit.html").read_text()
    assert 'href="https://example.org/owner/name/compare/main...HEAD" rel="noopener"' in linked
    alone = write_site(board, tmp_path / "b").with_name("submit.html").read_text()
    assert "example.org" not in alone
    for page in (linked, alone):
        assert "What it costs you" in page
