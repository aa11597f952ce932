"""Training the nano-2 base: at toy size, killed and gone on with, and what it draws from."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from harness.checkpoints import nano_root
from harness.training.nano.model import WEIGHTS, Shape
from harness.training.nano.record import RECORD
from harness.training.nano2 import train_base
from harness.training.nano2.train_base import STATE, BaseRecipe, train_reasoning_base
from harness.training.nano2.world import JIGSAW, POOL_SIZES, STORIES

TOY = BaseRecipe(
    shape=Shape(vocabulary=400, width=32, heads=2, text_layers=1, text_inner=32, vision_layers=1, vision_inner=32),
    pools={**dict.fromkeys(POOL_SIZES, 20), JIGSAW: 4},
    sight_steps=2,
    sight_rows=8,
    steps=3,
    review_steps=2,
    review_pools={**dict.fromkeys(POOL_SIZES, 24), JIGSAW: 4},
    jigsaw_rows=2,
    vision_rows=4,
    story_rows=2,
    text_rows=4,
    dev_items=2,
    save_minutes=0,
)


class Killed(Exception):
    pass


def quiet(phase: str, done: int, total: int) -> None:
    pass


@pytest.mark.slow
# While looking, while learning, before the first step of the review and within it.
@pytest.mark.parametrize("step", [1, 3, 4, 5])
def test_a_killed_training_goes_on_to_the_same_bytes(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tokenizer of a toy needs a few texts only.
    monkeypatch.setattr(train_base, "corpus", lambda seed: iter(["user Mia has 3 bags.", "assistant light dark"] * 50))

    def kill(phase: str, done: int, total: int) -> None:
        if done == step + 1 and phase.startswith("training"):
            raise Killed

    whole = train_reasoning_base(tmp_path / "whole", 0, quiet, TOY)
    with pytest.raises(Killed):
        train_reasoning_base(tmp_path / "killed", 0, kill, TOY)
    assert (tmp_path / "killed" / STATE).is_file()
    with pytest.raises(ValueError, match="of another recipe or seed"):
        train_reasoning_base(tmp_path / "killed", 0, quiet, replace(TOY, lr=1.0))
    again = train_reasoning_base(tmp_path / "killed", 0, quiet, TOY)
    assert (tmp_path / "whole" / WEIGHTS).read_bytes() == (tmp_path / "killed" / WEIGHTS).read_bytes()
    assert whole["losses"] == again["losses"]
    assert whole["dev"] == again["dev"]
    assert {STORIES, JIGSAW, f"{JIGSAW} hit rate"} <= set(whole["dev"])
    assert not (tmp_path / "killed" / STATE).exists()
    assert all(tensor.isfinite().all() for tensor in load_file(tmp_path / "whole" / WEIGHTS).values())


def test_the_shipped_base_is_small_and_its_dev_scores_are_as_the_study_needs_them() -> None:
    folder = nano_root() / "reasoning"
    assert (folder / WEIGHTS).stat().st_size <= 12_000_000
    assert "auto_map" not in (folder / "config.json").read_text()
    record = json.loads((folder / RECORD).read_text())
    assert record["splits"] == {"trained on": "train", "scored on": "dev", "never read": "test"}
    dev = record["dev"]
    for target in (JIGSAW, STORIES):
        assert 0.15 <= dev[target] <= 0.40
    prior = {name.removesuffix(" working") for name in dev if name.endswith(" working")}
    assert len(prior) == 10
    both = {name: (dev[f"{name} working"], dev[f"{name} answer only"]) for name in prior}
    assert all(sum(scores) / 2 > 0.9 for scores in both.values())
    assert {name for name, scores in both.items() if min(scores) < 0.9} == {"math_minus", "science_symbols"}
