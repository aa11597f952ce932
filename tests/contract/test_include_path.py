"""What lm-eval's own users do: ``lm_eval --include_path tasks``, with lm-eval's models and none of this harness's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.checkpoints.checkpoint import nano_root
from harness.lmeval import load_tasks
from harness.records.samples import read_samples
from harness.records.suites import tasks_root

pytestmark = pytest.mark.engine

PROCEDURAL = ("math_arithmetic", "math_algebra", "science_quantities", "science_quantities_choice_letters")
VISION = ("jigsaw_2x2", "vision_colour")
# A CPU build of torch lacks two operators that torchvision wants to see declared.
PROGRAM = """
from harness.engines.torchvision_ops import define_missing_ops
define_missing_ops()
from lm_eval.__main__ import cli_evaluate
cli_evaluate()
"""


def lm_eval(folder: Path, tasks: tuple[str, ...], *options: str) -> tuple[dict[str, dict[str, float]], str]:
    """The results of lm-eval's own command on the first 6 items of ``tasks``, and what it said."""
    command = [sys.executable, "-c", PROGRAM, "--include_path", str(tasks_root()), "--tasks", ",".join(tasks)]
    command += ["--limit", "6", "--log_samples", "--output_path", str(folder), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    (results,) = folder.rglob("results_*.json")
    return json.loads(results.read_text())["results"], done.stderr


def test_text_tasks_run_with_its_dummy_model_and_replace_none_of_its_own(tmp_path: Path) -> None:
    results, said = lm_eval(tmp_path, PROCEDURAL, "--model", "dummy")
    assert set(results) == set(PROCEDURAL)
    assert {name: found["sample_len"] for name, found in results.items()} == dict.fromkeys(PROCEDURAL, 6)
    assert all(results[name]["unparsed,none"] == 1 for name in PROCEDURAL if not name.endswith("_letters"))
    assert "overrides existing task" not in said
    assert "Duplicate task" not in said


def test_vision_tasks_give_its_own_vision_model_the_answers_of_our_base_run(tmp_path: Path) -> None:
    arguments = f"pretrained={nano_root() / 'base'},dtype=float32"
    model = ("--model", "hf-multimodal", "--model_args", arguments, "--device", "cpu", "--apply_chat_template")
    lm_eval(tmp_path, VISION, *model, "--batch_size", "1")
    (run,) = (Path(__file__).parents[2] / "leaderboard" / "data" / "bases" / "nano-1").glob("*/samples.parquet")
    ours = read_samples(run).set_index("item_id")["output"]
    for name, loaded in load_tasks(VISION).items():
        (log,) = tmp_path.rglob(f"samples_{name}_*.jsonl")
        rows = [json.loads(line) for line in log.read_text().splitlines()]
        assert [row["doc"]["item_id"] for row in rows] == loaded.item_ids[:6]
        assert [row["resps"][0][0].strip() for row in rows] == [ours[item].strip() for item in loaded.item_ids[:6]]
