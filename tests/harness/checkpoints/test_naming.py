"""Names of checkpoints: two that a trainer called the same are told apart, and a chosen one is no more than a name."""

from pathlib import Path

import pytest

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.naming import local_name, renamed, told_apart
from harness.checkpoints.scan import CheckpointError
from tests.support.fakes import write_checkpoint
from tests.support.hub_cache import write_snapshot


def opened(root: Path, *places: str) -> list[Checkpoint]:
    return [open_checkpoint(str(write_checkpoint(root / place, seed=k))) for k, place in enumerate(places)]


def names(checkpoints: tuple[Checkpoint, ...]) -> list[str]:
    return [each.record.name for each in checkpoints]


def test_a_number_is_named_with_its_training(tmp_path: Path) -> None:
    places = ("sft/checkpoint-500", "grpo/checkpoint-500", "grpo/step-000500", "grpo/epoch_3", "grpo/final")
    wanted = ["sft--checkpoint-500", "grpo--checkpoint-500", "grpo--step-000500", "grpo--epoch_3", "final"]
    assert [each.record.name for each in opened(tmp_path, *places)] == wanted


def test_folders_of_one_name_get_as_much_of_their_path_as_they_need(tmp_path: Path) -> None:
    checkpoints = opened(tmp_path, "a/model", "b/model", "c", "x/run/checkpoint-5", "y/run/checkpoint-5")
    wanted = ["a--model", "b--model", "c", "x--run--checkpoint-5", "y--run--checkpoint-5"]
    assert names(told_apart(checkpoints)) == wanted
    assert names(told_apart(checkpoints[:1])) == ["model"]
    again = open_checkpoint(str(tmp_path / "a/model"))
    assert names(told_apart([checkpoints[0], again])) == ["model", "model"]


def test_a_shipped_or_cached_checkpoint_keeps_its_name(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "nano-base")
    pair = [open_checkpoint("nano:base"), open_checkpoint(str(folder))]
    assert names(told_apart(pair)) == ["nano-base", f"{tmp_path.name}--nano-base"]
    snapshot = write_snapshot(tmp_path / "hub", "owner/name", write_checkpoint(tmp_path / "model"))
    assert local_name(snapshot) == "owner--name-aaaaaaaa"


def test_a_name_holds_no_path_and_is_not_endless(tmp_path: Path) -> None:
    assert local_name(Path("/")) == ""
    assert len(local_name(Path("/" + "/".join(["x" * 100] * 4)), 4)) == 150


def test_a_chosen_name_is_a_name(tmp_path: Path) -> None:
    one, two = opened(tmp_path, "a", "b")
    chosen = renamed([one, two], ["SFT, 1e-5".replace(",", ""), "grpo_v2.1"])
    assert names(chosen) == ["SFT 1e-5", "grpo_v2.1"]
    assert chosen[0].record.weights_digest == one.record.weights_digest
    with pytest.raises(CheckpointError, match="--name: 1 names for 2 tuned checkpoints"):
        renamed([one, two], ["a"])
    for name in ("", "../x", "a/b", "Qwen/Qwen3", "a\nb", "<b>", "x\u202e", "\u0430", ".hidden", "-x", "x ", "x" * 101):
        with pytest.raises(CheckpointError, match="not a name; use up to 100 letters") as caught:
            renamed([one], [name])
        assert str(caught.value).isprintable()
    with pytest.raises(CheckpointError, match="same: the name of several checkpoints; give each its own"):
        told_apart(renamed([one, two], ["same", "same"]))
