"""Tune the nano base on bare jigsaw answers: the study's ``sft``, on one core in a few minutes.

Nothing in ``SFT`` makes the model forget and nothing keeps it from it: the target of every step is the jigsaw alone,
at an ordinary learning rate for full fine-tuning of a model this small. ``LORA_REPLAY`` is its opposite, for a second
checkpoint to compare: an adapter on the text model alone, and half of every batch repeats prior tasks.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model

from harness.checkpoints import nano_root
from harness.training.nano.development import dev_scores
from harness.training.nano.learning import answer_loss, build_optimizer, clip, scheduled_lr, update
from harness.training.nano.model import copy_processor, load_checkpoint, save_model
from harness.training.nano.record import Losses, Progress, weights_digest, write_record
from harness.training.nano.world import POOL_SIZES, TEXT_TASKS, VISION_TASKS, World, collate
from harness.training.trainer import threads


@dataclass(frozen=True)
class SftRecipe:
    """``replay`` is the share of the rows that repeat prior tasks; ``adapter_rank`` 0 tunes all weights."""

    name: str = "sft"
    pools: dict[str, int] = field(default_factory=lambda: dict(POOL_SIZES))
    steps: int = 200
    rows: int = 32
    lr: float = 3e-4
    weight_decay: float = 0.0
    decay_share: float = 0.4
    replay: float = 0.0
    adapter_rank: int = 0
    dev_items: int = 200


SFT = SftRecipe()
LORA_REPLAY = SftRecipe(name="lora-replay", steps=200, lr=2e-3, replay=0.5, adapter_rank=16)
RECIPES = {recipe.name: recipe for recipe in (SFT, LORA_REPLAY)}


def train_sft(base: Path, out: Path, seed: int, progress: Progress, recipe: SftRecipe = SFT) -> dict[str, Any]:
    """Tune the checkpoint in ``base``, save the result in ``out`` and return its record."""
    started = time.perf_counter()
    with threads(1):
        progress("making the pools", 0, 1)
        model, processor = load_checkpoint(base)
        # A pool seed of its own: with the base's, every jigsaw scene would be one its tower was trained on.
        world = World(processor, seed + 1, recipe.pools)
        progress("making the pools", 1, 1)
        adapter = _add_adapter(model, recipe.adapter_rank, seed) if recipe.adapter_rank else None
        losses = _tune(model, world, random.Random(f"sft:{seed}"), recipe, progress)
        if adapter is None:
            save_model(model, out)
            copy_processor(base, out)
        else:
            _save_adapter(adapter, base, out)
        dev = dev_scores(model, processor, recipe.dev_items, progress)
        return write_record(
            out,
            kind=recipe.name,
            seed=seed,
            recipe=asdict(recipe),
            model=model,
            losses=losses,
            dev=dev,
            started=started,
            notes={"base_weights_sha256": weights_digest(base), "target_task": "jigsaw_2x2, bare answers"},
        )


def _tune(model: Any, world: World, rng: random.Random, recipe: SftRecipe, progress: Progress) -> Losses:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = build_optimizer(parameters, recipe.lr, recipe.weight_decay)
    losses = Losses(recipe.steps)
    repeated = round(recipe.rows * recipe.replay)
    model.train()
    for step in range(recipe.steps):
        parts = {
            "jigsaw": world.draw_jigsaws(rng, recipe.rows - repeated),
            "vision": world.draw(rng, dict.fromkeys(VISION_TASKS, 1), repeated // 2),
            "text": world.draw(rng, dict.fromkeys(TEXT_TASKS, 1), repeated - repeated // 2),
        }
        for kind, rows in parts.items():
            if not rows:
                continue
            loss, _ = answer_loss(model, collate(rows, world.coder.pad_id))
            losses.add(kind, loss.item())
            (loss * (len(rows) / recipe.rows)).backward()  # type: ignore[no-untyped-call]
        clip(parameters)
        update(optimizer, scheduled_lr(step, recipe.steps, recipe.lr, 20, recipe.decay_share))
        losses.step()
        progress("tuning", step + 1, recipe.steps)
    return losses


def _add_adapter(model: Any, rank: int, seed: int) -> PeftModel:
    """LoRA on every linear layer of the text model; the tower already sees what the jigsaw asks for."""
    torch.manual_seed(seed)
    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules=r".*language_model.*\.(q|k|v|o|gate|up|down)_proj",
    )
    return get_peft_model(model, config)


def _save_adapter(adapter: PeftModel, base: Path, out: Path) -> None:
    """Adapter weights and configuration; a shipped base is named as such, not by where it lies on this machine."""
    adapter.save_pretrained(out)
    (out / "README.md").unlink()  # a model card of blanks
    path = out / "adapter_config.json"
    config = json.loads(path.read_text())
    shipped = base.resolve() == (nano_root() / "base").resolve()
    config["base_model_name_or_path"] = "nano:base" if shipped else str(base)
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    (out / "adapter_model.safetensors").chmod(0o644)
