"""The README's Python is real: it is taken from the page and run."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

import retentionbench as rb
from harness.checkpoints import nano_root
from harness.cli.check import command as check
from harness.engines import device_class
from harness.records import read_record, tasks_root
from harness.suites import sample
from tests.support.fakes import part_of_nano

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "README.md"


def forgot(base: Path, tuned: Path) -> bool:
    return any(task.verdict == "forgot" for task in rb.compare(base, tuned).prior_tasks.values())


def snippet(title: str = "From Python") -> str:
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0]


def test_the_workflow_fails_where_a_prior_task_was_forgotten() -> None:
    """The section "In CI": its inputs are the action's, and its rules tell a pair that forgot from one that did not."""
    section = PAGE.read_text(encoding="utf-8").split("\n## In CI\n")[1].split("\n## ")[0]
    steps = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)[0])["steps"]
    (given,) = [step["with"] for step in steps if step.get("id") == "retention"]
    assert set(given) <= set(yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"])
    rules = [rb.parse_rule(line) for line in given["fail-if"].splitlines()]
    base = next((ROOT / "leaderboard/data/bases/nano-1").iterdir())
    runs = sorted((ROOT / "submissions").glob("*/tuned"))
    runs = [run for run in runs if read_record(run).suite.digest == read_record(base).suite.digest]
    tuned = next(path for path in runs if forgot(base, path))
    for run, failing in ((tuned, True), (base, False)):
        found = [rb.apply_rule(rule, rb.compare(base, run, target="jigsaw")).fails() for rule in rules]
        assert any(found) is failing


def test_the_gate_of_the_readme_has_the_options_that_it_is_given() -> None:
    section = PAGE.read_text(encoding="utf-8").split("\n## In CI\n")[1].split("\n## ")[0]
    options = {name for parameter in check.params for name in parameter.opts}
    assert set(re.findall(r"--[a-z-]+", section)) <= options


def test_the_snippet_is_short_and_names_a_shipped_suite() -> None:
    assert len(snippet().splitlines()) <= 10
    assert all(len(line) <= 120 for line in snippet().splitlines())
    assert (tasks_root() / "suites" / "nano-1.yaml").is_file()


@pytest.mark.engine
def test_the_snippet_runs_and_a_second_time_starts_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On some items of two tasks, with the engine that starts sooner, so that it takes seconds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("harness.engines.settings.available", lambda: ["transformers"])
    suite = tmp_path / "few-1.yaml"
    sample(str(part_of_nano(tmp_path, "jigsaw_2x2", "science_facts")), 40, suite)
    code = compile(snippet().replace("nano-1", str(suite)), "README.md", "exec")
    exec(code, {})
    first = capsys.readouterr().out
    assert "nano-sft against nano-base" in first
    assert "Gain +" in first
    assert "the one prior task" in first
    assert list(tmp_path.glob("runs/few-1/nano-sft-*/transformers-float32/report-jigsaw.html"))
    monkeypatch.setattr("harness.engines.starting.start", None)
    exec(code, {})
    assert capsys.readouterr().out == first


@pytest.mark.engine
def test_the_training_loop_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """For a few steps, with the nano model in place of the real one and sums to learn."""
    code = snippet("In the training loop")
    assert len(code.splitlines()) <= 26
    monkeypatch.chdir(tmp_path)
    shutil.copytree(nano_root() / "base", tmp_path / "models" / "smollm2")
    rows = [{"prompt": f"What is {k} + 7?", "completion": f" The answer is {k + 7}."} for k in range(16)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    suite = part_of_nano(tmp_path, "math_arithmetic", "science_facts")
    shorter = {
        "core-text-1": str(suite),
        "items=50": "items=20",
        "every=100": "every=2",
        "max_steps=300": "max_steps=2",
        'report_to="none"': f'report_to="none", use_cpu={device_class() == "cpu"}',
    }
    for long, short in shorter.items():
        assert long in code
        code = code.replace(long, short)
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "retention, step 2: gain" in printed
    assert "best checkpoint: " in printed
    assert "tuned-step-000002 against smollm2" in printed
    assert "1 evaluation of part-1-part-20 and of the base took" in printed
