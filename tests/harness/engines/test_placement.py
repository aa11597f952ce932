"""Choosing and describing an engine, without starting one."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkpoints.checkpoint import open_checkpoint
from harness.engines import placement, settings
from harness.engines.settings import EngineError, EngineSettings
from tests.support.fakes import write_adapter, write_checkpoint
from tests.support.toys import write_peft, write_toy


def pretend(monkeypatch: pytest.MonkeyPatch, *installed: str) -> None:
    monkeypatch.setattr(settings.importlib.util, "find_spec", lambda name: name if name in installed else None)


def test_vllm_is_preferred_when_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "torch", "transformers", "vllm")
    assert settings.choose(None) == "vllm"
    pretend(monkeypatch, "torch", "transformers")
    assert settings.choose(None) == "transformers"


def test_a_missing_engine_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "torch", "transformers")
    with pytest.raises(EngineError, match=r"engine vllm: not installed; .*\[vllm\].*, or use --engine transformers"):
        settings.choose("vllm")
    pretend(monkeypatch, "vllm")
    with pytest.raises(EngineError, match="no engine installed; run `pip install"):
        settings.choose(None)


def test_a_description_imports_nothing_heavy() -> None:
    program = """
import sys
from harness.engines import placement, settings
from harness.checkpoints.checkpoint import open_checkpoint
settings = settings.EngineSettings(name=settings.choose("vllm"), dtype="float32")
print(placement.describe(settings, open_checkpoint("nano:base")).fingerprint)
heavy = {"torch", "vllm", "transformers"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("vllm/0.")


def test_dtype_and_adapter_are_part_of_the_fingerprint() -> None:
    base = open_checkpoint("nano:base")
    prints = {
        placement.describe(EngineSettings(name=name, dtype=dtype), base).fingerprint
        for name in settings.NAMES
        for dtype in ("float32", "bfloat16")
    }
    assert len(prints) == 4


@pytest.mark.parametrize(
    ("capability", "stated", "mode"),
    [
        ("9.0", None, "compiled-batch-invariant"),
        ("7.5", None, "compiled"),
        ("9.0", "0", "compiled"),
    ],
)
def test_a_gpu_and_its_batch_invariant_mode_are_part_of_the_fingerprint(
    monkeypatch: pytest.MonkeyPatch, capability: str, stated: str | None, mode: str
) -> None:
    said = {"--query-gpu=name": "NVIDIA H100 80GB HBM3\n", "--query-gpu=compute_cap": f"{capability}\n"}
    monkeypatch.setattr(placement.shutil, "which", lambda _: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(
        placement.subprocess, "run", lambda query, **_: subprocess.CompletedProcess([], 0, stdout=said[query[1]])
    )
    monkeypatch.delenv("VLLM_BATCH_INVARIANT", raising=False)
    if stated is not None:
        monkeypatch.setenv("VLLM_BATCH_INVARIANT", stated)
    assert placement.device_class() == "NVIDIA H100 80GB HBM3"
    assert placement.default_dtype("NVIDIA H100 80GB HBM3") == "bfloat16"
    record = placement.describe(EngineSettings(name="vllm", dtype="bfloat16"), open_checkpoint("nano:base"))
    assert (record.mode, record.device) == (mode, "NVIDIA H100 80GB HBM3")


def test_an_unknown_engine_lists_what_there_is() -> None:
    with pytest.raises(
        EngineError, match="engine nothing: unknown; there are vllm, transformers, openai and lm-eval:NAME"
    ):
        settings.choose("nothing")
    assert settings.choose("openai") == "openai"
    assert settings.choose("lm-eval:hf") == "lm-eval:hf"


def test_adapters_are_merged_on_a_cpu_and_applied_beside_the_base_on_a_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = write_checkpoint(tmp_path / "base")
    other = open_checkpoint(str(write_checkpoint(tmp_path / "full", seed=9)))
    one, two = (open_checkpoint(str(write_adapter(tmp_path / f"a{k}", base, ["layer"], seed=k))) for k in range(2))
    checkpoints = [open_checkpoint(str(base)), one, other, two]
    settings = EngineSettings(name="vllm", dtype="bfloat16")
    shared, alone = placement.place(settings, checkpoints)
    assert [each.record.adapter for each in shared.members] == ["none", "merged", "merged"]
    assert [each.checkpoint for each in (*shared.members, *alone.members)] == [checkpoints[0], one, two, other]
    assert shared.root == checkpoints[0]
    assert shared.alone(*shared.members[1:]).root == one
    assert shared.co_scheduled(shared.members[0]) == []
    monkeypatch.setattr(placement, "device_class", lambda: "NVIDIA H100 80GB HBM3")
    shared, alone = placement.place(settings, checkpoints)
    base_member, *beside = shared.members
    assert [each.record.adapter for each in shared.members] == ["none", "lora", "lora"]
    assert [each.checkpoint for each in (*shared.members, *alone.members)] == [checkpoints[0], one, two, other]
    assert shared.alone(beside[1]).root == checkpoints[0]
    assert shared.alone(beside[1]).record == base_member.record
    assert shared.co_scheduled(base_member) == beside
    forced = EngineSettings(name="transformers", dtype="bfloat16", adapters="lora")
    with pytest.raises(EngineError, match="engine transformers has no adapter kernels; use --adapters merge"):
        placement.place(forced, [one])


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"rank_pattern": {"layer": 8}}, "rank_pattern"),
        ({"r": 1024}, "rank 1024"),
        ({"bias": "all"}, "bias"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights pissa"),
        ({"peft_type": "LOHA"}, "peft_type LOHA"),
    ],
)
def test_what_adapter_kernels_would_leave_out_is_named(tmp_path: Path, change: dict[str, object], part: str) -> None:
    folder = write_adapter(tmp_path / "a", write_checkpoint(tmp_path / "base"), ["layer"])
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | change))
    settings = EngineSettings(name="vllm", dtype="float32", adapters="lora")
    with pytest.raises(EngineError, match=f"leave out these parts of the adapter: {part}; use --adapters merge"):
        placement.describe(settings, open_checkpoint(str(folder)))


def test_an_untied_model_is_refused_where_vllm_ties_whatever_it_says(tmp_path: Path) -> None:
    base = write_toy(tmp_path / "gemma2", "gemma2")
    from peft import LoraConfig

    opened = open_checkpoint(str(base))
    plain, head = (
        open_checkpoint(str(write_peft(tmp_path / target, base, LoraConfig(r=4, target_modules=[target]))), opened)
        for target in ("q_proj", "embed_tokens")
    )
    vllm = EngineSettings(name="vllm", dtype="float32")
    assert len(placement.place(vllm, [opened, plain])) == 1
    with pytest.raises(EngineError, match=r"embed_tokens: its output embedding differs .* use --engine transformers"):
        placement.place(vllm, [opened, head])
    assert len(placement.place(EngineSettings(name="transformers", dtype="float32"), [opened, head])) == 2


def test_an_adapter_that_changes_the_models_tensors_has_an_engine_of_its_own(tmp_path: Path) -> None:
    base = write_toy(tmp_path / "llama", "llama-tied")
    from peft import LoraConfig

    opened = open_checkpoint(str(base))
    plain, head = (
        open_checkpoint(str(write_peft(tmp_path / target, base, LoraConfig(r=4, target_modules=[target]))), opened)
        for target in ("q_proj", "lm_head")
    )
    first, second = placement.place(EngineSettings(name="vllm", dtype="float32"), [opened, plain, head])
    assert [each.checkpoint.record.name for each in first.members] == ["llama", "q_proj"]
    assert [(each.checkpoint.record.name, each.merged) for each in second.members] == [("lm_head", True)]


def test_an_output_embedding_is_merged_where_kernels_would_drop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placement, "device_class", lambda: "NVIDIA H100 80GB HBM3")
    base = write_toy(tmp_path / "llama", "llama")
    from peft import LoraConfig

    opened = open_checkpoint(str(base))
    config = LoraConfig(r=4, target_modules=["q_proj", "lm_head"])
    adapter = open_checkpoint(str(write_peft(tmp_path / "adapter", base, config)), opened)
    settings = EngineSettings(name="vllm", dtype="bfloat16")
    (placed,) = placement.place(settings, [opened, adapter])
    assert [each.record.adapter for each in placed.members] == ["none", "merged"]
    with pytest.raises(EngineError, match="leave out these parts of the adapter: lm_head"):
        placement.place(replace(settings, adapters="lora"), [opened, adapter])
