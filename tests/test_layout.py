"""The tests mirror the code: one folder a wing, one file a module; what they share lies in tests/support/."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.scheduling import group_of

TESTS = Path(__file__).parent
ROOT = TESTS.parent
FILES = sorted(TESTS.rglob("test_*.py"))
MIRRORS = [path for path in FILES if path.relative_to(TESTS).parts[0] in ("harness", "leaderboard")]
# Tests of several modules at once, named by what these do together.
TOGETHER = {
    "harness/cli/test_cli.py",
    "harness/cli/test_loading.py",
    "harness/cli/test_sampling.py",
    "harness/evaluation/test_prompts.py",
    "harness/evaluation/test_sampled.py",
    "harness/exports/test_round_trip.py",
    "harness/lmeval/test_lmeval.py",
    "harness/scoring/test_promises.py",
    "harness/scoring/test_simulations.py",
    "harness/training/nano/test_nano_training.py",
    "harness/training/test_qwen.py",
    "leaderboard/cli/test_next_lines.py",
    "leaderboard/test_round_trip.py",
}


def place(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, those in the source of a child process too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (
                line.split()[1]
                for line in node.value.splitlines()
                if line.startswith("from tests.") and " import " in line
            )


def foreign_test_files(path: Path) -> Iterator[str]:
    """A test may run its own functions in another process; those of another file are none of its business."""
    own = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for name in imported(path):
        if name.startswith("tests.") and ".test_" in name and not name.startswith(own):
            yield f"{place(path)}: {name}"


def test_no_file_imports_a_test_file() -> None:
    found = [name for path in sorted(TESTS.rglob("*.py")) for name in foreign_test_files(path)]
    assert found == [], "what tests share belongs in tests/support/"


def has_module(path: Path) -> bool:
    wing, module = ROOT / path.parent.relative_to(TESTS), path.stem.removeprefix("test_")
    return (wing / f"{module}.py").is_file() or (wing / module).is_dir()


def test_a_test_file_lies_where_its_module_does() -> None:
    assert {place(path) for path in MIRRORS if not has_module(path)} == TOGETHER
    assert [place(path) for path in MIRRORS if not (ROOT / path.parent.relative_to(TESTS)).is_dir()] == []


@cache
def asked_for(path: Path) -> set[str]:
    """The fixtures that a file names, in its functions or to ``usefixtures``."""
    tree = ast.parse(path.read_text("utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    named = {argument.arg for function in functions for argument in function.args.args}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("usefixtures"):
            named |= {each.value for each in node.args if isinstance(each, ast.Constant)}
    return named


def test_files_that_share_what_is_made_once_run_in_one_process() -> None:
    for fixture in ("engines", "study_results", "browser"):
        groups = {group_of(path.relative_to(ROOT).as_posix()) for path in FILES if fixture in asked_for(path)}
        assert len(groups) == 1, f"{fixture}: tests/support/scheduling.py does not see who asks for it"
