"""What the environment is made of: exact versions, in a bill of materials, under licences that are known."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SBOM = Path(__file__).parents[1] / ".ci" / "sbom.py"


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sbom", SBOM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_frozen_package_is_in_the_bill_with_a_licence(tmp_path: Path, sbom: ModuleType) -> None:
    subprocess.run([sys.executable, SBOM, tmp_path / "sbom.json"], check=True)
    document = json.loads((tmp_path / "sbom.json").read_text())
    listed = {each["name"]: each for each in document["components"]}
    assert {name: each["version"] for name, each in listed.items()} == sbom.frozen()
    assert all(each["licenses"][0]["license"]["name"] for each in listed.values())
    assert all(each["purl"].startswith("pkg:pypi/") for each in listed.values())


@pytest.mark.parametrize(
    ("stated", "known"),
    [
        ("MIT", True),
        ("Apache-2.0 AND CNRI-Python", True),
        ("LGPL-2.1-only", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("GNU Affero General Public License v3", False),
        ("AGPL-3.0", False),
        ("LIMITED", False),
        ("Proprietary", False),
        ("", False),
    ],
)
def test_a_licence_is_known_and_binds_nothing_else(sbom: ModuleType, stated: str, known: bool) -> None:
    assert sbom.acceptable(stated) is known


def test_another_version_than_the_frozen_one_is_named(sbom: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"click: .* is installed, 0\.1 is frozen; run \.ci/setup"):
        sbom.component("click", "0.1")
