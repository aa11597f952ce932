"""What the environment is made of: exact versions, by their hashes, in a bill of materials, under known licences."""

import importlib.util
import json
import re
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


def test_every_frozen_package_is_installed_by_its_hashes_and_from_no_index_of_ours(sbom: ModuleType) -> None:
    """`make hashes` was run after the last change of a version."""
    text = "".join(path.read_text("utf-8") for path in sorted(SBOM.parent.glob("requirements-*.txt")))
    listed = re.findall(
        r"^([\w.-]+)==(\S+)(?: ;[^\\\n]*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.M
    )
    wanted = {_canonical(name): version for name, version in sbom.frozen().items() if name != "torch"}
    assert {_canonical(name): version for name, version, _ in listed} == wanted
    # Nothing else is in the files: no package without a hash, no address.
    rest = len(text.splitlines()) - sum(1 + hashes.count("--hash=") for *_, hashes in listed)
    assert rest == sum(line.startswith("# ") for line in text.splitlines()) == 2
    (installs,) = re.findall(r".* install .*requirements-cpu.*", (SBOM.parent / "setup").read_text("utf-8"))
    assert "--require-hashes" in installs


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("stated", "known"),
    [
        ("MIT", True),
        ("Apache-2.0 AND CNRI-Python", True),
        ("LGPL-2.1-only", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("(MIT OR GPL-3.0-only) AND BSD-3-Clause", True),
        ("(MIT OR GPL-3.0-only) AND AGPL-3.0-only", False),
        ("GPL-3.0-only OR (MIT AND SSPL-1.0)", False),
        ("Apache-2.0 AND BUSL-1.1", False),
        ("AGPL-3.0 OR Proprietary", False),
        ("Mozilla Public License 2.0 (MPL 2.0)", True),
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
