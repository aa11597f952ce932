"""Rendering in several processes: the same files as in one, and an error that names what ended its process."""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.errors import RetentionError
from leaderboard.board.board import Board, load_board
from leaderboard.board.cache import Cache
from leaderboard.site import rendering
from leaderboard.site.build import files, render, site_sources, write_site
from leaderboard.site.checks import compare_sites
from leaderboard.site.families import units
from leaderboard.site.pages import Pages
from leaderboard.site.units import File, Unit, single
from tests.support.synthetic_board import Folders, full_board

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return full_board(tmp_path_factory.mktemp("board"))


@pytest.fixture(scope="module")
def board(made: Folders) -> Board:
    return load_board(made.submissions, made.bases)


@pytest.fixture
def pages(board: Board) -> Pages:
    assets = dict.fromkeys(("icon.svg", "style.css", "board.js"), "a")
    return Pages(board, site_sources() / "templates", assets)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "_WORTH_PROCESSES", 1)


def end_this_process(pages: Pages, why: str) -> Iterator[File]:
    if why:
        os._exit(3)
    yield "never.html", b""


def say_which_process(pages: Pages, name: str) -> Iterator[File]:
    yield name, str(os.getpid()).encode()


@pytest.mark.usefixtures("few")
def test_several_processes_make_the_files_that_one_makes(board: Board, tmp_path: Path) -> None:
    one, site = render(board, "https://board.example.org/"), "https://board.example.org/"
    cache = Cache(tmp_path)
    made = list(files(board, site, jobs=2, cache=cache))
    assert dict(made) == one
    assert len(made) == len(one)
    # What the processes remembered serves a build in one.
    assert dict(files(board, site, cache=cache)) == one


@pytest.mark.usefixtures("few")
def test_a_unit_that_ends_its_process_is_named(pages: Pages) -> None:
    doomed = [single("metrics.html"), Unit(end_this_process, ("memory",)), single("cite.html")]
    with pytest.raises(RetentionError, match=r"end_this_process memory: the process that rendered it ended .* --jobs"):
        list(rendering.rendered(pages, doomed, jobs=2))


@pytest.mark.usefixtures("few")
def test_one_job_stays_in_this_process(pages: Pages) -> None:
    some = [Unit(say_which_process, (str(number),)) for number in range(4)]
    here = str(os.getpid()).encode()
    assert {data for _, data in rendering.rendered(pages, some, jobs=1)} == {here}
    assert here not in {data for _, data in rendering.rendered(pages, some, jobs=2)}


@pytest.mark.usefixtures("few")
def test_units_about_the_same_are_made_by_one_process(pages: Pages) -> None:
    alike = [Unit(say_which_process, (str(number // 3),)) for number in range(36)]
    found = set(rendering.rendered(pages, alike, jobs=2))
    assert len(found) == 12
    assert {int(name) for name, _ in found} == set(range(12))


def test_few_units_are_not_worth_processes(pages: Pages) -> None:
    some = [Unit(say_which_process, (str(number),)) for number in range(4)]
    assert {data for _, data in rendering.rendered(pages, some, jobs=2)} == {str(os.getpid()).encode()}


def test_units_are_small_and_no_two_make_one_file(pages: Pages) -> None:
    found = list(units(pages))
    assert all(len(pickle.dumps(unit)) < 1000 for unit in found)
    paths = [path for unit in found for path, _ in unit.files(pages)]
    assert len(set(paths)) == len(paths)
    assert len({str(unit) for unit in found}) == len(found)


# Builds a site in two processes, and halts behind a file in the middle, with files of both still to come.
_HALTS = """
import sys
from pathlib import Path
from leaderboard.board.board import load_board
from leaderboard.board.cache import Cache
from leaderboard.site import build, rendering

written, write = [], build._write

def halting(path, data):
    write(path, data)
    written.append(path)
    if len(written) == 30:
        print(flush=True)
        input()

if __name__ == "__main__":
    submissions, bases, out, cache = map(Path, sys.argv[1:])
    rendering._WORTH_PROCESSES, build._write = 1, halting
    build.write_site(load_board(submissions, bases), out, cache=Cache(cache), jobs=2)
"""


def test_a_build_in_processes_that_is_killed_leaves_none_and_the_next_one_is_whole(
    made: Folders, board: Board, tmp_path: Path
) -> None:
    out, cache = tmp_path / "public", tmp_path / "cache"
    arguments = [str(each) for each in (made.submissions, made.bases, out, cache)]
    with subprocess.Popen(
        [sys.executable, "-c", _HALTS, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "\n"
        workers = psutil.Process(killed.pid).children(recursive=True)
        killed.kill()
    assert len(workers) >= 2
    assert psutil.wait_procs(workers, timeout=60)[1] == []
    assert (out / ".building").is_file()
    write_site(board, out, cache=Cache(cache))
    write_site(board, tmp_path / "other")
    assert compare_sites(out, tmp_path / "other") == []
    assert {path.name for path in out.iterdir()} == {path.name for path in (tmp_path / "other").iterdir()}
