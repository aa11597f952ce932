"""CONTRIBUTING.md's task is a real one: its files, taken from the page, are run."""

import json
import re
import shlex
from pathlib import Path

import lm_eval
import pytest
from click.testing import CliRunner
from lm_eval.tasks import TaskManager

from harness.checkpoints.prompts import PromptRenderer
from harness.lmeval import load_frozen, run_tasks
from harness.records.samples import Outcome
from harness.records.suites import load_suite, tasks_root
from leaderboard.cli import cli
from tests.support.fakes import FakeEngine, write_checkpoint

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"
CITIES = {"France": "Paris", "Japan": "Tokyo", "Kenya": "Nairobi"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's files in a folder shaped like ``tasks/``, and 160 rows of the data set that they name."""
    code, task, suite = re.findall(r"```(?:python|yaml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(f"{code}{task}{suite}".splitlines()) < 60
    family = tmp_path / "tasks" / "geography"
    family.mkdir(parents=True)
    (family.parent / "_answer.yaml").write_bytes((tasks_root() / "_answer.yaml").read_bytes())
    (family / "capitals.py").write_text(code)
    (family / "capitals.yaml").write_text(task)
    (family / "mine-1-draft.yaml").write_text(suite)
    rows = [{"country": country, "capital": city, "continent": f"of {country}"} for country, city in CITIES.items()]
    rows += [{"country": f"Land {k}", "capital": f"Town {k}", "continent": "None"} for k in range(157)]
    data = tmp_path / "data" / "capitals"
    data.mkdir(parents=True)
    (data / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setenv("RETENTION_DATA", str(tmp_path / "data"))
    return family


def printed(command: str) -> list[str]:
    """The words of a command of the page, as a shell reads them."""
    (line,) = re.findall(rf"^    retention ({command} .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return shlex.split(line, comments=True)


def test_the_example_is_previewed_frozen_and_run(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    preview = runner.invoke(cli, printed("tasks preview"))
    assert preview.exit_code == 0, preview.output
    assert "What is the capital of " in preview.output
    frozen = runner.invoke(cli, printed("suite freeze"))
    assert frozen.exit_code == 0, frozen.output
    suite = load_suite(str(folder / "mine-1.yaml"))
    assert suite.tasks["capitals"].sources == ("someone/capitals@0123456789abcdef0123456789abcdef01234567",)
    tasks = load_frozen(suite, folder)
    renderer = PromptRenderer(write_checkpoint(tmp_path / "m"))
    engine = FakeEngine("It must be this one. The answer is Paris.")
    (samples,) = run_tasks(suite, tasks, engine, renderer, lambda _: None)
    assert len(samples) == 150
    asked = [doc["question"] for doc in tasks["capitals"].task.eval_docs]
    assert [s.outcome is Outcome.CORRECT for s in samples] == ["France" in question for question in asked]
    assert {s.family for s in samples} == {"geography"}


def test_lm_eval_by_itself_runs_the_example(folder: Path) -> None:
    """What its command does with ``--include_path``; tests/contract/test_include_path.py has the command itself."""
    tasks = TaskManager(include_path=str(folder.parent), include_defaults=False)
    results = lm_eval.simple_evaluate(model="dummy", tasks=["capitals"], task_manager=tasks, limit=4, bootstrap_iters=0)
    found = results["results"]["capitals"]
    assert found["sample_len"] == 4
    assert found["unparsed,none"] == 1.0


def test_the_commands_on_the_page_have_the_options_that_it_gives_them() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for line in re.findall(r"^    (retention .*?)(?: *#.*)?$", text, re.MULTILINE):
        words = line.split()
        path = [word for word in words[1:3] if re.fullmatch(r"[a-z]+", word)]
        help_text = CliRunner().invoke(cli, [*path, "--help"]).output
        assert all(option in help_text for option in words if option.startswith("--")), line
