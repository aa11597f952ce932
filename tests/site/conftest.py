"""What the browser tests share: one browser, and the built sites they look at. They end with the last of these tests,
since an open browser keeps an event loop that others would stumble over."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from harness.scoring.study.results import StudyResults
from leaderboard.board.board import Board, load_board
from leaderboard.site.build import write_site
from tests.hostile.texts import hostile_board
from tests.support.axe import AxeMissingError, axe_source
from tests.support.browsing import opened
from tests.support.synthetic_board import rich_board

# Five seconds, its own choice, are few where other tests keep every core busy.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with opened() as launched:
        yield launched


@pytest.fixture(scope="package")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made, events = rich_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases, events)


@pytest.fixture(scope="package")
def studies(study_results: StudyResults, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of one study."""
    folder = tmp_path_factory.mktemp("studies")
    (folder / "small.json").write_text(study_results.to_json(), encoding="utf-8")
    return folder


@pytest.fixture(scope="package")
def site(board: Board, studies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(board, tmp_path_factory.mktemp("site") / "public", studies=studies).parent


@pytest.fixture(scope="package")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(Board((), ()), tmp_path_factory.mktemp("empty") / "public").parent


@pytest.fixture(scope="package")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made, events = hostile_board(tmp_path_factory.mktemp("hostile-board"))
    return load_board(made.submissions, made.bases, events)


@pytest.fixture(scope="package")
def hostile_site(hostile: Board, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(hostile, tmp_path_factory.mktemp("hostile-site") / "public").parent


@pytest.fixture(scope="package")
def axe() -> str:
    try:
        return axe_source()
    except AxeMissingError as error:
        pytest.fail(str(error))
