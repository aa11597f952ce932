"""A recipe of RFT that trains for a few seconds."""

from typing import Any

from harness.training.recipe import Recipe, load_recipe

SMALL = {
    "data.count": 40,
    "optimisation.steps": 6,
    "optimisation.warmup": 0,
    "optimisation.lr": 3e-4,
    "rft.prompts": 4,
    "rft.group": 6,
    "checkpoints.count": 5,
    "checkpoints.spacing": "even",
}


def small(config: str = "nano-jigsaw", **changes: Any) -> Recipe:
    return load_recipe(config, "rft", SMALL | {name.replace("__", "."): value for name, value in changes.items()})
