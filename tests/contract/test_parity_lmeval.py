"""Our score is lm-eval's: the same task files through lm-eval's own vLLM backend and through ours, item by item.

The benchmark's parity (``python -m tests.bench parity``) on the shipped nano base and procedural items, so that it
needs no download; each side is a process of its own, as its users start it.
"""

from pathlib import Path

import pytest

from harness.checkpoints import nano_root
from tests.bench import parity

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
