"""The front door: the names that a user finds in ``retentionbench``, and that nothing heavy comes with it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import harness
import retentionbench as rb

NAMES = {
    "Check",
    "CheckFailedError",
    "Estimate",
    "Evaluation",
    "EvaluationFailedError",
    "Exported",
    "GoldenSuite",
    "RetentionCallback",
    "RetentionError",
    "RuleResult",
    "Run",
    "RunError",
    "Scorecard",
    "Suite",
    "SuiteError",
    "Table",
    "Trajectory",
    "Watcher",
    "__version__",
    "apply_rule",
    "apply_rules",
    "check",
    "compare",
    "evaluate",
    "evaluate_pairs",
    "export_run",
    "measure_base_noise",
    "measure_pair_drift",
    "open_run",
    "open_suite",
    "plan",
    "own_card",
    "parse_rule",
    "render_junit",
    "render_pair_markdown",
    "render_pair_page",
    "screen_pairs",
    "suite_from_file",
    "suites",
    "trajectory",
}
FOLDER = Path(str(rb.__file__)).parent


def test_the_exported_names_are_these() -> None:
    assert set(rb.__all__) == set(dir(rb)) == NAMES
    assert len(rb.__all__) == len(NAMES)
    assert rb.__version__ == harness.__version__


@pytest.mark.parametrize("name", sorted(NAMES - {"__version__"}))
def test_every_name_is_there_and_says_what_it_is(name: str) -> None:
    assert getattr(rb, name).__doc__


def test_type_checkers_see_the_same_names() -> None:
    stub = ast.parse((FOLDER / "__init__.pyi").read_text(encoding="utf-8"))
    (declared,) = (ast.literal_eval(node.value) for node in stub.body if isinstance(node, ast.Assign))
    imported = {alias.name for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(declared) == imported == NAMES
    assert (FOLDER / "py.typed").is_file()


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'retentionbench' has no attribute 'evalute'"):
        rb.evalute  # noqa: B018


def test_every_error_is_a_retention_error() -> None:
    errors = [getattr(rb, name) for name in NAMES if name.endswith("Error")]
    assert all(issubclass(error, rb.RetentionError) for error in errors)


def test_importing_it_imports_nothing_heavy() -> None:
    program = """
import sys
import retentionbench
heavy = {"torch", "vllm", "transformers", "lm_eval", "datasets", "pandas", "numpy", "pydantic", "rich"}
sys.exit(f"imported {heavy & set(sys.modules)}" if heavy & set(sys.modules) else 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_comparing_loads_no_engine() -> None:
    program = """
import sys
import retentionbench as rb
rows = [{"item_id": k, "task": "sums", "family": "math", "outcome": "correct"} for k in range(9)]
print(rb.compare(rows, rows, target="math").summary())
heavy = {"torch", "vllm", "transformers", "lm_eval", "datasets"}
sys.exit(f"imported {heavy & set(sys.modules)}" if heavy & set(sys.modules) else 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Gain 0.0 points" in done.stdout
