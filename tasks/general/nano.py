"""General vision on procedural pictures of 64x64 pixels: colour, shape, position and number of shapes.

Each question lists the answers allowed, so the chance level is 1/k for k options (1/4 in all four tasks). Examples:

    vision_colour    What colour is the triangle: blue, white, red or green?              -> red
    vision_shape     Is the shape a cross, a circle, a square or a triangle?              -> cross
    vision_position  Is the circle in the top left, bottom right, bottom left or top right? -> top right
    vision_count     How many squares are there: 1, 2, 3 or 4?                            -> 3
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from harness import plugin
from harness.items import Item, Split, draw_items, image_digest
from harness.pictures import SHAPES, encode_png, grain, paint, shape_mask, to_pixels
from harness.plugin import Generator, loader

SIZE = 64
COLOURS = {
    "red": (210, 40, 40),
    "orange": (240, 140, 30),
    "yellow": (240, 225, 50),
    "green": (45, 160, 60),
    "blue": (45, 85, 215),
    "purple": (145, 60, 175),
    "white": (245, 245, 245),
    "black": (15, 15, 15),
}
PLACES = ("top left", "top right", "bottom left", "bottom right")
COUNTS = ("1", "2", "3", "4")

_COLOUR_WORDINGS = (
    "What colour is the {shape}: {options}?",
    "Is the {shape} {options}?",
    "Which colour does the {shape} in the picture have: {options}?",
)
_SHAPE_WORDINGS = (
    "Is the shape {options}?",
    "What do you see in the picture: {options}?",
    "Which shape is this: {options}?",
)
_POSITION_WORDINGS = (
    "Is the {shape} in the {options}?",
    "Where is the {shape}: {options}?",
    "In which corner of the picture is the {shape}: {options}?",
)
_COUNT_WORDINGS = (
    "How many {shape}s are there: {options}?",
    "Count the {shape}s in the picture. Are there {options}?",
    "What is the number of {shape}s you can see: {options}?",
)


def vision_colour(split: Split, count: int, seed: int) -> Iterator[Item]:
    """The colour of the one shape in the picture; four colours are offered, in any order."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        shape, colour = rng.choice(SHAPES), rng.choice(tuple(COLOURS))
        canvas = background(rng)
        place_shape(canvas, rng, shape, colour, anywhere(rng, radius := rng.randint(11, 18)), radius)
        others = [name for name in COLOURS if name != colour]
        options = rng.sample([colour, *rng.sample(others, 3)], 4)
        question = rng.choice(_COLOUR_WORDINGS).format(shape=shape, options=either(options))
        return _item("vision_colour", canvas, question, colour, options, f"The {shape} is {colour}.", shape)

    return draw_items(split, count, random.Random(f"vision_colour:{split}:{seed}"), propose)


def vision_shape(split: Split, count: int, seed: int) -> Iterator[Item]:
    """The name of the one large shape in the picture."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        shape, colour = rng.choice(SHAPES), rng.choice(tuple(COLOURS))
        canvas = background(rng)
        place_shape(canvas, rng, shape, colour, anywhere(rng, radius := rng.randint(16, 24)), radius)
        options = rng.sample(SHAPES, len(SHAPES))
        question = rng.choice(_SHAPE_WORDINGS).format(options=either([f"a {name}" for name in options]))
        return _item("vision_shape", canvas, question, shape, options, f"It is a {shape}.", shape)

    return draw_items(split, count, random.Random(f"vision_shape:{split}:{seed}"), propose)


def vision_position(split: Split, count: int, seed: int) -> Iterator[Item]:
    """The quarter of the picture that holds the one shape."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        shape, colour = rng.choice(SHAPES), rng.choice(tuple(COLOURS))
        canvas = background(rng)
        radius = rng.randint(7, 11)
        down, right = rng.randint(0, 1), rng.randint(0, 1)
        near = SIZE // 2 - radius // 2 - 2  # a shape may reach over the middle, its centre stays clearly on one side
        x, y = (rng.randint(radius, near) + side * (SIZE - 1 - radius - near) for side in (right, down))
        place_shape(canvas, rng, shape, colour, (x, y), radius)
        place = PLACES[2 * down + right]
        options = rng.sample(PLACES, len(PLACES))
        question = rng.choice(_POSITION_WORDINGS).format(shape=shape, options=either(options))
        return _item("vision_position", canvas, question, place, options, f"The {shape} is in the {place}.", place)

    return draw_items(split, count, random.Random(f"vision_position:{split}:{seed}"), propose)


def vision_count(split: Split, count: int, seed: int) -> Iterator[Item]:
    """The number of equal shapes, one to four, that do not touch."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        shape, number = rng.choice(SHAPES), rng.randint(1, len(COUNTS))
        canvas = background(rng)
        third = SIZE // 3
        for cell in rng.sample(range(9), number):
            x, y = (third * side + third // 2 + rng.randint(-1, 1) for side in (cell % 3, cell // 3))
            place_shape(canvas, rng, shape, rng.choice(tuple(COLOURS)), (x, y), rng.randint(7, 8))
        question = rng.choice(_COUNT_WORDINGS).format(shape=shape, options=either(COUNTS))
        seen = f"There is 1 {shape}." if number == 1 else f"There are {number} {shape}s."
        return _item("vision_count", canvas, question, str(number), COUNTS, seen, str(number))

    return draw_items(split, count, random.Random(f"vision_count:{split}:{seed}"), propose)


def _item(
    task: str,
    canvas: NDArray[np.float64],
    question: str,
    answer: str,
    options: Sequence[str],
    sentence: str,
    group: str,
) -> tuple[str, Item]:
    """The content key (the picture alone: no picture is in two splits, whatever is asked) and the item."""
    png = encode_png(to_pixels(canvas))
    digest = image_digest(png)
    item = Item(
        task=task,
        question=question,
        answer=answer,
        target=f"{sentence} The answer is {answer}.",
        guess_rate=1 / len(options),
        options=tuple(options),
        images=(png,),
        group=group,
        cluster_id=digest,
    )
    return f"{task}:{digest}", item


def background(rng: random.Random) -> NDArray[np.float64]:
    """Mid-grey with a slight tint, so that black, white and every colour stand out."""
    level = rng.randint(95, 160)
    tint = np.array([level + rng.randint(-12, 12) for _ in range(3)], dtype=np.float64)
    return tint + grain(rng, SIZE, 6)


def place_shape(
    canvas: NDArray[np.float64],
    rng: random.Random,
    shape: str,
    colour: str,
    centre: tuple[int, int],
    radius: int,
) -> None:
    """Paint one shape, its colour a little off the named one."""
    paint(canvas, shape_mask(shape, SIZE, centre, radius), [value + rng.randint(-12, 12) for value in COLOURS[colour]])


def anywhere(rng: random.Random, radius: int) -> tuple[int, int]:
    return rng.randint(radius, SIZE - 1 - radius), rng.randint(radius, SIZE - 1 - radius)


def either(options: Sequence[str]) -> str:
    return f"{', '.join(options[:-1])} or {options[-1]}"


TASKS: dict[str, Generator] = {
    "vision_colour": vision_colour,
    "vision_shape": vision_shape,
    "vision_position": vision_position,
    "vision_count": vision_count,
}

load = plugin.loader(TASKS)

load = loader(TASKS)
