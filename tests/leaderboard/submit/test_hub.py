"""Whole logs go to a data set on the hub, and the entry names commit, path and sha256 of what is there."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.records.run import read_record
from leaderboard.submit.hub import REPO
from tests.support.hub_like import COMMIT, HubLike, hub_like
from tests.support.synthetic import synthetic_run
from tests.support.synthetic_board import Folders, folders

pytestmark = pytest.mark.slow


@pytest.fixture
def made(tmp_path: Path) -> Folders:
    made = folders(tmp_path)
    synthetic_run(made.runs / "tuned", name="nano-sft", accuracy=0.7, seed=1)
    return made


def prepare(made: Folders, server: HubLike, repo: str = "ada/logs") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: the hub's client reads its settings when it is imported."""
    arguments = ["submit", "prepare", made.runs / "base", made.runs / "tuned", "--target", "jigsaw", "--method", "sft",
                 "--license", "CC0-1.0", "--contact", "ada", "--consent", "--yes", "--to-hub", repo,
                 "--submissions", made.submissions, "--bases", made.bases]  # fmt: skip
    settings = {"HF_ENDPOINT": server.address, "HF_TOKEN": "hf_test", "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0",
                "HF_HOME": str(made.runs / "home"), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}  # fmt: skip
    command = [sys.executable, "-m", "leaderboard.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | settings, check=False)


def test_both_runs_are_uploaded_and_named(made: Folders) -> None:
    with hub_like() as server:
        done = prepare(made, server)
        assert done.returncode == 0, done.stderr
        (folder,) = made.submissions.iterdir()
        again = prepare(made, server)
        assert again.returncode == 0, again.stderr
    assert server.repos == {"ada/logs"}
    assert server.tokens == {"Bearer hf_test"}
    (home,) = made.bases.glob("*/*")
    bases = f"ada/logs/bases/{home.parent.name}/{home.name}"
    names = {
        f"{place}/{file}" for place in (f"ada/logs/{folder.name}", bases) for file in ("run.json", "samples.parquet")
    }
    assert set(server.files) == names
    log = read_record(folder / "tuned").full_log
    assert log is not None
    assert (log.repo, log.revision, log.path, log.cut) == ("ada/logs", COMMIT, f"{folder.name}/samples.parquet", 0)
    uploaded = server.files[f"ada/logs/{log.path}"]
    assert hashlib.sha256(uploaded).hexdigest() == log.samples_sha256
    assert (len(uploaded), uploaded) == (log.size, (made.runs / "tuned" / "samples.parquet").read_bytes())
    assert "hf_test" not in (folder / "tuned" / "run.json").read_text()


def test_a_secret_in_a_record_is_never_uploaded(made: Folders) -> None:
    path = made.runs / "tuned" / "run.json"
    token = "hf_" + "a" * 34
    path.write_text(path.read_text().replace('"device": "cpu"', f'"device": "{token}"'))
    with hub_like() as server:
        done = prepare(made, server)
    assert done.returncode == 2
    assert "run.json: contains what looks like a Hugging Face token; nothing was uploaded" in done.stderr
    assert token not in done.stderr
    assert server.files == {}
    assert not list(made.submissions.iterdir())


def test_a_refused_upload_is_one_line_and_leaves_nothing(made: Folders) -> None:
    with hub_like(forbidden=True) as server:
        done = prepare(made, server)
    assert done.returncode == 2
    line = done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert line.startswith("Error: --to-hub ada/logs: not uploaded (")
    assert "hf auth login" in line
    assert not list(made.submissions.iterdir())
    assert not list(made.bases.rglob("run.json"))


@pytest.mark.parametrize("repo", ["ada", "ada/logs/more", "../logs", "ada/lo gs", "ada/logs\n", "-ada/logs"])
def test_what_is_no_data_set(repo: str) -> None:
    assert REPO.match("ada/lo.gs-1")
    assert not REPO.match(repo)
