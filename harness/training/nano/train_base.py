"""Train the nano base: first the eyes (tower and projector under linear heads), then everything on the mixture.

What the base is taught of the jigsaw is written into its record: the form of an answer, and of its content only
which displayed tile belongs top left. The other numbers of its training answers are random. Its tower, though, was
trained to hold every tile's place, so that tuning has something to learn from.
"""

from __future__ import annotations

import random
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.training.nano.development import dev_scores
from harness.training.nano.learning import (
    Sight,
    answer_loss,
    build_optimizer,
    clip,
    scheduled_lr,
    update,
    visual_tokens,
)
from harness.training.nano.model import Shape, build_model, build_processor, build_tokenizer, save_checkpoint
from harness.training.nano.record import Losses, Progress, write_record
from harness.training.nano.world import (
    POOL_SIZES,
    TEXT_TASKS,
    World,
    collate,
    corpus,
    pixel_tensor,
)
from harness.training.trainer import threads

JIGSAW_TAUGHT = (
    "The form of an answer in every example. Of its content only the first number (the displayed tile that belongs top "
    "left); the other three were a random completion, drawn anew at each step. While training, a linear head asked the "
    "visual tokens of every displayed tile for its place; the head was dropped, what the tower learnt from it stays."
)


@dataclass(frozen=True)
class BaseRecipe:
    """How the shipped base was made. Steps, not minutes, so that a slow machine makes the same model."""

    shape: Shape = field(default_factory=Shape)
    pools: dict[str, int] = field(default_factory=lambda: dict(POOL_SIZES))
    sight_steps: int = 1_500
    sight_rows: int = 64
    # Shape takes the eyes ten times as long as colour and the jigsaw; counting is next.
    sight_mix: dict[str, int] = field(
        default_factory=lambda: {"vision_colour": 1, "vision_shape": 8, "vision_position": 1, "vision_count": 3}
    )
    sight_lr: float = 1.5e-3
    steps: int = 1_300
    jigsaw_rows: int = 8
    vision_rows: int = 18
    vision_mix: dict[str, int] = field(
        default_factory=lambda: {"vision_colour": 1, "vision_shape": 3, "vision_position": 1, "vision_count": 2}
    )
    text_rows: int = 24
    text_mix: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TEXT_TASKS, 1))
    lr: float = 1.5e-3
    # The eyes go slower once the text model joins: at its rate they forget within a hundred steps what they learnt.
    eyes_lr_share: float = 0.2
    decay_share: float = 0.5
    sight_weight: float = 0.5
    dev_items: int = 200


def train_base(out: Path, seed: int, progress: Progress, recipe: BaseRecipe | None = None) -> dict[str, Any]:
    """Train from scratch, save a checkpoint in ``out`` and return its record."""
    with threads(1):
        return _train(out, seed, progress, recipe or BaseRecipe())


def _train(out: Path, seed: int, progress: Progress, recipe: BaseRecipe) -> dict[str, Any]:
    started = time.perf_counter()
    progress("making the pools", 0, 1)
    tokenizer = build_tokenizer(corpus(seed), recipe.shape.vocabulary)
    processor = build_processor(tokenizer)
    model = build_model(tokenizer, recipe.shape, seed)
    world = World(processor, seed, recipe.pools)
    sight = Sight(recipe.shape.width)
    progress("making the pools", 1, 1)
    rng = random.Random(f"base:{seed}")
    seen = _open_eyes(model, sight, world, rng, recipe, progress)
    losses = _learn(model, sight, world, rng, recipe, progress)
    save_checkpoint(model, processor, out)
    return write_record(
        out,
        kind="base",
        seed=seed,
        recipe=asdict(recipe),
        model=model,
        losses=losses,
        dev=dev_scores(model, processor, recipe.dev_items, progress),
        started=started,
        notes={"jigsaw_taught": JIGSAW_TAUGHT, "sight_after_warm_start": seen},
    )


def _open_eyes(
    model: Any, sight: Sight, world: World, rng: random.Random, recipe: BaseRecipe, progress: Progress
) -> dict[str, float]:
    """Warm start of tower and projector; the last shares of right answers of each head."""
    parameters = [*_eyes(model), *sight.parameters()]
    optimizer = build_optimizer(parameters, recipe.sight_lr)
    right: dict[str, float] = {}
    for step in range(recipe.sight_steps):
        puzzles = world.draw_jigsaws(rng, recipe.sight_rows // 8)
        rows = puzzles + world.draw(rng, recipe.sight_mix, recipe.sight_rows - len(puzzles))
        tokens = visual_tokens(model, pixel_tensor([row.picture for row in rows if row.picture is not None]))
        loss, now = sight.loss(tokens, rows)
        loss.backward()  # type: ignore[no-untyped-call]
        clip(parameters)
        update(optimizer, scheduled_lr(step, recipe.sight_steps, recipe.sight_lr, 30, 0.3))
        # A running mean: one batch holds a dozen pictures a task.
        right = {task: round(0.95 * right.get(task, share) + 0.05 * share, 4) for task, share in now.items()}
        progress("opening the eyes", step + 1, recipe.sight_steps)
    return right


def _eyes(model: Any) -> list[Any]:
    return [*model.model.vision_tower.parameters(), *model.model.multi_modal_projector.parameters()]


def _learn(
    model: Any, sight: Sight, world: World, rng: random.Random, recipe: BaseRecipe, progress: Progress
) -> Losses:
    """The whole model on the mixture. Rows of one kind share a batch, so that little is padding."""
    eyes = _eyes(model)
    others = [*model.model.language_model.parameters(), *sight.parameters()]
    optimizers = {recipe.eyes_lr_share: build_optimizer(eyes, recipe.lr), 1.0: build_optimizer(others, recipe.lr)}
    pad_id = world.coder.pad_id
    losses = Losses(recipe.steps)
    model.train()
    for step in range(recipe.steps):
        kinds = {
            "jigsaw": world.draw_jigsaws(rng, recipe.jigsaw_rows, only_first=True),
            "vision": world.draw(rng, recipe.vision_mix, recipe.vision_rows),
            "text": world.draw(rng, recipe.text_mix, recipe.text_rows),
        }
        for kind, rows in kinds.items():
            loss, tokens = answer_loss(model, collate(rows, pad_id))
            losses.add(kind, loss.item())
            if tokens is not None:
                loss = loss + recipe.sight_weight * sight.loss(tokens, rows)[0]
            loss.backward()  # type: ignore[no-untyped-call]
        clip([*eyes, *others])
        for share, optimizer in optimizers.items():
            update(optimizer, share * scheduled_lr(step, recipe.steps, recipe.lr, 60, recipe.decay_share))
        losses.step()
        progress("learning the prior tasks", step + 1, recipe.steps)
    return losses
