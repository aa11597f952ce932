"""``retention compare`` on run folders."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import cli
from harness.samples import SAMPLES_FILE
from harness.scoring import Scorecard
from tests.synthetic import ENGINE, TASKS, synthetic_run

FEW = tuple(replace(task, n=30) for task in TASKS[:3])


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    synthetic_run(tmp_path / "base", FEW, accuracy=0.5)
    synthetic_run(tmp_path / "tuned", FEW, name="tuned", accuracy=0.8, seed=1)
    return tmp_path


def compare(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["compare", *map(str, arguments)])


def test_a_pair_is_scored_printed_and_written(runs: Path) -> None:
    card, report = runs / "card.json", runs / "report.html"
    result = compare(runs / "base", runs / "tuned", "--target", "jigsaw", "--json", card, "--html", report)
    assert result.exit_code == 0, result.output
    document = Scorecard.model_validate_json(card.read_bytes())
    assert document.tuned.name == "tuned"
    assert document.signature in result.output
    assert "Gain +" in result.output
    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert document.signature in report.read_text(encoding="utf-8")


def test_the_same_pair_gives_the_same_files(runs: Path) -> None:
    for name in ("first", "second"):
        written = ("--json", runs / f"{name}.json", "--html", runs / f"{name}.html")
        compare(runs / "base", runs / "tuned", "--target", "jigsaw", *written)
    for kind in ("json", "html"):
        assert (runs / f"first.{kind}").read_bytes() == (runs / f"second.{kind}").read_bytes()


def test_a_missing_folder_is_named(runs: Path) -> None:
    result = compare(runs / "nowhere", runs / "tuned", "--target", "jigsaw")
    assert result.exit_code == 2
    assert "nowhere" in result.output
    assert "no such file" in result.output


def test_a_changed_samples_file_is_refused(runs: Path) -> None:
    shutil.copy(runs / "base" / SAMPLES_FILE, runs / "tuned" / SAMPLES_FILE)
    result = compare(runs / "base", runs / "tuned", "--target", "jigsaw")
    assert result.exit_code == 2
    assert "sha256 differs" in result.output


def test_an_unknown_target_names_the_families(runs: Path) -> None:
    result = compare(runs / "base", runs / "tuned", "--target", "chess")
    assert result.exit_code == 2
    assert "--target chess: no such family; this suite has jigsaw, math" in result.output


def test_runs_of_different_engines_are_a_failed_check(runs: Path) -> None:
    synthetic_run(runs / "other", FEW, engine=ENGINE.model_copy(update={"name": "elsewhere"}))
    result = compare(runs / "base", runs / "other", "--target", "jigsaw", "--json", runs / "card.json")
    assert result.exit_code == 1
    assert "refused: engine differs" in result.output
    assert not (runs / "card.json").exists()


def test_a_file_that_cannot_be_written_is_named(runs: Path) -> None:
    result = compare(runs / "base", runs / "tuned", "--target", "jigsaw", "--json", runs / "no" / "card.json")
    assert result.exit_code == 2
    assert "card.json: cannot be written (No such file or directory)" in " ".join(result.output.split())


def test_the_help_shows_an_example() -> None:
    result = compare("--help")
    assert result.exit_code == 0
    assert "retention compare runs/BASE runs/TUNED --target jigsaw\n" in result.output
