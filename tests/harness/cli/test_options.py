import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from harness.cli.options import data_dir
from leaderboard.cli import cli

COMMANDS = (
    ("evaluate",),
    ("noise",),
    ("compare",),
    ("suite", "verify"),
    ("suite", "freeze"),
    ("suite", "sample"),
    ("tasks", "preview"),
)


@click.command()
@data_dir
def show() -> None:
    click.echo(os.environ.get("RETENTION_DATA"))


def test_a_data_folder_counts_for_this_process_and_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_DATA", "/elsewhere")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    assert CliRunner().invoke(show, ["--data-dir", "data"]).output.strip() == str(tmp_path / "data")


def test_without_the_option_the_variable_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_DATA", "/elsewhere")
    assert CliRunner().invoke(show, []).output.strip() == "/elsewhere"


def test_a_data_folder_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_DATA", "")
    asked = ["evaluate", "a", "b", "--suite", "nano-1", "--target", "jigsaw", "--data-dir", "/nowhere"]
    done = CliRunner().invoke(cli, asked)
    assert done.exit_code == 2
    assert done.output.strip() == "Error: RETENTION_DATA or --data-dir /nowhere: no such folder"


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_that_reads_items_has_the_option(path: tuple[str, ...]) -> None:
    assert "--data-dir FOLDER" in CliRunner().invoke(cli, [*path, "--help"]).output
