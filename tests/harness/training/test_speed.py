"""A training in bfloat16 on a processor without instructions for it says what it costs; any other says nothing."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from harness.engines import define_missing_ops, instructions
from harness.engines.instructions import multiplies_bfloat16
from harness.training import speed


class Trainer:
    """Takes callbacks, and runs two steps."""

    def __init__(self, device: str) -> None:
        self.args = SimpleNamespace(device=SimpleNamespace(type=device))
        self.callbacks: list[Any] = []

    def add_callback(self, callback: Any) -> None:
        self.callbacks.append(callback)

    def train(self) -> None:
        for _ in range(2):
            for callback in self.callbacks:
                callback.on_step_begin(None, None, None)
                callback.on_step_end(None, None, None)


@pytest.mark.parametrize(
    ("dtype", "device", "instructions", "warns"),
    [
        ("bfloat16", "cpu", False, True),
        ("bfloat16", "cpu", True, False),
        ("bfloat16", "cpu", None, False),
        ("bfloat16", "cuda", False, False),
        ("float32", "cpu", False, False),
    ],
)
def test_what_crawls_is_told_with_its_cost(
    dtype: str,
    device: str,
    instructions: bool | None,
    warns: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(speed, "multiplies_bfloat16", lambda: instructions)
    monkeypatch.setattr(speed, "bfloat16_cost", lambda: 38.4)
    define_missing_ops()
    recipe = SimpleNamespace(optimisation=SimpleNamespace(dtype=dtype, steps=1800))
    trainer = Trainer(device)
    with caplog.at_level(logging.WARNING):
        speed.warn_of_bfloat16(recipe, trainer)  # type: ignore[arg-type]
        trainer.train()
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == (2 if warns else 0)
    if warns:
        assert "takes 38 times as long as in float32 (measured); --set optimisation.dtype=float32" in messages[0]
        assert "the first step took 0.0 s in bfloat16; 1800 will take" in messages[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flags\t\t: fpu avx2 avx512_bf16\n", True),
        ("flags\t\t: fpu avx2 avx512f\nflags : avx512_bf16", False),
        ("Features\t: fp asimd bf16\n", True),
        ("model name : x\n", None),
    ],
)
def test_the_processor_says_what_it_multiplies(
    text: str, expected: bool | None, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(instructions, "_CPUINFO", tmp_path / "cpuinfo")
    assert multiplies_bfloat16() is expected
