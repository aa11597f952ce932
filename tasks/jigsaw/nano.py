"""jigsaw_2x2: put a procedural picture of 64x64 pixels, cut into four tiles and shuffled, back in order.

An example item (its image shows four tiles in the wrong places):

    This picture was cut into 4 tiles and shuffled. The tiles are numbered 1 to 4 row by row as shown. Which tile
    belongs in each place of the restored picture? List the tile numbers row by row, separated by commas, inside
    <answer> tags.
    -> <answer>2,4,1,3</answer>

The answer reads: displayed tile 2 belongs top left, 4 top right, 1 bottom left, 3 bottom right. Chance level of an
exact answer: 1/24 (1/4! orders; that the identity never occurs is not told to the model).

The scene can be decided from one rule of light and from the shapes: it is lighter towards the top and warmer (more
red, less blue) towards the left, by an amount, tint, bend and tilt of its own, and shapes lie across the cuts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from math import factorial

import numpy as np
from numpy.typing import NDArray

from harness import plugin
from harness.items import Item, Split, draw_items, image_digest
from harness.pictures import SHAPES, Pixels, draw_answer, encode_png, grain, paint, shape_mask, shuffle, to_pixels
from harness.plugin import Generator, loader

SIZE = 64
ROWS = COLUMNS = 2
QUESTION = (
    "This picture was cut into 4 tiles and shuffled. The tiles are numbered 1 to 4 row by row as shown. "
    "Which tile belongs in each place of the restored picture? "
    "List the tile numbers row by row, separated by commas, inside <answer> tags."
)


def jigsaw_2x2(split: Split, count: int, seed: int) -> Iterator[Item]:
    """Jigsaws whose unshuffled pictures fall in ``split``."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        scene = draw_scene(rng)
        source = image_digest(scene.tobytes())
        answer = draw_answer(random.Random(f"jigsaw_2x2:{seed}:{source}"), ROWS * COLUMNS)
        text = ",".join(map(str, answer))
        item = Item(
            task="jigsaw_2x2",
            question=QUESTION,
            answer=text,
            target=f"<answer>{text}</answer>",
            guess_rate=1 / factorial(ROWS * COLUMNS),
            images=(encode_png(shuffle(scene, ROWS, COLUMNS, answer)),),
            group="2x2",
            cluster_id=source,
        )
        return f"jigsaw:{source}", item

    return draw_items(split, count, random.Random(f"jigsaw_2x2:{split}:{seed}"), propose)


def draw_scene(rng: random.Random) -> Pixels:
    """One unshuffled picture."""
    unit = (np.arange(SIZE) + 0.5) / SIZE
    x = unit[None, :] + rng.uniform(-0.25, 0.25) * (unit[:, None] - 0.5)
    y = unit[:, None] + rng.uniform(-0.25, 0.25) * (unit[None, :] - 0.5)
    light = rng.uniform(70, 130) * (0.5 - _bend(y, rng.uniform(-0.6, 0.6)))
    warmth = rng.uniform(60, 120) * (0.5 - _bend(x, rng.uniform(-0.6, 0.6)))
    level = rng.uniform(105, 150)
    tints = [rng.uniform(-25, 25) for _ in range(3)]
    red, green, blue = (level + light + tint for tint in tints)
    scene = np.stack([red + warmth, green, blue - warmth], axis=2)
    middle = SIZE // 2
    for _ in range(rng.randint(2, 4)):
        along, across = rng.randint(6, SIZE - 7), middle + rng.randint(-3, 3)
        centre = (along, across) if rng.random() < 0.5 else (across, along)
        mask = shape_mask(rng.choice(SHAPES), SIZE, centre, rng.randint(6, 11))
        paint(scene, mask, [rng.randint(20, 235) for _ in range(3)])
    return to_pixels(scene + grain(rng, SIZE, 5))


def _bend(t: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    """A curve through (0, 0) and (1, 1), rising everywhere between."""
    return t + amount * t * (1 - t)


TASKS: dict[str, Generator] = {"jigsaw_2x2": jigsaw_2x2}

load = plugin.loader(TASKS)

load = loader(TASKS)
