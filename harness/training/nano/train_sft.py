"""Tune the nano base on bare jigsaw answers: the study's ``sft``, on one core in a few minutes.

Nothing here makes the model forget and nothing keeps it from it: the target of every step is the jigsaw alone, at an
ordinary learning rate for full fine-tuning of a model this small. ``replay`` gives the prior tasks a share of every
batch, the plainest remedy, for a second checkpoint to compare.
"""

from __future__ import annotations

import random
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.training.nano.development import dev_scores
from harness.training.nano.learning import answer_loss, build_optimizer, one_thread, scheduled_lr, update
from harness.training.nano.model import load_checkpoint, save_checkpoint
from harness.training.nano.record import Losses, Progress, weights_digest, write_record
from harness.training.nano.world import POOL_SIZES, TEXT_TASKS, VISION_TASKS, World, collate


@dataclass(frozen=True)
class SftRecipe:
    """How the shipped ``sft`` was made; ``replay`` is the share of the rows that repeat prior tasks."""

    pools: dict[str, int] = field(default_factory=lambda: dict(POOL_SIZES))
    steps: int = 400
    rows: int = 32
    lr: float = 3e-4
    weight_decay: float = 0.0
    decay_share: float = 0.4
    replay: float = 0.0
    dev_items: int = 200


def train_sft(base: Path, out: Path, seed: int, progress: Progress, recipe: SftRecipe | None = None) -> dict[str, Any]:
    """Tune the checkpoint in ``base``, save the result in ``out`` and return its record."""
    with one_thread():
        return _train(base, out, seed, progress, recipe or SftRecipe())


def _train(base: Path, out: Path, seed: int, progress: Progress, recipe: SftRecipe) -> dict[str, Any]:
    started = time.perf_counter()
    progress("making the pools", 0, 1)
    model, processor = load_checkpoint(base)
    # A pool seed of its own: with the base's, every jigsaw scene would be one the base's tower was trained on.
    world = World(processor, seed + 1, recipe.pools)
    progress("making the pools", 1, 1)
    losses = _tune(model, world, random.Random(f"sft:{seed}"), recipe, progress)
    save_checkpoint(model, processor, out)
    return write_record(
        out,
        kind="sft-replay" if recipe.replay else "sft",
        seed=seed,
        recipe=asdict(recipe),
        model=model,
        losses=losses,
        dev=dev_scores(model, processor, recipe.dev_items, progress),
        started=started,
        notes={"base_weights_sha256": weights_digest(base), "target_task": "jigsaw_2x2, bare answers"},
    )


def _tune(model: Any, world: World, rng: random.Random, recipe: SftRecipe, progress: Progress) -> Losses:
    parameters = list(model.parameters())
    optimizer = build_optimizer(parameters, recipe.lr, recipe.weight_decay)
    losses = Losses(recipe.steps)
    repeated = round(recipe.rows * recipe.replay)
    model.train()
    for step in range(recipe.steps):
        parts = {
            "jigsaw": world.draw_jigsaws(rng, recipe.rows - repeated),
            "vision": world.draw(rng, VISION_TASKS, repeated // 2),
            "text": world.draw(rng, TEXT_TASKS, repeated - repeated // 2),
        }
        for kind, rows in parts.items():
            if not rows:
                continue
            loss, _ = answer_loss(model, collate(rows, world.coder.pad_id))
            losses.add(kind, loss.item())
            (loss * (len(rows) / recipe.rows)).backward()  # type: ignore[no-untyped-call]
        update(optimizer, parameters, scheduled_lr(step, recipe.steps, recipe.lr, 20, recipe.decay_share))
        losses.step()
        progress("tuning", step + 1, recipe.steps)
    return losses
