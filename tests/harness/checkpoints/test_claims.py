"""The base of an adapter is the one that is named; what its configuration claims is recorded, or refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from harness.checkpoints.checkpoint import Checkpoint, CheckpointError, open_checkpoint
from tests.support.fakes import write_adapter, write_checkpoint


@pytest.fixture
def base(tmp_path: Path) -> Checkpoint:
    return open_checkpoint(str(write_checkpoint(tmp_path / "base")))


def claiming(folder: Path, base: Checkpoint, claim: Any, **fields: Any) -> Path:
    adapter = write_adapter(folder, base.path, ["layer"])
    config = json.loads((adapter / "adapter_config.json").read_text())
    config |= {"base_model_name_or_path": claim, **fields}
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    return adapter


@pytest.mark.parametrize(
    ("claim", "recorded"),
    [
        (None, None),
        ("", None),
        (7, None),
        ("owner/model", "owner/model"),
        ("unsloth/model-bnb-4bit", "unsloth/model-bnb-4bit"),
        ("/of/another/machine/model-7b", "model-7b"),
        ("~nobody/models/x", "x"),
        ("../out/base", "../out/base"),
        ("x" * 10_000, "x" * 200),
        ("zero\0byte", "zero\ufffdbyte"),
        ("base", None),
    ],
)
def test_a_claim_that_is_not_found_here_is_recorded(
    base: Checkpoint, tmp_path: Path, claim: Any, recorded: str | None
) -> None:
    opened = open_checkpoint(str(claiming(tmp_path / "adapter", base, claim)), base)
    assert opened.base is base
    assert opened.record.base == base.record
    assert opened.record.claimed_base == recorded


def test_a_claim_of_the_same_weights_passes(base: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(base.path, copy)
    (copy / "generation_config.json").write_text("{}")
    spread = tmp_path / "spread"
    shutil.copytree(base.path, spread)
    tensors = load_file(spread / "model.safetensors")
    (spread / "model.safetensors").unlink()
    shards = {name: f"model-{number}.safetensors" for number, name in enumerate(tensors)}
    for name, shard in shards.items():
        save_file({name: tensors[name]}, spread / shard)
    (spread / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    for number, (claim, recorded) in enumerate(
        [(str(base.path), None), ("base", None), ("./base", None), (str(copy), "copy"), ("../copy", "../copy"),
         (str(spread), "spread"), (str(base.path / ".." / "base"), None)]
    ):  # fmt: skip
        opened = open_checkpoint(str(claiming(tmp_path / f"a{number}", base, claim)), base)
        assert (opened.base, opened.record.claimed_base) == (base, recorded)


def test_a_claim_of_other_weights_is_refused(base: Checkpoint, tmp_path: Path) -> None:
    other = write_checkpoint(tmp_path / "other", seed=1)
    wider = write_checkpoint(tmp_path / "wider", words=("a", "b", "c"))
    nudged = tmp_path / "nudged"
    shutil.copytree(base.path, nudged)
    tensors = load_file(nudged / "model.safetensors")
    tensors["model.layers.0.mlp.up_proj.weight"][3, 3] += np.float32(1e-3)
    save_file(tensors, nudged / "model.safetensors")
    for number, claim in enumerate((other, wider, nudged)):
        adapter = claiming(tmp_path / f"a{number}", base, str(claim))
        with pytest.raises(CheckpointError, match=r"weights are not those of .*base; evaluate the adapter on the base"):
            open_checkpoint(str(adapter), base)
        assert open_checkpoint(str(adapter)).base is not None
    with pytest.raises(CheckpointError, match="names nano:base, whose weights are not those of"):
        open_checkpoint(str(claiming(tmp_path / "nano", base, "nano:base")), base)


def test_a_claim_of_a_quantised_copy_or_of_no_checkpoint_is_recorded(base: Checkpoint, tmp_path: Path) -> None:
    packed = write_checkpoint(tmp_path / "packed-bnb-4bit", seed=1)
    config = json.loads((packed / "config.json").read_text())
    (packed / "config.json").write_text(json.dumps(config | {"quantization_config": {"quant_method": "bitsandbytes"}}))
    (broken := tmp_path / "broken").mkdir()
    (broken / "model.safetensors").write_bytes(b"\xff" * 20)
    (broken / "config.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    another = write_adapter(tmp_path / "another", base.path, ["layer"])
    for number, claim in enumerate((packed, broken, tmp_path / "empty", another)):
        opened = open_checkpoint(str(claiming(tmp_path / f"a{number}", base, str(claim))), base)
        assert opened.record.claimed_base == claim.name


def test_a_cached_repository_is_held_against_the_base(
    base: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = write_checkpoint(tmp_path / "snapshot", seed=1)
    asked: list[tuple[str, str | None]] = []

    def cached(repo: str, name: str, revision: str | None = None) -> str:
        asked.append((repo, revision))
        return str(snapshot / name)

    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", cached)
    adapter = claiming(tmp_path / "a", base, "owner/model", revision="b" * 40)
    with pytest.raises(CheckpointError, match="names owner/model, whose weights are not those of"):
        open_checkpoint(str(adapter), base)
    assert asked == [("owner/model", "b" * 40)]


def test_the_base_is_a_full_checkpoint(base: Checkpoint, tmp_path: Path) -> None:
    first, second = (write_adapter(tmp_path / name, base.path, ["layer"]) for name in ("first", "second"))
    with pytest.raises(CheckpointError, match="its base first is an adapter itself; name a full checkpoint"):
        open_checkpoint(str(second), open_checkpoint(str(first)))


def test_without_a_base_the_claim_is_opened(base: Checkpoint, tmp_path: Path) -> None:
    opened = open_checkpoint(str(claiming(tmp_path / "a", base, str(base.path))))
    assert opened.record.claimed_base is None
    assert opened.base is not None
    assert opened.base.record == base.record
    with pytest.raises(CheckpointError, match="base_model_name_or_path is missing; name the base"):
        open_checkpoint(str(claiming(tmp_path / "b", base, None)))


def test_a_base_is_not_needed_for_a_full_checkpoint(base: Checkpoint, tmp_path: Path) -> None:
    full = open_checkpoint(str(write_checkpoint(tmp_path / "full", seed=1)), base)
    assert (full.base, full.record.base, full.record.claimed_base) == (None, None, None)
