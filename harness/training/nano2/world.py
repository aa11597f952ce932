"""The nano-2 world as training data: pools of train-split items, tokenised once, and batches drawn from them.

Of the two targets, a jigsaw and stories of two steps, the base is taught the form and the single steps; which of the
possible workings is the right one is drawn anew at each look (the writer ``taught`` of their task files). Nothing here
reads the test split.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from harness.items import Item
from harness.pictures import Pixels, decode_png, draw_answer, restore, shuffle
from harness.plugin import Generator
from harness.records import load_task_module, tasks_root
from harness.training.nano.world import Coder, Row, parse_order

JIGSAW, STORIES = "jigsaw_2x2_working", "quantities_two_steps"
TARGETS = (JIGSAW, STORIES)
TEXT_TASKS = ("math_plus", "math_minus", "math_times", "science_symbols", "science_units", "general_alphabet")
VISION_TASKS = ("vision_hue", "vision_corner", "vision_number", "vision_tile")
PRIOR_TASKS = TEXT_TASKS + VISION_TASKS
GRID = (2, 2)

# Items per pool; of products, facts, units and letters there are few questions, which these pools hold about all of.
POOL_SIZES = {
    "math_plus": 12_000,
    "math_minus": 12_000,
    "math_times": 8_000,
    "science_symbols": 2_400,
    "science_units": 2_000,
    "general_alphabet": 2_200,
    "vision_hue": 1_500,
    "vision_corner": 1_500,
    "vision_number": 4_000,
    "vision_tile": 4_000,
    JIGSAW: 4_000,
    STORIES: 8_000,
}


@cache
def task_file(family: str) -> ModuleType:
    """The nano-2 task file of a family."""
    return load_task_module(tasks_root() / family / "nano2.py")


def generators() -> dict[str, Generator]:
    """Every generator of the nano-2 task files, by task name."""
    found: dict[str, Generator] = {}
    for family in ("jigsaw", "quantities", "math", "science", "general"):
        found.update(task_file(family).TASKS)
    return found


def corpus(seed: int, count: int = 1_500) -> Iterator[str]:
    """Questions and targets of the training split, for the tokenizer; pictures have few wordings."""
    for task, generate in generators().items():
        for item in generate("train", count if task in (*TEXT_TASKS, STORIES) else count // 5, seed):
            # The names of both turns stand in every prompt, so each is to be one token.
            yield f"user {item.question}"
            yield f"assistant {item.target}"


class World:
    """Training pools of all nano-2 tasks; ``sizes`` has the items of each."""

    def __init__(self, processor: Any, seed: int, sizes: Mapping[str, int]) -> None:
        self.coder = Coder(processor)
        makers = generators()
        self.pools = {
            task: [self._row(item) for item in makers[task]("train", sizes[task], seed)] for task in PRIOR_TASKS
        }
        lessons = task_file("quantities").FORMS["taught"][STORIES]
        self.pools[STORIES] = [self._row(item) for item in lessons("train", sizes[STORIES], seed)]
        puzzles = list(makers[JIGSAW]("train", sizes[JIGSAW], seed))
        self.scenes = [restore(decode_png(item.images[0]), *GRID, parse_order(item.answer)) for item in puzzles]
        self._jigsaw_prompt = self.coder.prompt(puzzles[0])
        self._taught = task_file("jigsaw").WRITERS["taught"]

    def draw(self, rng: random.Random, mix: Mapping[str, int], count: int) -> list[Row]:
        """Rows of text tasks or of vision tasks, in parts that follow the weights of ``mix``; jigsaws are shuffled
        anew."""
        return [
            self._puzzle(rng) if task == JIGSAW else rng.choice(self.pools[task])
            for task in rng.choices(list(mix), list(mix.values()), k=count)
        ]

    def _puzzle(self, rng: random.Random) -> Row:
        order = draw_answer(rng, GRID[0] * GRID[1])
        picture = shuffle(rng.choice(self.scenes), *GRID, order)
        # Where each displayed tile belongs, counted from 0: what the tiles' visual tokens should know.
        places = tuple(order.index(tile) for tile in range(1, len(order) + 1))
        return Row(JIGSAW, self._jigsaw_prompt, self.coder.target(self._taught(order, rng)), picture, places)

    def _row(self, item: Item) -> Row:
        picture: Pixels | None = decode_png(item.images[0]) if item.images else None
        label = (classes(item.task).index(item.answer),) if item.task in SEEN_WHOLE else ()
        return Row(item.task, self.coder.prompt(item), self.coder.target(item.target), picture, label)


# Vision tasks whose answer is one of a few classes of the whole picture.
SEEN_WHOLE = ("vision_hue", "vision_corner", "vision_number")


def classes(task: str) -> tuple[str, ...]:
    """All answers that a task of ``SEEN_WHOLE`` can have, in a fixed order."""
    general = task_file("general")
    found: dict[str, tuple[str, ...]] = {
        "vision_hue": general.COLOURS,
        "vision_corner": general.PLACES,
        "vision_number": general.COUNTS,
    }
    return found[task]
