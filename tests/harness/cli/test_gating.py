"""Gating: exit codes 0, 1 and 2, one line that says why, and all files written before."""

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from click.testing import CliRunner, Result

from harness.cli import cli
from tests.support.synthetic import TASKS, synthetic_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    synthetic_run(folder / "base", accuracy=0.8)
    gained = {task.name: 0.95 if task.family == "jigsaw" else 0.55 for task in TASKS}
    synthetic_run(folder / "worse", name="worse", accuracy=gained)
    synthetic_run(folder / "same", name="same", accuracy=0.8, churn=0.06)
    return folder


def compare(runs: Path, tuned: str, *options: str, target: str | None = "jigsaw") -> Result:
    named = [] if target is None else ["--target", target]
    return CliRunner().invoke(cli, ["compare", str(runs / "base"), str(runs / tuned), *named, *options])


@pytest.mark.parametrize(
    ("tuned", "options", "code", "line"),
    [
        ("worse", ["--fail-if", "retention < 95"], 1, "FAIL retention 61.9 % [57.5, 66.4] is below 95 %: shown"),
        ("worse", ["--fail-if", "retention < .95"], 1, "FAIL retention 61.9 % [57.5, 66.4] is below 95 %: shown"),
        ("worse", ["--fail-if", "retention < 50"], 0, "PASS retention 61.9 % [57.5, 66.4] is at least 50 %: shown"),
        ("worse", ["--fail-if", "any forgot"], 1, "FAIL forgot 5 of 5 prior tasks"),
        ("worse", ["--fail-if", "any task forgot"], 1, "FAIL forgot 5 of 5 prior tasks"),
        ("same", ["--fail-if", "any forgot"], 0, "PASS not shown to have forgotten any of 5 prior tasks; the smallest"),
        ("same", ["--fail-if", "any forgot", "--strict-gate"], 1, "FAIL not shown to have forgotten any of 5"),
        ("same", ["--strict-gate"], 1, "FAIL not shown to have forgotten any of 5"),
        ("worse", ["--min-gain", "5"], 0, "PASS gain +"),
        ("worse", ["--min-gain", "50"], 1, "FAIL gain +"),
        ("worse", ["--fail-if", "forward_kl[math_word] > 1"], 2, "ERROR forward_kl[math_word] is not defined: not"),
        ("worse", ["--fail-if", "retention[nope] < 90"], 2, "ERROR [nope]: no such task, group or family; there is"),
        ("worse", ["--fail-if", "retenton < 90"], 2, "Error: 'retenton': no such metric; did you mean retention,"),
        ("worse", ["--fail-if", "retention < 1"], 2, "Error: 'retention < 1': 1 may be 1% or 100%"),
        ("worse", ["--min-gain", "lots"], 2, "Error: 'gain < lots': 'lots' is no number"),
        ("worse", ["--margin", "2", "--strict-gate"], 2, "--margin 2: a loss between 0 and 1"),
        ("worse", ["--markdown", "-", "--junit", "-"], 2, "all write to stdout"),
    ],
)
def test_exit_code_and_the_line_that_says_why(runs: Path, tuned: str, options: list[str], code: int, line: str) -> None:
    result = compare(runs, tuned, *options)
    assert result.exit_code == code, result.output
    assert line in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("options", [["--min-gain", "5"], ["--fail-if", "balance < 50"]])
def test_a_rule_about_a_target_that_is_not_named_is_refused(runs: Path, options: list[str]) -> None:
    result = compare(runs, "worse", *options, target=None)
    assert result.exit_code == 2
    assert "is about the target: name it (--target FAMILY)" in result.output


def test_several_rules_fail_together_and_each_has_its_line(runs: Path) -> None:
    options = ["--fail-if", "retention < 50", "--fail-if", "any forgot", "--fail-if", "forward_kl[math_word] > 1"]
    result = compare(runs, "worse", *options)
    words = [line.split()[0] for line in result.output.splitlines()[-3:]]
    assert (result.exit_code, words) == (1, ["PASS", "FAIL", "ERROR"])


def test_a_margin_decides_what_a_strict_gate_calls_retained(runs: Path) -> None:
    wide = compare(runs, "same", "--strict-gate", "--margin", "0.2")
    assert (wide.exit_code, wide.output.splitlines()[-1]) == (0, "PASS forgot none of 5 prior tasks: shown")


def test_all_files_are_written_before_the_command_fails(runs: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("card.json", "page.html", "comment.md", "retention.xml")}
    options = ["--json", "--html", "--markdown", "--junit"]
    named = [part for option, path in zip(options, files.values(), strict=True) for part in (option, str(path))]
    result = compare(runs, "worse", "--fail-if", "any forgot", *named)
    assert result.exit_code == 1
    assert json.loads(files["card.json"].read_text())["schema_version"] == 2
    assert files["page.html"].stat().st_size > 1000
    assert files["comment.md"].read_text().startswith("### FAIL: ` worse against base `")
    assert Xml.parse(files["retention.xml"]).getroot().get("failures") == "6"


@pytest.mark.parametrize(("option", "start"), [("--markdown", "### FAIL: "), ("--junit", "<?xml version=")])
def test_a_report_on_stdout_stands_there_alone(runs: Path, option: str, start: str) -> None:
    result = compare(runs, "worse", "--fail-if", "any forgot", option, "-")
    assert result.stdout.startswith(start)
    assert "FAIL forgot" in result.stderr
    assert result.stdout.rstrip().endswith(("</details>", "</testsuites>"))


def test_a_file_that_cannot_be_written_is_named(runs: Path, tmp_path: Path) -> None:
    result = compare(runs, "worse", "--markdown", str(tmp_path / "nowhere" / "comment.md"))
    assert result.exit_code == 2
    assert "nowhere/comment.md: cannot be written" in result.output


@pytest.mark.parametrize("option", ["--markdown", "--junit"])
@pytest.mark.parametrize("command", ["evaluate", "check"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_evaluated(
    tmp_path: Path, command: str, option: str
) -> None:
    named = [command, "nowhere", "nobody", "--suite", "nano-1", "--out", str(tmp_path / "runs"), option]
    for wrong in (tmp_path, tmp_path / "nowhere" / "file"):
        result = CliRunner().invoke(cli, [*named, str(wrong)])
        assert (result.exit_code, f"{wrong}: cannot be written" in result.output) == (2, True), result.output


def test_two_reports_in_one_file_are_refused(runs: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "both")
    result = compare(runs, "same", "--markdown", file, "--junit", file)
    assert (result.exit_code, "give each a file of its own" in result.output) == (2, True)


@pytest.mark.parametrize("command", ["evaluate", "check"])
def test_a_rule_about_what_the_suite_lacks_is_refused_before_anything_is_evaluated(
    tmp_path: Path, command: str
) -> None:
    named = [command, "nano:base", "nano:sft", "--suite", "nano-1", "--out", str(tmp_path / "runs")]
    result = CliRunner().invoke(cli, [*named, "--fail-if", "retention[sciense] < 90"])
    assert result.exit_code == 2
    assert "Error: [sciense]: no such task, group or family; did you mean science" in result.output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("rule", ["retenton < 90", "gain < .5", ""])
def test_a_wrong_rule_is_refused_before_anything_is_evaluated(tmp_path: Path, rule: str) -> None:
    options = ["nowhere", "nobody", "--suite", "nano-1", "--target", "jigsaw", "--out", str(tmp_path / "runs")]
    result = CliRunner().invoke(cli, ["evaluate", *options, "--fail-if", rule])
    assert result.exit_code == 2
    assert "no such metric" in result.output or "may be" in result.output or "empty rule" in result.output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("rule", "message"), [("retenton < 90", "no such metric"), ("gain < 10", "name it (--target")])
def test_a_check_refuses_a_wrong_rule_before_anything_is_evaluated(tmp_path: Path, rule: str, message: str) -> None:
    result = CliRunner().invoke(cli, ["check", "nowhere", "nobody", "--out", str(tmp_path / "runs"), "--fail-if", rule])
    assert (result.exit_code, message in result.output) == (2, True), result.output
    assert not (tmp_path / "runs").exists()


def test_pairs_that_were_left_early_are_not_gated(tmp_path: Path) -> None:
    options = ["nowhere", "nobody", "--suite", "nano-1", "--target", "jigsaw", "--screen", "--fail-if", "any forgot"]
    result = CliRunner().invoke(cli, ["evaluate", *options])
    assert (result.exit_code, "gate whole runs" in result.output) == (2, True)
