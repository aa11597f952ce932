"""``retention train`` as a user meets it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from harness.cli.progress import Bars
from harness.training.record import TrainingRecord
from leaderboard.cli import cli

TINY = ("data.count=8", "optimisation.batch=4", "optimisation.steps=5", "checkpoints.spacing=even")


def retention(*arguments: str) -> Any:
    return CliRunner().invoke(cli, ["train", *arguments])


def sets(*fields: str) -> list[str]:
    return [part for field in fields for part in ("--set", field)]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["sft"], "--config"),
        (["sft", "--config", "nowhere"], "nano-jigsaw"),
        (["dpo", "--config", "nano-jigsaw"], "unknown method"),
        (["sft", "--config", "nano-jigsaw", "--set", "optimisation.lr=fast"], "optimisation.lr"),
        (["rollout-sft", "--config", "nano-jigsaw"], "--data"),
        (["rollout-sft", "--config", "nano-jigsaw", "--data", "nowhere"], "about.json: missing"),
        (["sft", "--config", "nano-jigsaw", "--base", "nano:lora-replay"], "adapter"),
        (["sft", "--config", "nano-jigsaw", "--base", "nano:none"], "no such shipped checkpoint"),
        (["sft", "--config", "qwen2.5-vl-jigsaw", "--base", "nano:base"], "--images"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(tmp_path: Path, arguments: list[str], says: str) -> None:
    out = tmp_path / "out"
    result = retention(*arguments, *sets(*TINY[:1]), "--out", str(out))
    assert result.exit_code == 2
    assert says in result.output
    assert "Traceback" not in result.output
    assert not list(out.glob("step-*"))


@pytest.mark.engine
def test_a_training_says_what_it_did_and_where(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    told = retention("sft", "--config", "nano-jigsaw", *sets(*TINY), "--out", out)
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines()[0].startswith("sft: 5 steps, loss ")
    assert told.stdout.splitlines()[1] == out
    assert "training sft: 5 of 5" in told.stderr
    again = retention("sft", "--config", "nano-jigsaw", *sets(*TINY), "--out", out, "--json")
    record = TrainingRecord.model_validate(json.loads(again.stdout))
    assert record.step == 5
    assert "training sft" not in again.stderr


def test_names_of_folders_are_taken_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """YAML would read these as a number, a truth value, nothing, and a mistake."""
    monkeypatch.chdir(tmp_path)
    for name in ("2024", "no", "null", "it's [mine"):
        result = retention("rollout-sft", "--config", "nano-jigsaw", "--data", name, "--out", "out")
        assert f"{name}/about.json: missing" in result.output


def test_progress_is_a_line_every_tenth_when_nobody_watches() -> None:
    told = io.StringIO()
    with Bars(Console(file=told)) as bars:
        for step in range(1, 101):
            bars.show("training", step, 100)
    lines = told.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[0] == "training: 1 of 100"
    assert lines[-1].startswith("training: 100 of 100")
