"""The nano world as training data: pools of train-split items, tokenised once, and batches drawn from them.

Pictures are kept as pixels and jigsaws as unshuffled scenes: every draw of a jigsaw shuffles anew, so that 6,000
scenes give 140,000 puzzles. Nothing here reads the test split.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from harness.items import Item, Split
from harness.pictures import Pixels, decode_png, draw_answer, restore, shuffle
from harness.records import load_task_module, tasks_root
from harness.training.nano.model import IMAGE, IMAGE_TOKENS

JIGSAW = "jigsaw_2x2"
TEXT_TASKS = ("math_arithmetic", "math_word", "science_facts", "science_computed")
VISION_TASKS = ("vision_colour", "vision_shape", "vision_position", "vision_count")
PRIOR_TASKS = TEXT_TASKS + VISION_TASKS
GRID = (2, 2)

Generator = Callable[[Split, int, int], Iterator[Item]]

# Items per pool. The science tasks have few facts, so theirs hold about all the training questions there are.
POOL_SIZES = {
    "math_arithmetic": 12_000,
    "math_word": 12_000,
    "science_facts": 4_000,
    "science_computed": 5_000,
    "vision_colour": 4_000,
    "vision_shape": 12_000,
    "vision_position": 4_000,
    "vision_count": 8_000,
    JIGSAW: 8_000,
}


@dataclass(frozen=True)
class Row:
    """One training example: token ids of prompt and target, the picture, and what a linear head should see in it."""

    task: str
    prompt: list[int]
    target: list[int]
    picture: Pixels | None = None
    label: tuple[int, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Right-padded tensors; ``labels`` is -100 everywhere but on the target.

    There is no attention mask: the padding comes last, and no token looks ahead.
    """

    input_ids: torch.Tensor
    labels: torch.Tensor
    pixel_values: torch.Tensor | None


def generators() -> dict[str, Generator]:
    """Every generator of the nano task files, by task name."""
    found: dict[str, Generator] = {}
    for family in ("jigsaw", "math", "science", "general"):
        found.update(load_task_module(tasks_root() / family / "nano.py").TASKS)
    return found


def corpus(seed: int, count: int = 1_000) -> Iterator[str]:
    """Questions and targets of the training split, for the tokenizer."""
    for generate in generators().values():
        for item in generate("train", count, seed):
            yield item.question
            yield item.target


class Coder:
    """Token ids exactly as the saved processor makes them, without running its image half."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        self._tokenizer = processor.tokenizer
        self.pad_id: int = processor.tokenizer.pad_token_id

    def prompt(self, item: Item) -> list[int]:
        """The user's turn, up to where the answer starts."""
        parts = [{"type": "image"} for _ in item.images] + [{"type": "text", "text": item.question}]
        text = self._processor.apply_chat_template([{"role": "user", "content": parts}], add_generation_prompt=True)
        return self._ids(text.replace(IMAGE, IMAGE * IMAGE_TOKENS))

    def target(self, text: str) -> list[int]:
        """The answer and the end of the turn."""
        return [*self._ids(text), self._tokenizer.eos_token_id]

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids


class World:
    """Training pools of all nano tasks."""

    def __init__(self, processor: Any, seed: int, sizes: dict[str, int] | None = None) -> None:
        self.coder = Coder(processor)
        self.sizes = sizes or POOL_SIZES
        makers = generators()
        self.pools: dict[str, list[Row]] = {}
        for task in PRIOR_TASKS:
            self.pools[task] = [self._row(item) for item in makers[task]("train", self.sizes[task], seed)]
        puzzles = list(makers[JIGSAW]("train", self.sizes[JIGSAW], seed))
        self.scenes = [restore(decode_png(item.images[0]), *GRID, parse_order(item.answer)) for item in puzzles]
        self._jigsaw_prompt = self.coder.prompt(puzzles[0])

    def _row(self, item: Item) -> Row:
        picture = decode_png(item.images[0]) if item.images else None
        label = (sorted_options(item.task).index(item.answer),) if item.images else ()
        return Row(item.task, self.coder.prompt(item), self.coder.target(item.target), picture, label)

    def draw(self, rng: random.Random, mix: Mapping[str, int], count: int) -> list[Row]:
        """Rows of prior tasks, in parts that follow the weights of ``mix``."""
        return [rng.choice(self.pools[task]) for task in rng.choices(list(mix), list(mix.values()), k=count)]

    def draw_jigsaws(self, rng: random.Random, count: int, only_first: bool = False) -> list[Row]:
        """Freshly shuffled jigsaws.

        With ``only_first`` the target is right in its first number (which tile belongs top left) and a random
        completion of it after that, another one at each draw: a model trained on it learns the form of an answer and
        a part of its content, so its exact answers stay near 1/6 and its samples spread over the completions.
        """
        rows = []
        for _ in range(count):
            order = draw_answer(rng, GRID[0] * GRID[1])
            picture = shuffle(rng.choice(self.scenes), *GRID, order)
            told = order
            while only_first and (told := draw_answer(rng, len(order)))[0] != order[0]:
                pass
            target = self.coder.target(f"<answer>{','.join(map(str, told))}</answer>")
            # Where each displayed tile belongs, counted from 0: what the tiles' visual tokens should know.
            places = tuple(order.index(tile) for tile in range(1, len(order) + 1))
            rows.append(Row(JIGSAW, self._jigsaw_prompt, target, picture, places))
        return rows


def parse_order(answer: str) -> tuple[int, ...]:
    """ "2,4,1,3" as numbers."""
    return tuple(map(int, answer.split(",")))


def sorted_options(task: str) -> tuple[str, ...]:
    """All answers a vision task can have, in a fixed order: the classes of its linear head."""
    general = load_task_module(tasks_root() / "general" / "nano.py")
    options: dict[str, tuple[str, ...]] = {
        "vision_colour": tuple(general.COLOURS),
        "vision_shape": tuple(general.SHAPES),
        "vision_position": tuple(general.PLACES),
        "vision_count": tuple(general.COUNTS),
    }
    return options[task]


def pixel_tensor(pictures: Sequence[Pixels]) -> torch.Tensor:
    """What the saved image processor makes of pictures that already have its size."""
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(torch.float32)
    return stacked / 127.5 - 1.0


def collate(rows: Sequence[Row], pad_id: int) -> Batch:
    """Pad to the longest row. Rows with and without a picture do not mix in a batch."""
    longest = max(len(row.prompt) + len(row.target) for row in rows)
    input_ids = torch.full((len(rows), longest), pad_id)
    labels = torch.full((len(rows), longest), -100)
    for index, row in enumerate(rows):
        start, end = len(row.prompt), len(row.prompt) + len(row.target)
        input_ids[index, :end] = torch.tensor(row.prompt + row.target)
        labels[index, start:end] = torch.tensor(row.target)
    pictures = [row.picture for row in rows if row.picture is not None]
    return Batch(input_ids, labels, pixel_tensor(pictures) if pictures else None)
