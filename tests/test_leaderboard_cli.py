"""The commands: what they print, how they fail, and that asking for help loads nothing heavy."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.errors import CheckFailedError, RetentionError
from leaderboard.cli import board, submit
from tests.site.synthetic_board import Folders, add_entry, folders


@pytest.fixture
def made(tmp_path: Path) -> Folders:
    return folders(tmp_path)


def places(made: Folders) -> list[str]:
    return ["--submissions", str(made.submissions), "--bases", str(made.bases)]


def test_build_prints_the_page_and_the_counts(made: Folders, tmp_path: Path) -> None:
    add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    ran = CliRunner().invoke(board, ["build", *places(made), "--out", str(tmp_path / "out")], catch_exceptions=False)
    assert ran.output == f"1 entry in 1 track: {tmp_path / 'out' / 'index.html'}\n"


def test_strict_fails_after_the_site_is_written(made: Folders, tmp_path: Path) -> None:
    add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    (made.submissions / "bad").mkdir()
    arguments = ["build", *places(made), "--out", str(tmp_path / "out")]
    lenient = CliRunner().invoke(board, arguments, catch_exceptions=False)
    assert lenient.exit_code == 0
    assert "left out: bad: manifest.yaml is missing" in lenient.output
    strict = CliRunner().invoke(board, [*arguments, "--strict"])
    assert isinstance(strict.exception, CheckFailedError)
    assert "1 of 2 entries were left out" in str(strict.exception)
    assert (tmp_path / "out" / "index.html").is_file()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    ran = CliRunner().invoke(board, ["build", "--submissions", str(tmp_path / "none")])
    assert isinstance(ran.exception, RetentionError)
    assert "give --submissions DIR" in str(ran.exception)


def prepare_arguments(made: Folders) -> list[str]:
    add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    return ["prepare", str(made.runs / "tuned-1"), "--base", str(made.runs / "base"), "--target", "jigsaw",
            "--method", "sft", "--license", "Apache-2.0", "--contact", "ada", *places(made)]  # fmt: skip


def test_prepare_writes_an_entry_and_prints_its_signature(made: Folders) -> None:
    arguments = prepare_arguments(made)
    data = "id=jigsaws,role=train,license=CC-BY-4.0"
    ran = CliRunner().invoke(
        submit, [*arguments, "--consent", "--data", data, "--seed", "1", "--steps", "9"], catch_exceptions=False
    )
    (folder,) = made.submissions.iterdir()
    assert f"wrote {folder}" in ran.output
    assert "retentionbench:" in ran.output
    text = (folder / "manifest.yaml").read_text()
    assert "overlap_with_suite: unknown" in text
    assert "steps: 9" in text


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        ([], "--consent is missing"),
        (["--consent", "--data", "id=x,role=train"], "--data: license is missing"),
        (["--consent", "--data", "id=x,role=train,license=y,colour=red"], "--data: unknown field 'colour'"),
        (["--consent", "--steps", "-3"], "method.steps"),
    ],
)
def test_prepare_names_what_is_wrong(made: Folders, extra: list[str], complaint: str) -> None:
    ran = CliRunner().invoke(submit, [*prepare_arguments(made), *extra])
    assert isinstance(ran.exception, RetentionError)
    assert complaint in str(ran.exception)


@pytest.mark.parametrize("command", [["board", "build"], ["submit", "prepare"]])
def test_help_shows_an_example_and_loads_nothing_heavy(command: list[str]) -> None:
    group, name = command
    program = (
        f"import sys\nfrom leaderboard.cli import {group}\n"
        f"try: {group}(['{name}', '--help'])\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'pydantic', 'jinja2', 'yaml', 'scipy', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert f"retention {group} {name}" in ran.stdout
