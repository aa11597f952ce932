"""What lm-eval's own users do: ``lm_eval --include_path tasks``, with lm-eval's models and none of this harness's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import lm_eval
import pytest
from lm_eval.tasks import TaskManager

from harness.checkpoints.checkpoint import nano_root
from harness.engines.torchvision_ops import define_missing_ops
from harness.lmeval import load_tasks
from harness.records.samples_file import read_samples
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


def test_text_tasks_run_with_its_dummy_model_and_replace_none_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, "--include_path", str(tasks_root()), "--tasks", ",".join(PROCEDURAL)]
    command += ["--model", "dummy", "--limit", "6", "--log_samples", "--output_path", str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    (written,) = tmp_path.rglob("results_*.json")
    results = json.loads(written.read_text())["results"]
    assert set(results) == set(PROCEDURAL)
    assert {name: found["sample_len"] for name, found in results.items()} == dict.fromkeys(PROCEDURAL, 6)
    assert all(results[name]["unparsed,none"] == 1 for name in PROCEDURAL if not name.endswith("_letters"))
    assert "overrides existing task" not in done.stderr
    assert "Duplicate task" not in done.stderr


def test_vision_tasks_give_its_own_vision_model_the_answers_of_our_base_run() -> None:
    """Through its own evaluation, which is what its command calls."""
    define_missing_ops()
    results = lm_eval.simple_evaluate(
        model="hf-multimodal",
        model_args=f"pretrained={nano_root() / 'base'},dtype=float32",
        tasks=list(VISION),
        task_manager=TaskManager(include_path=str(tasks_root()), include_defaults=False),
        device="cpu",
        batch_size=1,
        limit=6,
        apply_chat_template=True,
        bootstrap_iters=0,
    )
    (run,) = (Path(__file__).parents[2] / "leaderboard" / "data" / "bases" / "nano-1").glob("*/samples.parquet")
    ours = read_samples(run).set_index("item_id")["output"]
    for name, loaded in load_tasks(VISION).items():
        rows = results["samples"][name]
        assert [row["doc"]["item_id"] for row in rows] == loaded.item_ids[:6]
        assert [row["resps"][0][0].strip() for row in rows] == [ours[item].strip() for item in loaded.item_ids[:6]]
