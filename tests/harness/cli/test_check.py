"""``retention check``: sizes first, then the verdict, the report and the next command; one line for a mistake."""

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import cli
from harness.scoring import Scorecard

CHECK = ("check", "nano:base", "nano:sft", "--items", "20", "--engine", "transformers")


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


@pytest.mark.engine
def test_sizes_come_first_and_the_next_command_last(tmp_path: Path) -> None:
    result = invoke(*CHECK, "--target", "jigsaw", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "Suite: nano-1 (its tokenizer is that of nano:base)"
    assert [line.split()[0] for line in lines[1:3]] == ["task", "jigsaw_2x2"]
    assert "180 items a checkpoint. Detectable: " in result.stdout
    report, following = lines[-2:]
    assert Path(report.removeprefix("Report: ")).is_file()
    verdict = lines[lines.index("") + 1 : -2]
    assert 3 <= len(verdict) <= 10
    words = shlex.split(following.removeprefix("Next: "))
    assert words[:4] == ["retention", "evaluate", "nano:base", "nano:sft"]
    again = invoke(*CHECK, "--out", tmp_path, "--json")
    document = json.loads(again.stdout)
    assert (document["suite"], document["missing"]) == ("nano-1", {})
    assert [each["items"] for each in document["sizes"]["tasks"]] == [20] * 9
    assert Scorecard.model_validate(document["scorecard"]).target is None
    assert document["next"].startswith("retention evaluate nano:base nano:sft --suite nano-1 ")


def test_a_check_has_the_options_of_an_evaluation() -> None:
    """All but those of whole suites: drawn answers, screening and the plan of the cost."""
    of_check, of_evaluate = (
        {each.name for each in cli.get_command(None, name).params} for name in ("check", "evaluate")
    )
    sampled = {"temperature", "repeats", "top_p", "sampling_seed"}
    assert of_evaluate - of_check == sampled | {"screen", "dry_run", "calibrate"}
    assert of_check - of_evaluate == {"items"}


@pytest.mark.engine
def test_a_check_asks_as_it_is_told_and_its_next_command_does_too(tmp_path: Path) -> None:
    asked = ("--prompt", "plain", "--time-limit", "60", "--margin", "0.1", "--out", tmp_path)
    result = invoke(*CHECK, *asked, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert "prompts_chosen" in [each["kind"] for each in document["scorecard"]["alarms"]]
    assert "--margin 0.1" in document["next"]
    assert "--prompt plain --time-limit 60" in document["next"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["check", "nano:base"], 2, "Missing argument 'TUNED...'"),
        ([*CHECK, "--target", "chess"], 2, "--target chess: suite nano-1 has no such family; it has general, jigsaw"),
        ([*CHECK, "--margin", "2"], 2, "--margin 2: a loss between 0 and 1"),
        ([*CHECK, "--items", "0"], 2, "0 is not in the range x>=1"),
        (["check", "nano:none", "nano:sft"], 2, "nano:none: no such shipped checkpoint"),
        (
            ["evaluate", "nano:base", "nano:sft"],
            2,
            "fits this base: `retention evaluate nano:base nano:sft --suite nano",
        ),
        (
            ["evaluate", "nano:base", "nano:sft", "--suite", "nano-1", "--screen"],
            2,
            "--screen: a screening is decided by",
        ),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], code: int, message: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == code
    assert message in result.output
    assert "Traceback" not in result.output


def test_the_commands_that_evaluate_names_have_these_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RETENTION_DATA", raising=False)
    result = invoke("evaluate", "nano:base", "nano:sft", "--target", "jigsaw", "--batch", "8")
    evaluate, part = result.output.split("`")[1:4:2]
    assert evaluate == "retention evaluate nano:base nano:sft --suite nano-1 --target jigsaw --batch 8"
    assert part == "retention check nano:base nano:sft --target jigsaw --batch 8"


def test_the_suite_that_is_named_is_the_one_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RETENTION_DATA", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    result = invoke(*CHECK, "--suite", "core-base-1", "--out", tmp_path)
    assert result.exit_code == 2
    assert "suite core-base-1: 15 tasks need data that is not here (" in result.output
    assert "--data-dir" in result.output
