"""What the small commands load: libraries that compute numbers only where numbers are computed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.synthetic import synthetic_run

ENGINES = {"torch", "vllm", "transformers", "lm_eval", "datasets"}
TABLES = {"pandas", "pyarrow"}
SCRIPT = """
import sys
from leaderboard.cli import cli
cli(sys.argv[2:], prog_name="retention", standalone_mode=False)
loaded = set(sys.argv[1].split(",")) & set(sys.modules)
raise SystemExit(f"loaded {sorted(loaded)}" if loaded else 0)
"""


def loads_none(of: set[str], *arguments: str) -> None:
    command = [sys.executable, "-c", SCRIPT, ",".join(sorted(of)), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command",
    [("tasks", "list"), ("tasks", "list", "--json"), ("tasks", "show", "math_arithmetic")],
)
def test_listing_tasks_loads_no_table_and_no_statistics(command: tuple[str, ...]) -> None:
    loads_none(ENGINES | TABLES | {"scipy.stats", "scipy.special", "scipy.optimize", "jinja2"}, *command)


@pytest.mark.parametrize("suite", ["nano-1", "core-vl-1"])
def test_showing_a_suite_loads_no_table(suite: str) -> None:
    loads_none(ENGINES | TABLES | {"scipy.stats", "scipy.optimize", "jinja2"}, "suite", "show", suite)


def test_listing_no_runs_loads_no_table(tmp_path: Path) -> None:
    loads_none(ENGINES | TABLES | {"numpy", "scipy"}, "runs", "list", "--out", str(tmp_path))


def test_listing_runs_loads_no_statistics(tmp_path: Path) -> None:
    synthetic_run(tmp_path / "base")
    loads_none(ENGINES | {"scipy"}, "runs", "list", "--out", str(tmp_path))


def test_comparing_loads_neither_scipys_distributions_nor_templates(tmp_path: Path) -> None:
    base, tuned = tmp_path / "base", tmp_path / "tuned"
    synthetic_run(base)
    synthetic_run(tuned, name="tuned", seed=1, accuracy=0.8)
    loads_none(ENGINES | {"scipy.stats", "jinja2"}, "compare", str(base), str(tuned), "--target", "jigsaw")


def test_a_board_loads_neither_scipys_distributions_nor_its_optimisers(tmp_path: Path) -> None:
    (tmp_path / "submissions").mkdir()
    folders = {name: str(tmp_path / name) for name in ("submissions", "bases", "out", "cache")}
    options = [word for name, folder in folders.items() for word in (f"--{name}", folder)]
    loads_none(ENGINES | {"scipy.stats", "scipy.optimize"}, "board", "build", *options)
