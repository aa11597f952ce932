"""What a stranger can open: every document that a tracked file names is here, and nothing outside is read."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
_DOCUMENT = re.compile(r"(?<![\w./-])((?:\.{1,2}/)*[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*\.md)\b")
# A folder of somebody's machine. What stands in a test as an example of one belongs to a made-up person.
_OF_A_MACHINE = re.compile(r"(?<![\w.:/-])/(?:home/(?!ada\b|me\b)|Users/|root/|work/|mnt/|media/)\w")
# Documents that are not here, by the file that may name them: a user's own, what a command writes, and the examples
# below.
_ELSEWHERE = {
    "tests/test_documents.py": {"nowhere.md", "../../README.md", "harness/METRICS.md"},
    "README.md": {"comment.md"},
    "action.yml": {"reports/comment.md"},
    "harness/cli/card.py": {"tuned/README.md"},
    "harness/cli/check.py": {"comment.md"},
    "harness/cli/compare.py": {"comment.md"},
    "tests/harness/cli/test_gating.py": {"comment.md", "nowhere/comment.md"},
    "tests/harness/report/test_model_card.py": {"nowhere/README.md"},
    "tests/test_action.py": {"comment.md", "summary.md"},
}
_ELSEWHERE["tests/test_documents.py"].update(*_ELSEWHERE.values())


def tracked() -> list[PurePosixPath]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a checkout")
    return [PurePosixPath(name) for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def texts() -> Iterator[tuple[PurePosixPath, str]]:
    for path in tracked():
        data = (ROOT / path).read_bytes()
        # Weights, tables and pictures hold no citation.
        if b"\0" not in data[:8192]:
            yield path, data.decode("utf-8", "replace")


def resolves(cited: str, where: PurePosixPath, files: set[str], names: list[str]) -> bool:
    """Whether ``cited`` is a file beside ``where``, below the root, or the only one of its name."""
    beside = (ROOT / where.parent / cited).resolve()
    return (
        (beside.is_relative_to(ROOT) and beside.relative_to(ROOT).as_posix() in files)
        or cited in files
        or names.count(cited) == 1
    )


def test_every_document_that_is_named_is_here() -> None:
    files = {path.as_posix() for path in tracked()}
    names = [PurePosixPath(path).name for path in files]
    missing = [
        f"{path}: {cited}"
        for path, text in texts()
        for cited in dict.fromkeys(_DOCUMENT.findall(text))
        if not resolves(cited, path, files, names) and cited not in _ELSEWHERE.get(path.as_posix(), set())
    ]
    assert missing == [], "name a document of this repository, or a public paper"


@pytest.mark.parametrize(
    ("cited", "found"),
    [
        ("README.md", True),
        ("METRICS.md", True),
        ("harness/scoring/METRICS.md", True),
        ("../README.md", True),
        ("nowhere.md", False),
        ("../../README.md", False),
        ("harness/METRICS.md", False),
    ],
)
def test_what_resolves(cited: str, found: bool) -> None:
    files = {"README.md", "harness/README.md", "harness/scoring/METRICS.md"}
    names = [PurePosixPath(path).name for path in files]
    assert resolves(cited, PurePosixPath("harness/items.py"), files, names) is found


def test_nothing_names_a_folder_of_a_machine() -> None:
    found = [f"{path}: {match[0]}" for path, text in texts() for match in _OF_A_MACHINE.finditer(text)]
    assert found == []


def above(node: ast.AST) -> int:
    """How many folders ``Path(...).parents[n]`` or ``Path(...).parent`` go up from where they start."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "parents":
        return node.slice.value + 1 + above(node.value.value) if isinstance(node.slice, ast.Constant) else 0
    if isinstance(node, ast.Attribute) and node.attr == "parent":
        return 1 + above(node.value)
    return 0


def starts_here(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "__file__" for each in ast.walk(node))


def named_by(node: ast.AST) -> Iterator[str]:
    """The texts that a call names a folder by: those of ``Path``, ``open`` and of a variable's default."""
    if not isinstance(node, ast.Call):
        return
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if called in ("Path", "open", "get", "getenv"):
        yield from (each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str))


def test_no_module_reads_outside_the_repository() -> None:
    """Published sets are read from ``--data-dir`` or ``RETENTION_DATA``, which a user names; all else is in here."""
    found = [
        f"{path}:{node.lineno}"
        for path, text in texts()
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.expr)
        if (above(node) > len(path.parts) and starts_here(node))
        or any(each.startswith("..") for each in named_by(node))
    ]
    assert found == []


def test_no_other_file_leads_outside_the_repository() -> None:
    kinds = (".yaml", ".yml", ".toml", ".html", ".j2", ".sh", "")
    found = [
        f"{path}: {match[0]}"
        for path, text in texts()
        if path.suffix in kinds
        for match in re.finditer(r"(?<![\w./-])(?:\.\./)+", text)
        if len(match[0]) // 3 >= len(path.parts)
    ]
    assert found == []
