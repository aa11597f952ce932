"""Procedural arithmetic and one-step word problems; answers are whole numbers, written freely (chance level 0).

    math_arithmetic  What is 27 + 35?                                          -> 62
    math_word        Mia has 27 marbles and gets 35 more. How many marbles
                     does Mia have now?                                        -> 62

Both tasks hold out the same number pairs: a pair asked in the test split of one is in the training split of neither.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from harness import plugin
from harness.items import Item, Split, draw_items
from harness.plugin import Generator, loader

_ADD_WORDINGS = (
    "What is {a} + {b}?",
    "What is {a} plus {b}?",
    "Calculate {a} + {b}.",
    "How much is {a} and {b} together?",
    "Add {b} to {a}.",
    "Work out the sum of {a} and {b}.",
)
_SUBTRACT_WORDINGS = (
    "What is {a} - {b}?",
    "What is {a} minus {b}?",
    "Calculate {a} - {b}.",
    "Take {b} away from {a}. What is left?",
    "Subtract {b} from {a}.",
    "Work out the difference between {a} and {b}.",
)
_ADD_STORIES = (
    "{name} has {a} {thing} and gets {b} more. How many {thing} does {name} have now?",
    "{name} picks {a} {thing} in the morning and {b} in the afternoon. How many {thing} is that in all?",
    "There are {a} {thing} in one box and {b} in another. How many {thing} are there altogether?",
    "{name} has {a} {thing}. {other} has {b}. How many {thing} do they have together?",
    "After {name} gave away {b} {thing}, {a} were left. How many {thing} were there at first?",
)
_SUBTRACT_STORIES = (
    "{name} has {a} {thing} and gives {b} of them to {other}. How many {thing} does {name} have left?",
    "A shop has {a} {thing} and sells {b}. How many {thing} are left?",
    "{name} needs {a} {thing} and has found {b}. How many {thing} are still missing?",
    "{name} has {a} {thing}. {other} has {b}. How many more {thing} does {name} have?",
    "Of {a} {thing} on the table, {b} fall down. How many {thing} stay on the table?",
)
_NAMES = ("Mia", "Tom", "Lena", "Omar", "Anna", "Ben", "Sara", "Paul", "Nina", "Ali", "Eva", "Max")
_THINGS = ("apples", "marbles", "books", "coins", "stamps", "shells", "cards", "pencils", "eggs", "balls")


def math_arithmetic(split: Split, count: int, seed: int) -> Iterator[Item]:
    """Sums and differences of numbers up to 99, worded several ways."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        adding, a, b = _draw_pair(rng)
        question = rng.choice(_ADD_WORDINGS if adding else _SUBTRACT_WORDINGS).format(a=a, b=b)
        return _item("math_arithmetic", adding, a, b, question)

    return draw_items(split, count, random.Random(f"math_arithmetic:{split}:{seed}"), propose)


def math_word(split: Split, count: int, seed: int) -> Iterator[Item]:
    """The same sums and differences told as small stories."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        adding, a, b = _draw_pair(rng)
        name, other = rng.sample(_NAMES, 2)
        story = rng.choice(_ADD_STORIES if adding else _SUBTRACT_STORIES)
        question = story.format(a=a, b=b, name=name, other=other, thing=rng.choice(_THINGS))
        return _item("math_word", adding, a, b, question)

    return draw_items(split, count, random.Random(f"math_word:{split}:{seed}"), propose)


def _draw_pair(rng: random.Random) -> tuple[bool, int, int]:
    """Numbers from 2 to 99; the first is the larger one of a difference, which is at least 1."""
    adding, a, b = rng.random() < 0.5, rng.randint(2, 99), rng.randint(2, 99)
    while not adding and a == b:
        b = rng.randint(2, 99)
    return (adding, a, b) if adding or a > b else (adding, b, a)


def _steps(adding: bool, a: int, b: int) -> str:
    """Ones, then tens, as on paper: with the carry added, or the ten that was borrowed taken off."""
    if adding:
        carried = "+1" if a % 10 + b % 10 > 9 else ""
        ones, tens = f"{a % 10}+{b % 10}={a % 10 + b % 10}", f"{a // 10}+{b // 10}{carried}={(a + b) // 10}"
    else:
        borrowed = a % 10 < b % 10
        top = a % 10 + 10 * borrowed
        ones, tens = f"{top}-{b % 10}={top - b % 10}", f"{a // 10 - borrowed}-{b // 10}={(a - b) // 10}"
    return f"{ones}, {tens}."


def _item(task: str, adding: bool, a: int, b: int, question: str) -> tuple[str, Item]:
    answer, sign = (a + b, "+") if adding else (a - b, "-")
    key = f"math:{max(a, b)}{sign}{min(a, b)}"
    item = Item(
        task=task,
        question=question,
        answer=str(answer),
        target=f"{a}{sign}{b}: {_steps(adding, a, b)} The answer is {answer}.",
        guess_rate=0,
        group="addition" if adding else "subtraction",
        cluster_id=key,
    )
    return key, item


TASKS: dict[str, Generator] = {
    "math_arithmetic": math_arithmetic,
    "math_word": math_word,
}

load = plugin.loader(TASKS)

load = loader(TASKS)
