"""Our score is lm-eval's: the same task files through lm-eval's own vLLM backend and through ours, item by item.

The benchmark's parity (``python -m tests.bench parity``) on the shipped nano base and procedural items, so that it
needs no download; each side is a process of its own, as its users start it.
"""

from pathlib import Path

import pytest

from harness.checkpoints.checkpoint import nano_root
from tests.bench import choices, parity

pytestmark = pytest.mark.engine
ITEMS = 16
SETTINGS = {"name": "vllm", "dtype": "float32", "max_model_len": 1024, "batch": 256, "threads": 1}


def test_prompts_outputs_and_verdicts_are_those_of_lmeval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_DATA", str(tmp_path))
    found = parity.measure(nano_root() / "base", {"gsm8k": ITEMS, "arc": ITEMS}, SETTINGS, lambda _: None)
    for name, task in found["tasks"].items():
        # A cut-off answer may be judged differently, by design; nothing else may.
        unexplained = [row for row in task["differing"] if not row["cause"].startswith("cut off")]
        assert not unexplained, f"{name}: {unexplained}"
        assert (task["items"], task["same_prompt"], task["same_output"]) == (ITEMS, ITEMS, ITEMS), name
        assert (task["largest_logprob_difference"] or 0) < 1e-3, name


def test_a_difference_from_a_stock_task_is_put_down_to_the_step_at_which_it_appears() -> None:
    stock, worded, ours = ([(right, [0.0]) for right in way] for way in ([1, 1, 1, 0], [1, 0, 1, 1], [1, 0, 0, 0]))
    causes = [None, "the question and what is scored", "the chat template", None]
    assert list(choices._steps(stock, worded, ours)) == causes


def test_choices_that_differ_on_one_task_file_are_told_from_ties() -> None:
    one, two = ([(True, logprobs)] * 2 for logprobs in ([-1.0, -1.0005, -3.0], [-1.0005, -1.0, -3.0]))
    found = list(choices._apart(["x", "y"], one, two))
    assert [(each["item_id"], each["tie"]) for each in found] == [("x", True), ("y", True)]
    assert not list(choices._apart(["x"], one[:1], one[:1]))
