"""``retention compare`` and ``retention trajectory`` on run folders and tables."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.records.samples import SAMPLES_FILE
from harness.scoring import Scorecard
from harness.scoring.schema import scorecard_schema
from harness.scoring.trajectory import Trajectory
from leaderboard.cli import cli
from tests.support.synthetic import ENGINE, TASKS, synthetic_run

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


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


def test_a_second_run_of_the_base_fills_the_noise_floor(runs: Path) -> None:
    synthetic_run(runs / "again", FEW, accuracy=0.5, seed=5)
    card, report = runs / "card.json", runs / "report.html"
    noise = ("--noise", runs / "again", "--json", card, "--html", report)
    result = compare(runs / "base", runs / "tuned", "--target", "jigsaw", *noise)
    assert result.exit_code == 0, result.output
    assert "Noise: the base against a second run of itself" in result.output
    assert Scorecard.model_validate_json(card.read_bytes()).noise.tasks.keys() == {task.name for task in FEW}
    assert "<h2>Noise</h2>" in report.read_text(encoding="utf-8")
    refused = compare(runs / "base", runs / "tuned", "--target", "jigsaw", "--noise", runs / "tuned")
    assert refused.exit_code == 1
    assert "--noise: tuned is not the base base" in refused.output


def test_bare_tables_are_scored_and_marked(runs: Path) -> None:
    for name in ("base", "tuned"):
        shutil.copy(runs / name / SAMPLES_FILE, runs / f"{name}.parquet")
    result = compare(runs / "base.parquet", runs / "tuned.parquet", "--target", "jigsaw", "--html", runs / "r.html")
    assert result.exit_code == 0, result.output
    assert "Provenance not checked:" in result.output
    assert "|provenance:not-checked|" in result.output
    assert "Provenance not checked" in (runs / "r.html").read_text(encoding="utf-8")


def test_json_lines_without_a_target_tell_only_forgetting(tmp_path: Path) -> None:
    for name, right in (("base", 30), ("tuned", 20)):
        rows = [
            {"item_id": k, "task": "sums", "family": "math", "outcome": "correct" if k < right else "wrong"}
            for k in range(40)
        ]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = compare(tmp_path / "base.jsonl", tmp_path / "tuned.jsonl")
    assert result.exit_code == 0, result.output
    assert "Gain not defined: no target family was named" in result.output
    assert "forgot" in result.output


def test_the_schema_is_printed() -> None:
    result = compare("--schema")
    assert (result.exit_code, result.output) == (0, scorecard_schema())


def test_drift_says_what_it_needs_before_anything_is_loaded(runs: Path) -> None:
    result = compare(runs / "base", runs / "tuned", "--drift")
    assert result.exit_code == 2
    assert "give --base-checkpoint and --tuned-checkpoint" in result.output
    shutil.copy(runs / "base" / SAMPLES_FILE, runs / "base.parquet")
    models = ("--base-checkpoint", "nano:base", "--tuned-checkpoint", "nano:sft")
    result = compare(runs / "base.parquet", runs / "base.parquet", "--drift", *models)
    assert "drift needs run folders" in result.output


def test_a_trajectory_is_printed_and_written(runs: Path) -> None:
    synthetic_run(runs / "later", FEW, name="later", accuracy=0.9, seed=2)
    places = [runs / name for name in ("base", "tuned", "later")]
    for name in ("first", "second"):
        files = ("--json", runs / f"{name}.json", "--html", runs / f"{name}.html")
        result = invoke("trajectory", *places, "--target", "jigsaw", "--mixed", *files)
        assert result.exit_code == 0, result.output
    for kind in ("json", "html"):
        assert (runs / f"first.{kind}").read_bytes() == (runs / f"second.{kind}").read_bytes()
    curve = Trajectory.model_validate_json((runs / "first.json").read_bytes())
    assert [point.model.name for point in curve.points] == ["base", "tuned", "later"]
    assert "normalised gain 50 %: " in result.output
    assert all(len(line) <= 80 for line in result.output.splitlines())


def test_a_trajectory_needs_no_target(runs: Path) -> None:
    synthetic_run(runs / "later", FEW, name="later", accuracy=0.9, seed=2)
    places = [runs / name for name in ("base", "tuned", "later")]
    result = invoke("trajectory", *places, "--mixed", "--json", runs / "curve.json")
    assert result.exit_code == 0, result.output
    curve = Trajectory.model_validate_json((runs / "curve.json").read_bytes())
    assert (curve.target, [point.gain for point in curve.points]) == (None, [None] * 3)
    assert "no target, " in result.output


def test_runs_of_two_trainings_are_no_curve(runs: Path) -> None:
    synthetic_run(runs / "other", FEW, name="other", accuracy=0.9, seed=2)
    result = invoke("trajectory", *(runs / name for name in ("base", "tuned", "other")), "--target", "jigsaw")
    assert result.exit_code == 1
    assert "tuned and other do not look like checkpoints of one training" in result.output
    assert "--mixed" in result.output


def test_a_trajectory_of_two_is_refused(runs: Path) -> None:
    result = invoke("trajectory", runs / "base", runs / "tuned", "--target", "jigsaw")
    assert result.exit_code == 2
    assert "a trajectory needs 3 or more, the base first" in result.output


def test_a_missing_file_is_named(runs: Path) -> None:
    result = invoke("compare", runs / "base", runs / "nowhere.csv")
    assert result.exit_code == 2
    assert "nowhere.csv: no such file" in result.output


def test_the_margin_is_in_the_scorecard_and_the_signature(runs: Path) -> None:
    card = runs / "margin.json"
    result = invoke("compare", runs / "base", runs / "tuned", "--target", "jigsaw", "--margin", "0.05", "--json", card)
    assert result.exit_code == 0, result.output
    read = json.loads(card.read_text())
    assert read["margin"] == 0.05
    assert "|margin:0.05|" in read["signature"]
    assert invoke("compare", runs / "base", runs / "tuned", "--margin", "2").exit_code == 2
