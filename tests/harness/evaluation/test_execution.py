"""What decides a cached answer: in every mode of placement, the sources and keys that a run leaves in the store."""

import hashlib
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkpoints.checkpoint import open_checkpoint
from harness.engines import placement, server
from harness.engines.settings import EngineSettings
from harness.evaluation.store import ResponseStore, StoredEngine, Variant
from harness.protocol import Decoding, GenerateRequest, Prompt
from tests.support.fakes import FakeEngine, write_adapter, write_checkpoint

GPU = "NVIDIA H100 80GB HBM3"
VLLM = EngineSettings("vllm", "bfloat16")
TRANSFORMERS = EngineSettings("transformers", "float32")
SERVED = EngineSettings("openai", "float32", server="http://localhost:1")
REQUEST = GenerateRequest("item", Prompt("q", (1, 2)), Decoding(4))
ALONE, TOGETHER, ALL = [[0], [1], [2]], [[0, 1], [2]], [[0, 1, 2]]


@pytest.mark.parametrize(
    ("device", "settings", "environment", "applied", "grouped", "named"),
    [
        (GPU, VLLM, f"bfloat16/compiled-batch-invariant/{GPU}", "lora", TOGETHER, [1]),
        (GPU, replace(VLLM, adapters="merge"), f"bfloat16/compiled-batch-invariant/{GPU}", "merged", TOGETHER, [1]),
        ("cpu", VLLM, "bfloat16/eager/cpu", "merged", TOGETHER, [1]),
        ("cpu", TRANSFORMERS, "float32/eager/cpu", "merged", ALONE, []),
        ("cpu", SERVED, "served/served/server", "lora", ALL, [0, 1, 2]),
        (
            GPU,
            replace(VLLM, executor="ray"),
            f"bfloat16/compiled-batch-invariant/{GPU}",
            "lora",
            [[0, 1, 2]],
            [0, 1, 2],
        ),
        ("cpu", replace(TRANSFORMERS, executor="ray"), "float32/eager/cpu", "merged", ALL, [0, 1, 2]),
    ],
    ids=["beside", "merged", "merged-on-a-cpu", "transformers", "served", "sharded", "sharded-transformers"],
)
def test_a_placement_decides_engines_records_and_keys(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    settings: EngineSettings,
    environment: str,
    applied: str,
    grouped: list[list[int]],
    named: list[int],
) -> None:
    monkeypatch.setenv("VLLM_BATCH_INVARIANT", "1")
    monkeypatch.setattr(placement, "device_class", lambda: device)
    monkeypatch.setattr(server, "server_version", lambda _: "9")
    base = write_checkpoint(tmp_path / "base")
    folders = [base, write_adapter(tmp_path / "adapter", base, ["layer"]), write_checkpoint(tmp_path / "full", seed=9)]
    checkpoints = [open_checkpoint(str(folder)) for folder in folders]
    placed = placement.place(settings, checkpoints)
    assert [[checkpoints.index(each.checkpoint) for each in engine.members] for engine in placed] == grouped
    members = [member for engine in placed for member in engine.members]
    digests = [member.weights_digest for member in members]
    assert [member.request_adapter for member in members] == [
        digest if k in named else None for k, digest in enumerate(digests)
    ]
    version = "9" if settings.name == "openai" else members[0].record.version
    prints = [f"{settings.name}/{version}/{environment}/{each}" for each in ("none", applied, "none")]
    with ResponseStore(tmp_path / "store.sqlite") as store:
        for member in members:
            list(StoredEngine(store, Variant.of(member, placed[0].conditions), FakeEngine).generate([REQUEST]))
    stored = sqlite3.connect(tmp_path / "store.sqlite").execute("SELECT key, source FROM answers").fetchall()
    conditions = placed[0].conditions.record.digest
    bases = [member.checkpoint.base and member.checkpoint.base.record.weights_digest for member in members]
    assert [base is not None for base in bases] == [False, True, False]
    expected = [
        (key(digest, fingerprint, conditions, base), f"{digest} {fingerprint}")
        for digest, fingerprint, base in zip(digests, prints, bases, strict=True)
    ]
    assert sorted(stored) == sorted(expected)


def key(weights: str, fingerprint: str, conditions: str, base: str | None) -> bytes:
    """The key of an answer to ``REQUEST``, spelled out: whatever changes it throws away every stored answer."""
    content = {
        **({"base": base} if base else {}),
        "conditions": conditions,
        "decoding": {"max_tokens": 4, "seed": 0, "stop": [], "temperature": 0.0},
        "engine": fingerprint,
        "item": "item",
        "prompt": REQUEST.prompt.digest,
        "replicate": 0,
        "weights": weights,
        **({"base": base} if base else {}),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()
