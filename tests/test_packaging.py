"""The wheel works from another folder, in an environment of its own, beside a file called tasks.py."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_tasks_templates_and_checkpoints(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "harness/_tasks/suites/nano-1.yaml",
        "harness/_tasks/jigsaw/nano.py",
        "harness/checkpoints/nano/base/model.safetensors",
        "harness/training/configs/nano-jigsaw.yaml",
        "harness/training/configs/accelerate/zero3.yaml",
        "harness/study/plans/nano.yaml",
        "harness/report/pair.html.j2",
        "leaderboard/ledger/events.py",
        "leaderboard/ledger/schemas/event/1.json",
    ):
        assert wanted in names
    assert any(name.startswith("leaderboard/_site/templates/") for name in names)
    assert not [name for name in names if name.startswith("leaderboard/data/")]
    assert not [
        name
        for name in names
        if name.split("/")[0] not in ("harness", "leaderboard", "retentionbench") and ".dist-info" not in name
    ]


def test_the_wheel_works_elsewhere_beside_a_tasks_py(wheel: Path, tmp_path: Path) -> None:
    """A clean virtual environment gets the wheel alone; what the wheel depends on is lent to it by a path file."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    site = next((tmp_path / "venv" / "lib").glob("python3*/site-packages"))
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", site, wheel]
    subprocess.run(install, check=True, capture_output=True)
    # The project's own editable install stays behind: only libraries are lent, after the wheel's own files.
    (site / "lent.pth").write_text(next(p for p in sys.path if p.endswith("site-packages")) + "\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "tasks.py").write_text("raise SystemExit('the wrong tasks')")
    program = """
import json, harness, leaderboard
from harness.checkpoints.checkpoint import open_checkpoint
from harness.lmeval import load_tasks
from harness.records.suites import load_suite
suite = load_suite("nano-1")
for name, loaded in load_tasks(list(suite.tasks)).items():
    suite.check_items(name, loaded.item_ids)
print(json.dumps([harness.__file__, open_checkpoint("nano:base").record.name]))
"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", program], cwd=elsewhere, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert str(site) in done.stdout
    done = subprocess.run(
        [python, "-m", "leaderboard.cli", "evaluate", "nano:base", "x", "--suite", "nano-1", "--target", "jigsaw"],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "x: no such folder, and not a hub id" in done.stderr
