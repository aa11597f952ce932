"""Looking at procedural landscapes of 504x336 pixels: how many houses, which colour, which of two places.

Four options stand below each question (chance 1/4). Examples:

    general_scenes_count   How many houses are there in this picture?                      A. 4  B. 7  C. 6  D. 5
    general_scenes_colour  What colour is the hot-air balloon in this picture?      A. red  B. white  C. blue  D. black
    general_scenes_place   Where is the red balloon, seen from the yellow balloon in this picture?   A. above and to the
                           left  B. below and to the left  C. above and to the right  D. below and to the right

Nothing is downloaded. A document names its picture, which is drawn when it is shown (7 ms).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from itertools import count as numbers
from itertools import islice

from harness import plugin
from harness.answers import forms
from harness.items import Item, Split, split_of
from harness.pictures import (
    HEIGHT,
    WIDTH,
    Canvas,
    Pixels,
    backdrop,
    develop,
    encode_png,
    paint_balloon,
    paint_house,
    paint_tree,
)

COLOURS = {
    "red": (205, 30, 35),
    "orange": (240, 135, 20),
    "yellow": (245, 225, 45),
    "green": (30, 150, 60),
    "blue": (35, 70, 205),
    "purple": (135, 45, 165),
    "white": (245, 245, 245),
    "black": (20, 20, 20),
}
PLACES = (
    "above and to the left",
    "above and to the right",
    "below and to the left",
    "below and to the right",
)
MOST_HOUSES = 6
TREES = 4
_MOST_MISSES = 500

Question = tuple[str, list[str], int]
Painter = Callable[[Canvas, random.Random, int, int], Question]


def houses(canvas: Canvas, rng: random.Random, horizon: int, sun: int) -> Question:
    """One to six houses that do not touch, among trees that hide none of them."""
    number = rng.randint(1, MOST_HOUSES)
    taken: list[tuple[int, int, int]] = []
    misses = 0
    while len(taken) < number + TREES:
        if misses == _MOST_MISSES:  # these places leave no room for another: begin again
            taken, misses = [], 0
        misses += 1
        size = rng.randint(22, 32)
        place = (rng.randint(size, WIDTH - size), rng.randint(horizon + size, HEIGHT - 4), size)
        if all(abs(place[0] - x) > size + other or abs(place[1] - y) > 2 * max(size, other) for x, y, other in taken):
            taken.append(place)
    kinds = [paint_house] * number + [paint_tree] * TREES
    for (x, foot, size), paint in sorted(zip(taken, kinds, strict=True), key=lambda each: each[0][1]):
        paint(canvas, rng, x, foot, size, x < sun)
    first = rng.randint(max(1, number - 3), min(number, MOST_HOUSES - 2))
    options = rng.sample([str(first + step) for step in range(4)], 4)
    return "How many houses are there in this picture?", options, options.index(str(number))


def colour(canvas: Canvas, rng: random.Random, horizon: int, sun: int) -> Question:
    """One balloon of one colour above a landscape with trees."""
    for _ in range(rng.randint(3, 6)):
        paint_tree(canvas, rng, rng.randrange(WIDTH), rng.randint(horizon + 30, HEIGHT), rng.randint(20, 44), sun > 250)
    radius = rng.randint(24, 40)
    chosen, *others = rng.sample(list(COLOURS), 4)
    _balloon(canvas, (rng.randint(radius, WIDTH - radius), rng.randint(2 * radius, horizon)), radius, chosen)
    options = rng.sample([chosen, *others], 4)
    return "What colour is the hot-air balloon in this picture?", options, options.index(chosen)


def place(canvas: Canvas, rng: random.Random, horizon: int, sun: int) -> Question:
    """Two balloons of different colours, clearly apart both across and down."""
    del horizon, sun
    one, other = rng.sample(list(COLOURS), 2)
    across, down = rng.randint(70, 300), rng.randint(70, 180)
    x, y = rng.randint(30, WIDTH - 30 - across), rng.randint(35, HEIGHT - 55 - down)
    right, below = rng.randrange(2), rng.randrange(2)
    at = [(x + across * side, y + down * depth) for side, depth in ((right, below), (1 - right, 1 - below))]
    for name, centre in zip((one, other), at, strict=True):
        _balloon(canvas, centre, rng.randint(20, 28), name)
    options = rng.sample(PLACES, 4)
    stem = f"Where is the {one} balloon, seen from the {other} balloon in this picture?"
    return stem, options, options.index(PLACES[2 * below + right])


def _balloon(canvas: Canvas, centre: tuple[int, int], radius: int, name: str) -> None:
    """Of one colour, with darker or lighter ribs and an outline, so that it stands out from any sky."""
    shade = [part * 4 // 5 if name != "black" else part + 35 for part in COLOURS[name]]
    paint_balloon(canvas, centre, radius + 2, (60, 60, 60), (60, 60, 60))
    paint_balloon(canvas, centre, radius, COLOURS[name], shade)


PAINTERS: Mapping[str, Painter] = {
    "general_scenes_count": houses,
    "general_scenes_colour": colour,
    "general_scenes_place": place,
}


def draw(scene: str) -> tuple[Pixels, Question]:
    """The picture of this name, "TASK:SEED:INDEX", and what is asked of it."""
    rng = random.Random(scene)
    canvas, horizon, sun = backdrop(rng)
    asked = PAINTERS[scene.partition(":")[0]](canvas, rng, horizon, sun)
    return develop(canvas, rng), asked


def items(task: str, split: Split, count: int, seed: int) -> Iterator[tuple[str, Item]]:
    """``count`` items of a split with the names of their pictures; the name decides the split."""
    drawn = (f"{task}:{seed}:{index}" for index in numbers())
    for scene in islice((scene for scene in drawn if split_of(scene) == split), count):
        pixels, (stem, options, gold) = draw(scene)
        png = encode_png(pixels)
        digest = sha256(pixels.tobytes()).hexdigest()
        item = forms.lettered(task, stem, options, gold, group=task.rpartition("_")[2], cluster_id=digest)
        assert item is not None, "options are different by construction"
        yield scene, item.model_copy(update={"images": (png,)})


def _test_items(task: str, split: Split, count: int, seed: int) -> Iterator[Item]:
    return (item.with_pictures(scene) for scene, item in items(task, split, count, seed))


load = plugin.loader({task: partial(_test_items, task) for task in PAINTERS})
images = plugin.opener(lambda scene: encode_png(draw(scene)[0]))
