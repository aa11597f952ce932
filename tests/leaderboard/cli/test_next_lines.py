"""Lines that say what to run next: each runs as it is printed, wherever entries, suites and data lie."""

import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from leaderboard.cli import cli
from leaderboard.cli.options import BOARD, command_line, restated
from tests.support.tiny import TinyShelf, model, tiny_shelf, tiny_suite

WHERE = {"submissions": Path("submissions"), "bases": Path("leaderboard/data/bases"),
         "events": Path("leaderboard/data/events"), "releases": Path("leaderboard/data/releases")}  # fmt: skip


def printed(result: Result) -> list[list[str]]:
    """The arguments of each command that is named to be run next."""
    assert result.exit_code == 0, result.output
    lines = [line.partition(": ")[2] for line in result.stdout.splitlines() if ": retention " in line]
    return [shlex.split(line)[1:] for line in lines]


@pytest.fixture
def shop(tmp_path: Path) -> TinyShelf:
    """An own suite, and entries of it, outside the checkout, in folders whose names have spaces."""
    own = tmp_path / "my suites"
    own.mkdir()
    return tiny_shelf(tiny_suite(own), tmp_path / "my board")


def test_what_prepare_prints_runs_as_it_is_printed(shop: TinyShelf, tmp_path: Path) -> None:
    tuned = shop.add("good", model(1)) / "tuned"
    (base,) = {path.parent for path in (shop.root / "bases").rglob("run.json")}
    again = tmp_path / "my entries"
    result = CliRunner().invoke(
        cli,
        ["submit", "prepare", str(base), str(tuned), "--target", "math", "--method", "sft", "--license", "CC0-1.0",
         "--contact", "ada", "--consent", "--yes", "--suite", str(shop.tiny.path), "--data-dir", str(tmp_path),
         "--submissions", str(again), "--bases", str(tmp_path / "my bases"), "--events", str(tmp_path / "my events")],
    )  # fmt: skip
    validate, opening, board = printed(result)
    assert validate[:2] == ["submit", "validate"]
    for line in (validate, opening):
        assert line[line.index("--suite") + 1] == str(shop.tiny.path)
        assert line[line.index("--data-dir") + 1] == str(tmp_path)
    accepted = CliRunner().invoke(cli, validate)
    assert accepted.exit_code == 0, accepted.output
    opened = CliRunner().invoke(cli, opening)
    assert opened.exit_code == 0, opened.output
    built = CliRunner().invoke(cli, [*board, "--out", str(tmp_path / "site"), "--cache", str(tmp_path / "cache")])
    assert built.stdout.startswith("1 entry in 1 track"), built.output


def test_a_board_without_the_bases_of_its_entries_says_which_option_names_them(shop: TinyShelf, tmp_path: Path) -> None:
    shop.add("good", model(1))
    result = CliRunner().invoke(
        cli,
        ["board", "build", "--submissions", str(shop.root / "submissions"), "--bases", str(tmp_path / "none"),
         "--out", str(tmp_path / "site"), "--no-cache"],
    )  # fmt: skip
    assert result.stdout.startswith("0 entries in 0 tracks")
    assert f"base runs were looked for in {tmp_path / 'none'}; give --bases FOLDER where they are" in result.stderr


def test_defaults_are_not_repeated() -> None:
    assert restated(WHERE) == []
    assert restated({**WHERE, "bases": Path("my bases")}, only=BOARD) == ["--bases", "my bases"]
    assert command_line("submit", "open", Path("a b")) == "retention submit open 'a b'"
