"""Checkpoints along a training, made from the state that a trainer saved; and which state is gone on from."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.training.model import TrainingError
from harness.training.recipe import load_recipe
from harness.training.record import BaseModelRecord, DataRecord, TrainingRecord, record_of
from harness.training.saving import STATE_FOLDER, keep_step, last_state, mark_state, wall_before
from tests.support.fakes import write_llama


@pytest.fixture
def base(tmp_path: Path) -> Checkpoint:
    """A language model whose weights are bfloat16, as published ones are."""
    folder = write_llama(tmp_path / "base")
    tensors = load_file(folder / "model.safetensors")
    save_file({name: tensor.bfloat16() for name, tensor in tensors.items()}, folder / "model.safetensors")
    (folder / "LICENSE").write_text("yours")
    return open_checkpoint(str(folder))


@pytest.fixture
def state(base: Checkpoint, tmp_path: Path) -> Path:
    """What a trainer leaves: float32 weights in two files, and files of its own."""
    folder = tmp_path / "out" / STATE_FOLDER / "checkpoint-7"
    folder.mkdir(parents=True)
    tensors = load_file(base.path / "model.safetensors")
    for part, names in enumerate((sorted(tensors)[::2], sorted(tensors)[1::2]), start=1):
        save_file(
            {name: tensors[name].float() + 1 for name in names}, folder / f"model-{part:05d}-of-00002.safetensors"
        )
    (folder / "optimizer.pt").write_bytes(b"state")
    (folder / "tokenizer.json").write_text("{}")
    return folder


def record(base: Checkpoint) -> TrainingRecord:
    return record_of(
        load_recipe("nano-math", "sft"),
        BaseModelRecord(name="base", weights_digest=base.record.weights_digest),
        DataRecord(source="nano-math", digest="0" * 64, examples=1),
        step=7,
        tokens=10,
        target_tokens=5,
        parameters=3,
        trained_parameters=3,
        curve=({"step": 1.0, "loss": 2.0},),
        wall_seconds=1.5,
        device="cpu",
        threads=1,
    )


def test_a_kept_step_is_like_its_base_but_for_the_weights(base: Checkpoint, state: Path, tmp_path: Path) -> None:
    kept = open_checkpoint(str(keep_step(state, base, tmp_path / "out", record(base), 7)))
    assert kept.path.name == "step-000007"
    assert kept.record.tokenizer_digest == base.record.tokenizer_digest
    assert kept.record.architecture == base.record.architecture
    for name, digest in base.record.files.items():
        assert name == "model.safetensors" or kept.record.files[name] == digest
    before, after = load_file(base.path / "model.safetensors"), {}
    for path in kept.path.glob("*.safetensors"):
        after |= load_file(path)
    assert set(after) == set(before)
    for name, tensor in after.items():
        assert tensor.dtype == torch.bfloat16
        assert torch.equal(tensor, (before[name].float() + 1).bfloat16())
    assert not (kept.path / "optimizer.pt").exists()


def test_several_files_of_weights_have_an_index_that_libraries_read(
    base: Checkpoint, state: Path, tmp_path: Path
) -> None:
    from harness.engines.merge import load_merged

    kept = open_checkpoint(str(keep_step(state, base, tmp_path / "out", record(base), 7)))
    index = json.loads((kept.path / "model.safetensors.index.json").read_text())
    assert len(set(index["weight_map"].values())) == 2
    model = load_merged(kept, "float32")
    wanted = load_file(base.path / "model.safetensors")["model.norm.weight"].float() + 1
    assert torch.allclose(dict(model.named_parameters())["model.norm.weight"], wanted, atol=0.01)


def test_the_same_state_gives_the_same_checkpoint(base: Checkpoint, state: Path, tmp_path: Path) -> None:
    digests = {
        open_checkpoint(str(keep_step(state, base, tmp_path / name, record(base), 7))).record.weights_digest
        for name in ("a", "b", "a")
    }
    assert len(digests) == 1
    assert not list(tmp_path.glob("*/*.partial"))


def test_a_tensor_that_the_base_has_not_is_an_error_and_leaves_no_checkpoint(
    base: Checkpoint, state: Path, tmp_path: Path
) -> None:
    save_file({"model.extra.weight": torch.zeros(2)}, state / "model-00003-of-00003.safetensors")
    with pytest.raises(TrainingError, match=r"model\.extra\.weight"):
        keep_step(state, base, tmp_path / "out", record(base), 7)
    assert not (tmp_path / "out" / "step-000007").exists()


def test_only_marked_states_count_and_the_newest_is_taken(tmp_path: Path) -> None:
    assert last_state(tmp_path) is None
    assert wall_before(None) == 0
    for step in (9, 10, 100):
        (tmp_path / STATE_FOLDER / f"checkpoint-{step}").mkdir(parents=True)
    for step, seconds in ((9, 1.0), (10, 2.5)):
        mark_state(tmp_path / STATE_FOLDER / f"checkpoint-{step}", seconds)
    newest = last_state(tmp_path)
    assert newest is not None
    assert newest.name == "checkpoint-10"
    assert wall_before(newest) == 2.5
    assert not (tmp_path / STATE_FOLDER / "checkpoint-100").exists()
    shutil.rmtree(newest)
    assert str(last_state(tmp_path)).endswith("checkpoint-9")
