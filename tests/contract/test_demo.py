"""The whole path as a newcomer walks it: both engines, the shipped pair, scorecards, reports, the board."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.scoring import Scorecard

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[2]


def retention(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leaderboard.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(out: Path) -> subprocess.CompletedProcess[str]:
    return retention("demo", "--engine", "vllm", "--out", out, "--site", out / "site")


def only(out: Path, pattern: str) -> Path:
    (found,) = out.glob(f"nano-1/{pattern}")
    return found


def test_the_demo_shows_scorecards_and_builds_the_board(demo: subprocess.CompletedProcess[str], out: Path) -> None:
    assert demo.returncode == 0, demo.stderr
    assert "nano-sft against nano-base" in demo.stdout
    assert str(out / "site" / "index.html") in demo.stdout
    assert (out / "site" / "index.html").is_file()


def test_the_shipped_pair_learned_the_jigsaw_and_the_scorecard_says_what_it_cost(
    demo: subprocess.CompletedProcess[str], out: Path
) -> None:
    card = Scorecard.model_validate_json(only(out, "nano-sft-*/vllm-float32/scorecard-jigsaw.json").read_bytes())
    assert card.target.score_base is not None
    assert 0.05 <= card.target.score_base <= 0.25
    assert card.target.gain is not None
    assert card.target.gain > 0.4
    assert card.retention_macro is not None
    assert card.signature in demo.stdout.replace("\n", "")


def test_the_second_time_starts_no_engine_and_changes_no_scorecard(
    demo: subprocess.CompletedProcess[str], out: Path
) -> None:
    before = {path: path.read_bytes() for path in out.glob("nano-1/*/*/scorecard-*.json")}
    again = retention("demo", "--engine", "vllm", "--out", out, "--site", out / "site")
    assert again.returncode == 0, again.stderr
    assert "starting" not in again.stderr
    assert again.stderr.count(" 0 answers generated") == len(before) + 1
    assert {path: path.read_bytes() for path in out.glob("nano-1/*/*/scorecard-*.json")} == before


def test_both_engines_agree_item_by_item_on_the_nano_pair(demo: subprocess.CompletedProcess[str], out: Path) -> None:
    done = retention(
        *("evaluate", "nano:base", "nano:sft", "--suite", "nano-1", "--target", "jigsaw"),
        *("--engine", "transformers", "--out", out, "--json"),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["engine"]["name"] == "transformers"
    for name in ("nano-base", "nano-sft"):
        folder = only(out, f"{name}-*")
        difference = retention("diff", folder / "vllm-float32", folder / "transformers-float32")
        assert difference.returncode == 0, difference.stdout + difference.stderr


def test_a_pair_from_two_engines_is_refused(demo: subprocess.CompletedProcess[str], out: Path) -> None:
    base, tuned = only(out, "nano-base-*/transformers-float32"), only(out, "nano-sft-*/vllm-float32")
    refused = retention("compare", base, tuned, "--target", "jigsaw")
    assert refused.returncode == 1
    assert "engine" in refused.stderr
