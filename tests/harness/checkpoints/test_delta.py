"""Deltas: how near what is restored lies, that it is the same every time, and whose base it needs."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from harness.checkpoints import checkpoint
from harness.checkpoints.checkpoint import nano_root, open_checkpoint
from harness.checkpoints.delta import restore_delta, restored, write_delta
from harness.checkpoints.scan import CheckpointError

WEIGHTS = "model.safetensors"


def model(folder: Path, seed: int, size: float, **extra: np.ndarray) -> Path:
    """A folder of weights that lie ``size`` from those of seed 0, and of a file that is not weights."""
    drawn = np.random.default_rng(0)
    tensors = {name: drawn.normal(size=shape) for name, shape in (("a", (40, 30)), ("b", (7,)), ("c", (3, 5, 2)))}
    moved = np.random.default_rng(seed)
    weights = {name: (values + size * moved.normal(size=values.shape)) for name, values in tensors.items()}
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: values.astype(np.float32) for name, values in weights.items()} | extra, folder / WEIGHTS)
    (folder / "config.json").write_text("{}")
    return folder


def back(tmp_path: Path, base: Path, tuned: Path) -> dict[str, np.ndarray]:
    write_delta(base, tuned, tmp_path / "some.safetensors")
    shutil.rmtree(tmp_path / "restored", ignore_errors=True)
    restore_delta(tmp_path / "some.safetensors", base, tmp_path / "restored")
    return dict(load_file(tmp_path / "restored" / WEIGHTS))


@given(size=st.sampled_from([0.0, 1e-6, 1e-3, 0.1, 10.0]), seed=st.integers(1, 50))
def test_what_is_restored_lies_within_a_twentieth_of_the_difference(
    tmp_path_factory: pytest.TempPathFactory, size: float, seed: int
) -> None:
    tmp_path = tmp_path_factory.mktemp("delta")
    base, tuned = model(tmp_path / "base", 1, 0.0), model(tmp_path / "tuned", seed, size)
    before, wanted, found = load_file(base / WEIGHTS), load_file(tuned / WEIGHTS), back(tmp_path, base, tuned)
    assert found.keys() == wanted.keys()
    moved, missed = wanted["a"] - before["a"], found["a"] - wanted["a"]
    # A normal distribution in eight equal steps leaves .0374 of its square (J. Max, 1960).
    assert np.square(missed).sum() <= 0.05 * np.square(moved).sum()
    if size == 0:
        assert all((found[name] == before[name]).all() for name in before)


def test_the_file_has_three_bits_a_weight_and_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    base = nano_root() / "reasoning"
    shutil.copytree(base, tmp_path / "tuned")
    weights = load_file(base / WEIGHTS)
    drawn = np.random.default_rng(3)
    tuned = {name: (each + 0.01 * drawn.normal(size=each.shape)).astype(np.float32) for name, each in weights.items()}
    save_file(tuned, tmp_path / "tuned" / WEIGHTS)
    write_delta(base, tmp_path / "tuned", tmp_path / "d.safetensors")
    count = sum(each.size for each in weights.values())
    assert 3 * count / 8 <= (tmp_path / "d.safetensors").stat().st_size <= 3 * count / 8 + 2_000
    for name in ("one", "two"):
        restore_delta(tmp_path / "d.safetensors", base, tmp_path / name)
    one, two = ((tmp_path / name / WEIGHTS).read_bytes() for name in ("one", "two"))
    assert one == two
    assert "training_record.json" not in {path.name for path in (tmp_path / "one").iterdir()}
    assert (tmp_path / "one" / "config.json").read_bytes() == (base / "config.json").read_bytes()


def test_another_base_and_other_tensors_are_refused(tmp_path: Path) -> None:
    base, tuned = model(tmp_path / "base", 1, 0.0), model(tmp_path / "tuned", 1, 0.1)
    write_delta(base, tuned, tmp_path / "d.safetensors")
    with pytest.raises(CheckpointError, match=r"d\.safetensors: its base has other weights than .*tuned"):
        restore_delta(tmp_path / "d.safetensors", tuned, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    odd = model(tmp_path / "odd", 1, 0.1)
    save_file({"a": np.zeros((30, 40), np.float32)}, odd / WEIGHTS)
    with pytest.raises(CheckpointError, match=r"odd/model\.safetensors: its tensors are not those of"):
        write_delta(base, odd, tmp_path / "e.safetensors")
    narrow = model(tmp_path / "narrow", 1, 0.1)
    save_file({"a": np.zeros((40, 30), np.float16)}, narrow / WEIGHTS)
    with pytest.raises(CheckpointError, match="a is F16; a delta is of F32 weights"):
        write_delta(base, narrow, tmp_path / "e.safetensors")


def test_a_shipped_delta_is_opened_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "nano_root", lambda: tmp_path)
    shutil.copytree(nano_root() / "reasoning", tmp_path / "reasoning")
    write_delta(tmp_path / "reasoning", nano_root() / "reasoning", tmp_path / "nano-2-same.safetensors")
    opened = open_checkpoint("nano:nano-2-same")
    assert opened.record.name == "nano-2-same"
    assert opened.record.weights_digest == open_checkpoint("nano:reasoning").record.weights_digest
    assert restored(tmp_path / "nano-2-same.safetensors") == opened.path
    with pytest.raises(CheckpointError, match="there are nano:nano-2-same, nano:reasoning"):
        open_checkpoint("nano:other")


def test_shipped_deltas_are_small_and_restored_from_the_shipped_base() -> None:
    files = sorted(nano_root().glob("*.safetensors"))
    assert files
    assert max(file.stat().st_size for file in files) <= 1_000_000
    assert sum(file.stat().st_size for file in files) <= 12_000_000
    # Each takes half a second.
    for file in files[::8]:
        opened = open_checkpoint(f"nano:{file.stem}")
        assert opened.record.name == file.stem
        assert opened.record.weights_digest != open_checkpoint("nano:reasoning").record.weights_digest
