"""``retention study``: what it lists, prints and refuses; the steps themselves are tested elsewhere."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.errors import CheckFailedError
from harness.scoring.study.results import StudyResults
from harness.scoring.study.verdict import verdict_sentence
from harness.study.results import RESULTS_FILE
from harness.study.runner import Folder, Step
from leaderboard.cli import cli
from tests.support.studies import Arm
from tests.support.studies import study as made_up
from tests.support.study_like import made_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    made_study(folder, quick=True)
    return folder


def study(folder: Path, *options: str) -> Result:
    plan, out = folder / "plan.yaml", folder / "out"
    return CliRunner().invoke(cli, ["study", str(plan), "--quick", "--out", str(out), *options])


@pytest.mark.slow
def test_results_are_scored_written_and_printed_without_running_anything(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = study(folder, "--results")
    assert printed.exit_code == 0, printed.output
    written = StudyResults.model_validate_json((folder / "out" / RESULTS_FILE).read_bytes())
    row = next(line for line in printed.stdout.splitlines() if line.startswith("rft "))
    kept = written.targets[0].trainings[2].matched[1].retention_macro
    assert kept is not None
    assert f"{100 * kept:.1f}" in row
    assert "jigsaw, 1 seed," in printed.stdout
    assert verdict_sentence(written.targets[0], len(written.seeds)) in printed.stdout.splitlines()
    assert "One seed: undecided. " in printed.stdout
    monkeypatch.setattr("harness.study.collect", lambda *_: written)
    as_json = study(folder, "--results", "--json")
    assert json.loads(as_json.stdout) == json.loads(written.to_json())


def test_a_results_file_is_tested_again_and_its_verdict_printed(tmp_path: Path) -> None:
    made = made_up({"high": Arm((0.97, 0.98, 0.975)), "low": Arm((0.4, 0.41, 0.405))}, [("high", "low")])
    stored = tmp_path / "results.json"
    stored.write_text(made.to_json(), encoding="utf-8")
    printed = CliRunner().invoke(cli, ["study", "nano", "--retest", str(stored)])
    assert printed.exit_code == 0, printed.output
    assert "jigsaw: The one claim at matched gain is shown: the expected ordering holds." in printed.stdout
    assert StudyResults.model_validate_json(stored.read_bytes()) == made


def test_steps_are_listed_with_what_is_done(folder: Path) -> None:
    listed = study(folder, "--steps")
    assert listed.exit_code == 0, listed.output
    lines = listed.stdout.splitlines()
    # The fixture wrote a record of every step, but not what rollouts and the suite's sample leave behind.
    assert next(line for line in lines if line.startswith("train/jigsaw/sft-seed0")).endswith("60 s")
    assert next(line for line in lines if line.startswith("rollouts/")).endswith("to do")
    assert lines[-1].endswith("steps are done.")


def test_steps_of_a_study_whose_base_is_nowhere_here_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    listed = CliRunner().invoke(cli, ["study", "qwen2.5-vl", "--steps"], catch_exceptions=False)
    assert listed.exit_code == 0
    assert "is not known without the base: Qwen/Qwen2.5-VL-3B-Instruct" in listed.stderr
    assert listed.stdout.splitlines()[-1].startswith("0 of ")
    assert not list(tmp_path.iterdir())


def test_seeds_and_what_is_known_leave_out_steps(tmp_path: Path) -> None:
    made_study(tmp_path)
    plan, out = str(tmp_path / "plan.yaml"), str(tmp_path / "out")
    one = CliRunner().invoke(cli, ["study", plan, "--out", out, "--seeds", "1", "--steps"], catch_exceptions=False)
    assert "train/jigsaw/rft-seed1" in one.stdout
    assert "seed0" not in one.stdout
    results = Path(out) / RESULTS_FILE
    first = ["study", plan, "--out", out, "--results"]
    assert CliRunner().invoke(cli, first, catch_exceptions=False).exit_code == 0
    known = CliRunner().invoke(cli, ["study", plan, "--out", str(tmp_path / "b"), "--known", str(results), "--steps"])
    assert [line for line in known.stdout.splitlines() if line.startswith("train/")] == []
    elsewhere = ["study", plan, "--out", str(tmp_path / "b"), "--known", str(results), "--results", "--json"]
    again = CliRunner().invoke(cli, elsewhere, catch_exceptions=False)
    (found,), (expected,) = json.loads(again.stdout)["targets"], json.loads(results.read_text("utf-8"))["targets"]
    # Numbers are written with twelve digits, and what follows from them is computed again.
    assert found["agreement"] == expected["agreement"]
    for one, other in zip(found["trainings"], expected["trainings"], strict=True):
        assert (one["made"], one["curves"]) == (other["made"], other["curves"])


@pytest.mark.parametrize("seeds", ["7", "0,x", "", "0-1"])
def test_seeds_that_the_plan_does_not_have_are_refused(folder: Path, seeds: str) -> None:
    refused = study(folder, "--seeds", seeds, "--steps")
    assert refused.exit_code == 2
    assert "the seeds of this plan are 0" in refused.output


def test_results_of_another_study_are_no_known_ones(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(made_up({"a": Arm((0.9,))}).to_json(), encoding="utf-8")
    refused = study(folder, "--known", str(other), "--steps")
    assert refused.exit_code == 2
    assert "other.json: name is made-up, where this study has small" in refused.output
    for other_way in ("--power", "--retest=x.json"):
        refused = study(folder, "--known", str(other), other_way)
        assert refused.exit_code == 2
        assert "go with steps and results" in refused.output


def test_a_failed_step_fails_the_command_and_names_its_log(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = Step("train/x", "train/sft", lambda: ["false"], {})
    after = Step("evaluate/x", "evaluate/part", lambda: ["true"], {}, ("train/x",))
    monkeypatch.setattr("harness.study.steps.Study.steps", lambda self: [failing, after])
    failed = study(folder)
    assert failed.exit_code == CheckFailedError.exit_code
    log = Folder((folder / "out").absolute()).log("train/x")
    assert f"1 of 2 steps failed, and 1 that need them were not run: train/x; see {log}" in failed.output
    assert log.is_file()


def test_an_unknown_study_is_bad_usage() -> None:
    refused = CliRunner().invoke(cli, ["study", "nothing"])
    assert refused.exit_code == 2
    assert (
        "nothing: unknown study; there are conversions, conversions-gpu, nano, nano-2, qwen2.5-vl, smollm2"
        in refused.output
    )


def test_a_dry_run_sums_up_a_study_whose_base_is_nowhere_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["study", "qwen2.5-vl", "--dry-run"], catch_exceptions=False)
    assert done.exit_code == 0
    for said in ("GPU hours", "declared, never measured", "300 checkpoints of 7.5 GB each", "--images", "hellaswag"):
        assert said in done.output
    as_json = CliRunner().invoke(cli, ["study", "nano", "--dry-run", "--json"], catch_exceptions=False)
    assert json.loads(as_json.stdout)["disk"]["checkpoints"] > 0
    assert not list(tmp_path.iterdir())
