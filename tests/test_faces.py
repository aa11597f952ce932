"""Each wing has a face: the names that other wings may use, every one of which is really there."""

import ast
import importlib
from pathlib import Path

import pytest

import harness
import leaderboard

ROOT = Path(harness.__file__).parents[1]
PACKAGES = (harness, leaderboard)
STUBS = sorted(stub for package in PACKAGES for stub in Path(package.__file__).parent.rglob("__init__.pyi"))
FACES = [".".join(stub.parent.relative_to(ROOT).parts) for stub in STUBS]


def imports(path: Path) -> list[tuple[str, str]]:
    """Every ``from module import name`` of a file, those inside functions too."""
    return [
        (node.module, alias.name)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
    ]


@pytest.mark.parametrize("face", FACES)
def test_every_exported_name_is_there(face: str) -> None:
    module = importlib.import_module(face)
    assert len(module.__all__) == len(set(module.__all__)) > 0
    beside = Path(str(module.__file__)).parent.iterdir()
    submodules = {path.stem for path in beside if path.is_dir() or path.suffix == ".py"}
    assert not submodules & set(module.__all__), "a name that is also a module means one or the other by turns"
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_every_wing_has_a_face() -> None:
    wings = {
        f"{package.__name__}.{path.parent.name}"
        for package in PACKAGES
        for path in Path(package.__file__).parent.glob("*/__init__.py")
    }
    assert wings - set(FACES) == {"harness.cli", "leaderboard.cli"}


# What scipy.stats.binom itself calls; harness/scoring/binomial.py says why, and does without where it is missing.
OF_LIBRARIES = {("scipy.special._ufuncs", "_binom_pmf")}


def test_other_wings_use_no_private_name() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {module}.{name}"
        for package in PACKAGES
        for path in Path(package.__file__).parent.rglob("*.py")
        for module, name in imports(path)
        if name.startswith("_") and not name.startswith("__") and (module, name) not in OF_LIBRARIES
        if module.split(".")[:2] != list(path.relative_to(ROOT).with_suffix("").parts[:2])
    ]
    assert found == []
