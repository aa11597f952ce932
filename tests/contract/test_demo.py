"""The whole path as a newcomer walks it: both engines, the shipped pair, scorecards, reports, the board."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.scoring import Scorecard
from leaderboard.cli import cli

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[2]


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(out: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own, as its users start it."""
    command = [
        sys.executable,
        "-m",
        "leaderboard.cli",
        "demo",
        "--engine",
        "vllm",
        "--out",
        out,
        "--site",
        out / "site",
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)


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
    demo: subprocess.CompletedProcess[str], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    before = {path: path.read_bytes() for path in out.glob("nano-1/*/*/scorecard-*.json")}
    again = invoke("demo", "--engine", "vllm", "--out", out, "--site", out / "site")
    assert again.exit_code == 0, again.output
    assert "starting vllm" not in again.stderr
    assert "starting transformers" not in again.stderr
    assert again.stderr.count(": 0 answers generated") == len(before) + 1
    assert {path: path.read_bytes() for path in out.glob("nano-1/*/*/scorecard-*.json")} == before


@pytest.fixture(scope="module")
def part(demo: subprocess.CompletedProcess[str], out: Path) -> Path:
    """Some items of the suite, which both engines have answered: vLLM's answers are those of the demo."""
    suite = out / "part-1.yaml"
    assert invoke("suite", "sample", "nano-1", "--count", "12", "--out", suite).exit_code == 0
    for engine in ("vllm", "transformers"):
        done = invoke("evaluate", "nano:base", "nano:sft", "--suite", suite, "--target", "jigsaw", "--engine", engine,
                      "--out", out, "--json")  # fmt: skip
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["engine"]["name"] == engine
        assert (f"starting {engine}" in done.stderr) == (engine == "transformers")
    return out / "part-1"


def test_both_engines_agree_item_by_item_on_the_nano_pair(part: Path) -> None:
    for name in ("nano-base", "nano-sft"):
        (folder,) = part.glob(f"{name}-*")
        difference = invoke("diff", folder / "vllm-float32", folder / "transformers-float32")
        assert difference.exit_code == 0, difference.output


def test_a_pair_from_two_engines_is_refused(part: Path) -> None:
    (base,), (tuned,) = part.glob("nano-base-*/transformers-float32"), part.glob("nano-sft-*/vllm-float32")
    refused = invoke("compare", base, tuned, "--target", "jigsaw")
    assert refused.exit_code == 1
    assert "engine" in refused.stderr
