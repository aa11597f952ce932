"""The alphabet, and looking at pictures of 64x64 pixels, with a short working or the answer alone.

    general_alphabet  Which letter comes 2 after c?
                      -> After c comes d. After d comes e. <answer>e</answer>
    vision_hue        What colour is the circle: red, blue or white?
                      -> I see a circle in the picture. The circle is red. <answer>red</answer>
    vision_corner     Where is the circle: top left, top right, bottom left or bottom right? Answer only.
                      -> <answer>top left</answer>
    vision_number     How many circles are there: 1, 2, 3 or 4?
                      -> I look for each circle in the picture. I find 3 of them. <answer>3</answer>
    vision_tile       Is tile 3 warm or cold?
                      -> Tile 3 is light. Beside the other light tile it is cold. <answer>cold</answer>

The four tiles of vision_tile are those of a shuffled jigsaw, two light ones and two dark ones; it also asks whether a
tile is the warm or the cold one of the two. A letter question is held out in some of its wordings, a picture whole.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.answers import with_working
from harness.items import Item, Split, draw_items, image_digest
from harness.pictures import SHAPES, draw_answer, encode_png, shuffle, to_pixels
from harness.plugin import Generator, loader
from harness.records import load_task_module, tasks_root

_nano = load_task_module(tasks_root() / "general" / "nano.py")
_jigsaw = load_task_module(tasks_root() / "jigsaw" / "nano.py")

LETTERS = "abcdefghijklmnopqrstuvwxyz"
COLOURS, PLACES, COUNTS = tuple(_nano.COLOURS), _nano.PLACES, _nano.COUNTS
SHADES, WARMTHS = ("light", "dark"), ("warm", "cold")

_AFTER = (
    "Which letter comes {step} after {letter}?",
    "What is {step} letters after {letter}?",
    "Go {step} letters on from {letter}. Where are you?",
    "Name the letter {step} places after {letter}.",
    "Start at {letter} and go on by {step}. Which letter is it?",
    "Count {step} on from the letter {letter}.",
)
_HUE = (
    "What colour is the {shape}: {options}?",
    "Is the {shape} {options}?",
    "Which colour is the {shape}: {options}?",
)
_CORNER = (
    "Where is the {shape}: {options}?",
    "Is the {shape} {options}?",
    "In which corner is the {shape}: {options}?",
)
_NUMBER = (
    "How many {shapes} are there: {options}?",
    "Count the {shapes}: {options}?",
    "Are there {options} {shapes}?",
)
_TILE = ("Is tile {tile} {options}?", "What is tile {tile}: {options}?", "Look at tile {tile}. Is it {options}?")


def general_alphabet(split: Split, count: int, seed: int) -> Iterator[Item]:
    """The letter 1 to 3 places after another."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        step, wording = rng.randint(1, 3), rng.randrange(len(_AFTER))
        start = rng.randrange(len(LETTERS) - step)
        way = LETTERS[start : start + step + 1]
        working = " ".join(f"After {before} comes {after}." for before, after in pairwise(way))
        question = _AFTER[wording].format(step=step, letter=way[0])
        opening = rng.choice(("", "Please answer: ", "Quick question: ", "Do you know this? "))
        fact = f"alphabet:{way[0]}:{step}"
        return f"nano2:{fact}:{wording}", with_working(
            "general_alphabet", opening + question, working, way[-1], answer_only=rng.random() < 0.5, cluster_id=fact
        )

    return draw_items(split, count, random.Random(f"general_alphabet:{split}:{seed}"), propose)


def vision_hue(split: Split, count: int, seed: int) -> Iterator[Item]:
    """The colour of the one shape, of three that are offered."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        shape, colour = rng.choice(SHAPES), rng.choice(COLOURS)
        canvas = _nano.background(rng)
        radius = rng.randint(11, 18)
        _nano.place_shape(canvas, rng, shape, colour, _nano.anywhere(rng, radius), radius)
        others = [name for name in COLOURS if name != colour]
        options = rng.sample([colour, *rng.sample(others, 2)], 3)
        working = f"I see a {shape} in the picture. The {shape} is {colour}."
        return _asked("vision_hue", canvas, rng, _HUE, shape, working, colour, options)

    return draw_items(split, count, random.Random(f"vision_hue:{split}:{seed}"), propose)


def vision_corner(split: Split, count: int, seed: int) -> Iterator[Item]:
    """The quarter of the picture that holds the one shape."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        shape, colour = rng.choice(SHAPES), rng.choice(COLOURS)
        canvas = _nano.background(rng)
        radius = rng.randint(7, 11)
        place = rng.choice(PLACES)
        near = _nano.SIZE // 2 - radius // 2 - 2
        far = _nano.SIZE - 1 - radius - near
        x = rng.randint(radius, near) + far * place.endswith("right")
        y = rng.randint(radius, near) + far * place.startswith("bottom")
        _nano.place_shape(canvas, rng, shape, colour, (x, y), radius)
        options = rng.sample(PLACES, len(PLACES))
        working = f"I see a {shape} in the picture. It is in the {place}."
        return _asked("vision_corner", canvas, rng, _CORNER, shape, working, place, options)

    return draw_items(split, count, random.Random(f"vision_corner:{split}:{seed}"), propose)


def vision_number(split: Split, count: int, seed: int) -> Iterator[Item]:
    """The number of equal shapes, one to four, that do not touch."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        shape, number = rng.choice(SHAPES), rng.randint(1, len(COUNTS))
        canvas = _nano.background(rng)
        third = _nano.SIZE // 3
        for cell in rng.sample(range(9), number):
            x, y = (third * side + third // 2 + rng.randint(-1, 1) for side in (cell % 3, cell // 3))
            _nano.place_shape(canvas, rng, shape, rng.choice(COLOURS), (x, y), rng.randint(7, 8))
        working = f"I look for each {shape} in the picture. I find {number} of them."
        return _asked("vision_number", canvas, rng, _NUMBER, shape, working, str(number), COUNTS)

    return draw_items(split, count, random.Random(f"vision_number:{split}:{seed}"), propose)


def vision_tile(split: Split, count: int, seed: int) -> Iterator[Item]:
    """How light, or how warm, one of the four tiles of a shuffled jigsaw is beside the others."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        scene = _jigsaw.draw_scene(rng)
        source = image_digest(scene.tobytes())
        order = draw_answer(random.Random(f"vision_tile:{seed}:{source}"), len(PLACES))
        tile = rng.randint(1, len(order))
        bottom, right = divmod(order.index(tile), 2)
        shade, warmth = SHADES[bottom], WARMTHS[right]
        options, answer, working = rng.choice(
            (
                (SHADES, shade, f"Two tiles are light and two are dark. Tile {tile} is {shade}."),
                (WARMTHS, warmth, f"Tile {tile} is {shade}. Beside the other {shade} tile it is {warmth}."),
            )
        )
        question = rng.choice(_TILE).format(tile=tile, options=_nano.either(options))
        # The same key as the jigsaw's: no picture is in two splits, whatever is asked of it.
        return f"jigsaw:{source}", with_working(
            "vision_tile",
            question,
            working,
            answer,
            answer_only=rng.random() < 0.5,
            options=options,
            images=(encode_png(shuffle(scene, 2, 2, order)),),
            cluster_id=source,
        )

    return draw_items(split, count, random.Random(f"vision_tile:{split}:{seed}"), propose)


def _asked(
    task: str,
    canvas: NDArray[np.float64],
    rng: random.Random,
    wordings: Sequence[str],
    shape: str,
    working: str,
    answer: str,
    options: Sequence[str],
) -> tuple[str, Item]:
    """The key (the picture alone) and the item."""
    png = encode_png(to_pixels(canvas))
    digest = image_digest(png)
    question = rng.choice(wordings).format(shape=shape, shapes=_plural(shape), options=_nano.either(options))
    return f"{task}:{digest}", with_working(
        task,
        question,
        working,
        answer,
        answer_only=rng.random() < 0.5,
        options=options,
        images=(png,),
        cluster_id=digest,
    )


def _plural(shape: str) -> str:
    return f"{shape}es" if shape.endswith("s") else f"{shape}s"


TASKS: dict[str, Generator] = {
    "general_alphabet": general_alphabet,
    "vision_hue": vision_hue,
    "vision_corner": vision_corner,
    "vision_number": vision_number,
    "vision_tile": vision_tile,
}

load = loader(TASKS)
