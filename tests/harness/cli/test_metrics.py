"""``retention metrics``: the list, one definition, JSON, and the page."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from harness.scoring import METRICS, metrics_page
from leaderboard.cli import cli


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["metrics", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_all_are_listed_and_one_is_told() -> None:
    listed = run()
    assert all(name in listed for name in METRICS)
    assert run("L") == METRICS["knowledge_lost"].to_text()


def test_json_and_markdown() -> None:
    assert [each["name"] for each in json.loads(run("--json"))] == list(METRICS)
    (one,) = json.loads(run("gain", "--json"))
    assert one["keys"] == ["target.gain"]
    assert run("--markdown") == metrics_page()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["gane"], "did you mean gain"), (["gain", "--markdown"], "leave out NAME and --json")],
)
def test_a_mistake_is_one_line(arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(cli, ["metrics", *arguments])
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_definition_loads_nothing_heavy() -> None:
    program = """
import sys
from harness.scoring import find_metric
find_metric("gain").to_text()
heavy = {"numpy", "pandas", "scipy", "torch"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
