"""What an author is told to type, and the pull request's text: quoted for the shell, and no Markdown of others."""

import subprocess
from pathlib import Path

import pytest

from leaderboard.acceptance.report import Report, report
from leaderboard.documents.manifest import read_manifest
from leaderboard.entries.rules import finding
from leaderboard.submit.opening import commands, pull_request, title
from tests.support.reporting import ALL, NUMBERS
from tests.support.synthetic_board import Folders, add_entry, folders


@pytest.fixture
def made(tmp_path: Path) -> Folders:
    return folders(tmp_path)


def accepted(folder: Path, *rules: str) -> Report:
    return report(folder.name, [finding(rule, "f", "m @everyone <b>`x`") for rule in rules], ALL, NUMBERS)


def test_a_new_base_goes_along_and_a_known_one_does_not(made: Folders, tmp_path: Path) -> None:
    folder = add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8}).folder
    (home,) = made.bases.glob("*/*")
    lines = commands(folder, made.bases, accepted(folder))
    assert lines == [
        f"git switch -c submit/{folder.name}",
        f"git add -- {folder} {home}",
        "git commit -m 'Submit nano-sft: jigsaw on synthetic-1'",
        f"git push -u origin submit/{folder.name}",
    ]
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "add", home], check=True)
    assert commands(folder, made.bases, accepted(folder))[1] == f"git add -- {folder}"


def test_names_of_others_leave_neither_shell_quotes_nor_code_spans(made: Folders) -> None:
    name = "a'; rm -rf ~ #`@all` **[x](javascript:1)**"
    folder = add_entry(made, name, {"jigsaw_2x2": 0.8}).folder
    line = commands(folder, made.bases, accepted(folder))[2]
    echoed = subprocess.run(
        ["sh", "-c", line.replace("git commit -m", "printf %s")], capture_output=True, text=True, check=True
    )
    assert echoed.stdout == title(read_manifest(folder / "manifest.yaml"))
    text = pull_request(folder, accepted(folder, "alarm"))
    body = text.split("\n", 2)[2]
    assert "`` a'; rm -rf ~ #`@all` **[x](javascript:1)** ``" in body
    assert "`` f: m @everyone <b>`x` ``" in body


def test_the_text_says_what_is_submitted_and_what_was_flagged(made: Folders) -> None:
    folder = add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8}).folder
    text = pull_request(folder, accepted(folder, "base-unknown"))
    assert text.startswith("Title: Submit nano-sft: jigsaw on synthetic-1\n")
    assert "math +10.0 points [0.0, +20.0]" in text
    assert "- ` base-unknown `: " in text
    assert "Flags" not in pull_request(folder, accepted(folder))
