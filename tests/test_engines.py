"""Choosing and describing an engine, without starting one."""

import subprocess
import sys

import pytest

from harness import engines
from harness.checkpoints import open_checkpoint
from harness.engines import EngineError, EngineSettings


def pretend(monkeypatch: pytest.MonkeyPatch, *installed: str) -> None:
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: name if name in installed else None)


def test_vllm_is_preferred_when_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "torch", "transformers", "vllm")
    assert engines.choose(None) == "vllm"
    pretend(monkeypatch, "torch", "transformers")
    assert engines.choose(None) == "transformers"


def test_a_missing_engine_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "torch", "transformers")
    with pytest.raises(EngineError, match=r"engine vllm: not installed; .*\[vllm\].*, or use --engine transformers"):
        engines.choose("vllm")
    pretend(monkeypatch, "vllm")
    with pytest.raises(EngineError, match="no engine installed; run `pip install"):
        engines.choose(None)


def test_a_description_imports_nothing_heavy() -> None:
    program = """
import sys
from harness import engines
from harness.checkpoints import open_checkpoint
settings = engines.EngineSettings(name=engines.choose("vllm"), dtype="float32")
print(engines.describe(settings, open_checkpoint("nano:base")).fingerprint)
heavy = {"torch", "vllm", "transformers"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("vllm/0.")


def test_dtype_and_adapter_are_part_of_the_fingerprint() -> None:
    base = open_checkpoint("nano:base")
    prints = {
        engines.describe(EngineSettings(name=name, dtype=dtype), base).fingerprint
        for name in engines.NAMES
        for dtype in ("float32", "bfloat16")
    }
    assert len(prints) == 4


def test_a_gpu_is_named_by_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = subprocess.CompletedProcess([], 0, stdout="NVIDIA H100 80GB HBM3\n")
    monkeypatch.setattr(engines.shutil, "which", lambda _: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(engines.subprocess, "run", lambda *_, **__: answer)
    assert engines.device_class() == "NVIDIA H100 80GB HBM3"
    assert engines.default_dtype("NVIDIA H100 80GB HBM3") == "bfloat16"
    record = engines.describe(EngineSettings(name="vllm", dtype="bfloat16"), open_checkpoint("nano:base"))
    assert (record.mode, record.device) == ("compiled", "NVIDIA H100 80GB HBM3")
