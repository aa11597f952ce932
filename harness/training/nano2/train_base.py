"""Train the nano-2 base: first the eyes (tower and projector under linear heads), then everything on the mixture, last
what the dev split showed to be weakest, on more items.

A training of an hour or more, so it can be killed at any moment: every few minutes all that it needs is written into
one file, and the same command goes on from there. What is drawn at a step depends on the seed and the step alone, so
that a training that was killed makes the same model as one that was not.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from harness.training.nano.learning import (
    answer_loss,
    build_optimizer,
    clip,
    scheduled_lr,
    tile_means,
    update,
    visual_tokens,
)
from harness.training.nano.model import Shape, build_model, build_processor, build_tokenizer, save_checkpoint
from harness.training.nano.record import Losses, Progress, write_record
from harness.training.nano.world import Row, collate, pixel_tensor
from harness.training.nano2.development import dev_scores
from harness.training.nano2.world import (
    GRID,
    JIGSAW,
    POOL_SIZES,
    SEEN_WHOLE,
    STORIES,
    World,
    classes,
    corpus,
)
from harness.training.trainer import threads

STATE = "state.safetensors"
TAUGHT = (
    "Of both targets the form of a working and of an answer in every example. Of the jigsaw, which tiles are light and "
    "so belong on top; which of a row goes left was drawn at each look. Of the stories, both steps one by one; which "
    "operations a story asks for was drawn for each. While training, linear heads asked the visual tokens for colour, "
    "corner, number and every tile's place; the heads were dropped, what the tower learnt from them stays."
)


@dataclass(frozen=True)
class BaseRecipe:
    """How the shipped base was made. Steps, not minutes, so that a slow machine makes the same model."""

    shape: Shape = field(default_factory=lambda: Shape(vocabulary=832, text_layers=5, text_inner=448))
    pools: dict[str, int] = field(default_factory=lambda: dict(POOL_SIZES))
    sight_steps: int = 1_200
    sight_rows: int = 64
    sight_mix: dict[str, int] = field(
        default_factory=lambda: {"vision_hue": 1, "vision_corner": 1, "vision_number": 3, JIGSAW: 2}
    )
    sight_lr: float = 1.5e-3
    steps: int = 3_000
    jigsaw_rows: int = 6
    vision_rows: int = 16
    vision_mix: dict[str, int] = field(
        default_factory=lambda: {"vision_hue": 1, "vision_corner": 1, "vision_number": 1, "vision_tile": 2}
    )
    story_rows: int = 5
    text_rows: int = 32
    text_mix: dict[str, int] = field(
        default_factory=lambda: {
            "math_plus": 4,
            "math_minus": 4,
            "math_times": 2,
            "science_symbols": 1,
            "science_units": 2,
            "general_alphabet": 1,
        }
    )
    lr: float = 1.5e-3
    # The eyes go slower once the text model joins: at its rate they forget what they learnt.
    eyes_lr_share: float = 0.2
    decay_share: float = 0.4
    sight_weight: float = 0.5
    # The review: as before, but without heads, with optimisers that begin anew.
    review_steps: int = 1_500
    review_pools: dict[str, int] = field(
        default_factory=lambda: {**POOL_SIZES, "math_minus": 16_000, "vision_tile": 12_000}
    )
    review_vision_mix: dict[str, int] = field(
        default_factory=lambda: {"vision_hue": 1, "vision_corner": 1, "vision_number": 2, "vision_tile": 5}
    )
    review_text_mix: dict[str, int] = field(
        default_factory=lambda: {
            "math_plus": 2,
            "math_minus": 5,
            "math_times": 1,
            "science_symbols": 3,
            "science_units": 1,
            "general_alphabet": 2,
        }
    )
    review_lr: float = 5e-4
    review_eyes_lr_share: float = 0.5
    review_decay_share: float = 0.6
    dev_items: int = 150
    # Minutes between states; affects nothing but what a kill loses.
    save_minutes: float = 3.0


class Sight(nn.Module):
    """Linear heads over the visual tokens: classes of whole pictures, and the place of each displayed tile."""

    def __init__(self, width: int) -> None:
        super().__init__()
        heads = {task: nn.Linear(width, len(classes(task))) for task in SEEN_WHOLE}
        self.heads = nn.ModuleDict({**heads, JIGSAW: nn.Linear(width, GRID[0] * GRID[1])})

    def loss(self, tokens: Tensor, rows: list[Row]) -> Tensor:
        """Mean cross-entropy over the tasks of ``rows`` that have a head; zero if none has."""
        losses = []
        for task, head in self.heads.items():
            mine = [index for index, row in enumerate(rows) if row.task == task]
            if not mine:
                continue
            labels = torch.tensor([rows[index].label for index in mine]).flatten()
            pooled = tile_means(tokens[mine]) if task == JIGSAW else tokens[mine].mean(dim=1)
            losses.append(cross_entropy(head(pooled).flatten(0, -2), labels))
        return torch.stack(losses).mean() if losses else tokens.sum() * 0.0


class _Training:
    """The model in training, and the one file that holds all of it."""

    def __init__(self, out: Path, seed: int, recipe: BaseRecipe) -> None:
        self.out, self.seed, self.recipe = out, seed, recipe
        tokenizer = build_tokenizer(corpus(seed), recipe.shape.vocabulary)
        self.processor = build_processor(tokenizer)
        self.model = build_model(tokenizer, recipe.shape, seed)
        self.sight = Sight(recipe.shape.width)
        self.world: World | None = None
        self.losses = Losses(recipe.steps)
        self.done, self.seconds = 0, 0.0
        eyes = [self.model.model.vision_tower, self.model.model.multi_modal_projector]
        self._parameters = {
            "eyes": [parameter for part in eyes for parameter in part.parameters()],
            "sight": list(self.sight.parameters()),
            "words": list(self.model.model.language_model.parameters()),
        }
        self._begin_optimizers()
        self._restore()

    def _begin_optimizers(self) -> None:
        self._optimizers = {name: build_optimizer(each, self.recipe.lr) for name, each in self._parameters.items()}

    def run(self, progress: Progress) -> None:
        """All steps that are not done yet."""
        recipe = self.recipe
        learnt = recipe.sight_steps + recipe.steps
        total = learnt + recipe.review_steps
        self.model.train()
        saved = time.monotonic()
        while self.done < total:
            if self.done == learnt:
                self._begin_optimizers()
            if self.world is None or self.done == learnt:
                pools = recipe.pools if self.done < learnt else recipe.review_pools
                self.world = World(self.processor, self.seed, pools)
            started = time.monotonic()
            rng = random.Random(f"nano2:{self.seed}:{self.done}")
            if self.done < recipe.sight_steps:
                self._look(self.world, rng)
            elif self.done < learnt:
                self._learn(self.world, rng)
            else:
                self._review(self.world, rng)
            self.done += 1
            self.seconds += time.monotonic() - started
            progress("training the nano-2 base", self.done, total)
            if time.monotonic() - saved > 60 * recipe.save_minutes:
                self.save()
                saved = time.monotonic()
        self.save()

    def _look(self, world: World, rng: random.Random) -> None:
        recipe = self.recipe
        rows = world.draw(rng, recipe.sight_mix, recipe.sight_rows)
        tokens = visual_tokens(self.model, pixel_tensor([row.picture for row in rows if row.picture is not None]))
        self.sight.loss(tokens, rows).backward()  # type: ignore[no-untyped-call]
        lr = scheduled_lr(self.done, recipe.sight_steps, recipe.sight_lr, 30, 0.3)
        self._update({"eyes": lr, "sight": lr})

    def _learn(self, world: World, rng: random.Random) -> None:
        recipe = self.recipe
        self._answer(world, rng, recipe.vision_mix, recipe.text_mix, recipe.sight_weight)
        lr = scheduled_lr(self.done - recipe.sight_steps, recipe.steps, recipe.lr, 60, recipe.decay_share)
        self._update({"eyes": recipe.eyes_lr_share * lr, "sight": lr, "words": lr})
        self.losses.step()

    def _review(self, world: World, rng: random.Random) -> None:
        recipe = self.recipe
        self._answer(world, rng, recipe.review_vision_mix, recipe.review_text_mix, 0.0)
        done = self.done - recipe.sight_steps - recipe.steps
        lr = scheduled_lr(done, recipe.review_steps, recipe.review_lr, 60, recipe.review_decay_share)
        self._update({"eyes": recipe.review_eyes_lr_share * lr, "words": lr})
        self.losses.step()

    def _answer(
        self, world: World, rng: random.Random, vision: dict[str, int], text: dict[str, int], sight_weight: float
    ) -> None:
        """The gradients of one step on the mixture."""
        # Rows of one kind share a batch, so that little is padding.
        kinds = {
            "jigsaw": world.draw(rng, {JIGSAW: 1}, self.recipe.jigsaw_rows),
            "stories": world.draw(rng, {STORIES: 1}, self.recipe.story_rows),
            "vision": world.draw(rng, vision, self.recipe.vision_rows),
            "text": world.draw(rng, text, self.recipe.text_rows),
        }
        for kind, rows in kinds.items():
            loss, tokens = answer_loss(self.model, collate(rows, world.coder.pad_id))
            self.losses.add(kind, loss.item())
            if tokens is not None and sight_weight:
                loss = loss + sight_weight * self.sight.loss(tokens, rows)
            loss.backward()  # type: ignore[no-untyped-call]

    def _update(self, rates: dict[str, float]) -> None:
        clip([parameter for name in rates for parameter in self._parameters[name]])
        for name, rate in rates.items():
            update(self._optimizers[name], rate)

    def save(self) -> None:
        """Everything, in one file that is replaced whole: a kill leaves the last one."""
        self.out.mkdir(parents=True, exist_ok=True)
        tensors = {}
        for name, parameters in self._parameters.items():
            for index, parameter in enumerate(parameters):
                tensors[f"{name}.{index}"] = parameter.detach().contiguous()
                for key, value in self._optimizers[name].state.get(parameter, {}).items():
                    tensors[f"{name}.{index}.{key}"] = value.contiguous()
        said = {"done": self.done, "seconds": self.seconds, "losses": self.losses.state(), "recipe": self._identity()}
        partial = self.out / f"{STATE}.partial"
        save_file(tensors, partial, metadata={"training": json.dumps(said)})
        partial.replace(self.out / STATE)

    def _restore(self) -> None:
        path = self.out / STATE
        if not path.is_file():
            return
        with safe_open(path, "pt") as file:
            said = json.loads(file.metadata()["training"])
            if said["recipe"] != self._identity():
                raise ValueError(f"{path}: of another recipe or seed; give another --out")
            for name, parameters in self._parameters.items():
                for index, parameter in enumerate(parameters):
                    with torch.no_grad():
                        parameter.copy_(file.get_tensor(f"{name}.{index}"))
                    keys = ("step", "exp_avg", "exp_avg_sq")
                    if f"{name}.{index}.step" in file.keys():  # noqa: SIM118 (no mapping)
                        state = {key: file.get_tensor(f"{name}.{index}.{key}") for key in keys}
                        self._optimizers[name].state[parameter] = state
        self.done, self.seconds = said["done"], said["seconds"]
        self.losses.restore(said["losses"])

    def _identity(self) -> dict[str, Any]:
        """What must be the same for a state to be gone on from; as JSON gives it back."""
        stated = {**asdict(self.recipe), "seed": self.seed}
        del stated["save_minutes"], stated["dev_items"]
        found: dict[str, Any] = json.loads(json.dumps(stated))
        return found


def train_reasoning_base(out: Path, seed: int, progress: Progress, recipe: BaseRecipe | None = None) -> dict[str, Any]:
    """Train from scratch, or go on; save a checkpoint in ``out`` and return its record."""
    recipe = recipe or BaseRecipe()
    with threads(1):
        training = _Training(out, seed, recipe)
        training.run(progress)
        save_checkpoint(training.model, training.processor, out)
        record = write_record(
            out,
            kind="base",
            seed=seed,
            recipe=asdict(recipe),
            model=training.model,
            losses=training.losses,
            dev=dev_scores(training.model, training.processor, recipe.dev_items, progress),
            started=time.perf_counter() - training.seconds,
            notes={"targets_taught": TAUGHT},
        )
    (out / STATE).unlink()
    return record
