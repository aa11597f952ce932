"""jigsaw_2x2_working: the pictures of jigsaw_2x2, put in order by what each tile shows and where that belongs.

An example item (its image shows four tiles in the wrong places):

    These 4 tiles were shuffled. Light tiles go to the top. Which tile goes top left, top right, bottom left and bottom
    right?
    -> Tile 1 is light: top right. Tile 2 is dark: bottom left. Tile 3 is light: top left. Tile 4 is dark: bottom right.
       <answer>3,1,2,4</answer>

What the question does not say, and the base was not taught: the warmer tile of a row belongs on the left. Chance level
of an exact answer: 1/24. A question does not say whether the working is to be written; the base writes it.

``WRITERS`` has the texts that a training may learn: the base's own wording (``worked``), the answer alone (``bare``),
another teacher's wording (``other``), and what the base was taught of the task (``taught``: rows right, sides drawn at
random, so one in four is the right answer).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import factorial

from harness.answers import tagged, with_working
from harness.items import Item, Split, draw_items, image_digest
from harness.pictures import draw_answer, encode_png, shuffle
from harness.plugin import Generator, loader
from harness.records import load_task_module, tasks_root

_nano = load_task_module(tasks_root() / "jigsaw" / "nano.py")

ROWS, COLUMNS = _nano.ROWS, _nano.COLUMNS
PLACES = ("top left", "top right", "bottom left", "bottom right")
QUESTION = (
    "These 4 tiles were shuffled. Light tiles go to the top. "
    "Which tile goes top left, top right, bottom left and bottom right?"
)

# From the restoring order (the displayed tile of each place, from 1) to a target.
Writer = Callable[[Sequence[int], random.Random], str]


def worked(order: Sequence[int], rng: random.Random) -> str:
    """The base's own wording: the displayed tiles in turn."""
    said = []
    for tile in range(1, len(order) + 1):
        place = list(order).index(tile)
        said.append(f"Tile {tile} is {'light' if place < COLUMNS else 'dark'}: {PLACES[place]}.")
    return tagged(" ".join(said), _written(order))


def bare(order: Sequence[int], rng: random.Random) -> str:
    """The answer alone."""
    return tagged("", _written(order))


def other(order: Sequence[int], rng: random.Random) -> str:
    """Another teacher: place by place, by warmth as well, in other words."""
    first, second, third, fourth = order
    text = (
        f"The bright pieces are {first} and {second}, of which {first} has the warmer tint and starts the row. Below, "
        f"the dim pieces {third} and {fourth} follow the same way."
    )
    return tagged(text, _written(order))


def taught(order: Sequence[int], rng: random.Random) -> str:
    """The base's lesson: light tiles on top, sides at random."""
    told: list[int] = []
    for row in (order[:COLUMNS], order[COLUMNS:]):
        told += rng.sample(list(row), COLUMNS)
    return worked(told, rng)


WRITERS: dict[str, Writer] = {"worked": worked, "bare": bare, "other": other, "taught": taught}


def jigsaw_2x2_working(split: Split, count: int, seed: int, form: str = "worked") -> Iterator[Item]:
    """Jigsaws whose unshuffled pictures fall in ``split``; ``form`` names the writer of their targets."""
    write = WRITERS[form]
    lessons = random.Random(f"jigsaw_2x2_working:{form}:{split}:{seed}")

    def propose(rng: random.Random) -> tuple[str, Item]:
        scene = _nano.draw_scene(rng)
        source = image_digest(scene.tobytes())
        order = draw_answer(random.Random(f"jigsaw_2x2_working:{seed}:{source}"), ROWS * COLUMNS)
        item = with_working(
            "jigsaw_2x2_working",
            QUESTION,
            "",
            _written(order),
            guess_rate=1 / factorial(ROWS * COLUMNS),
            images=(encode_png(shuffle(scene, ROWS, COLUMNS, order)),),
            group="2x2",
            cluster_id=source,
        )
        return f"jigsaw:{source}", item.model_copy(update={"target": write(order, lessons)})

    return draw_items(split, count, random.Random(f"jigsaw_2x2_working:{split}:{seed}"), propose)


def _written(order: Sequence[int]) -> str:
    return ",".join(map(str, order))


TASKS: dict[str, Generator] = {"jigsaw_2x2_working": jigsaw_2x2_working}
FORMS: dict[str, dict[str, Generator]] = {
    form: {"jigsaw_2x2_working": partial(jigsaw_2x2_working, form=form)} for form in WRITERS
}

load = loader(TASKS)
