"""The page of the data: the programs that it prints run as they stand, and every file of the site's data is on it."""

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import leaderboard
from leaderboard.board.board import load_board
from leaderboard.site.build import write_site
from leaderboard.site.data_page import examples, items_example
from tests.support.synthetic_board import full_board

ROOT = Path(leaderboard.__file__).parents[1]
ENTRY = "4eauwmhpomvr"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = full_board(tmp_path_factory.mktemp("board"))
    return write_site(load_board(made.submissions, made.bases), tmp_path_factory.mktemp("site")).parent


def programs(page: Path) -> list[str]:
    found = re.findall(r'<pre class="program"[^>]*><code>(.*?)</code></pre>', page.read_text("utf-8"), re.DOTALL)
    return [html.unescape(program) for program in found]


def run(program: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout


def test_the_programs_of_the_page_run_in_the_folder_of_the_site(site: Path) -> None:
    first, second, third, _ = programs(site / "data.html")
    assert first.count("\n") <= 5
    assert "sft" in (said := run(first, site))
    assert "mean" in said
    assert "vision_count" in run(second, site)
    assert re.search(r"^retention_share double share$", run(third, site), re.MULTILINE)


def test_the_first_program_answers_what_each_learning_rate_keeps(site: Path) -> None:
    first, *_ = programs(site / "data.html")
    asked = "print(len(chosen), chosen.retention_share.round(3).tolist() == chosen.retention_share.tolist())"
    assert run(f"{first}\n{asked}", site).splitlines()[-1] == "5 False", "five entries, unrounded"


def test_the_program_for_items_runs_in_a_checkout_and_counts_what_the_scorecard_does(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "submissions" / ENTRY, tmp_path / ENTRY)
    board = load_board(tmp_path, ROOT / "leaderboard/data/bases")
    program = items_example(board)
    assert f"submissions/{ENTRY}/tuned" in program
    (row,) = board.rows
    lost = sum(task.n10 for task in row.card.tasks.values())
    assert run(f"{program}\nprint(len(forgotten))", ROOT).splitlines()[-1] == str(lost)


def test_every_data_file_is_linked_with_its_size(site: Path) -> None:
    page = (site / "data.html").read_text("utf-8")
    links = set(re.findall(r'href="([^"#]+)"', page))
    there = {path.name for path in site.iterdir() if path.suffix in (".csv", ".parquet", ".json", ".xml")}
    assert there <= links
    assert {f"schemas/{path.name}" for path in (site / "schemas").iterdir()} <= links
    assert re.search(r"\b5 rows, [0-9]+ columns; [0-9]+ kB", page)


def test_every_column_is_explained(site: Path) -> None:
    page = (site / "data.html").read_text("utf-8")
    head = (site / "tasks.csv").read_text("utf-8").split("\n", 1)[0].split(",")
    assert all(f'id="tasks.{name}"' in page for name in head)
    assert 'href="metrics.html#retention"' in page


def test_a_board_without_entries_has_programs_still() -> None:
    from leaderboard.board.board import Board

    assert all("import" in program for program in examples(Board((), ())).values())
    assert "submissions/ENTRY/tuned" in items_example(Board((), ()))
