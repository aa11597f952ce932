"""Single steps with whole numbers, as stories: what the two steps of ``quantities_two_steps`` are made of.

    math_plus   Mia has 27 marbles and gets 5 more. How many marbles does Mia have now?
                -> That is 27 plus 5. 7 plus 5 is 12, so 27 plus 5 is 32. <answer>32</answer>
    math_minus  Mia has 62 marbles and gives 5 away. How many marbles does Mia have now? Answer only.
                -> <answer>57</answer>
    math_times  Mia has 7 bags with 5 marbles each. How many marbles does Mia have?
                -> That is 7 times 5. 7 times 5 is 35. <answer>35</answer>

Half of the questions ask for the answer alone. A sum or a difference is held out by its numbers, whatever the wording;
of a product, which there are few of, some wordings are held out.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from harness.answers import with_working
from harness.items import Item, Split, draw_items
from harness.plugin import Generator, loader

NAMES = ("Mia", "Tom", "Lena", "Omar", "Anna", "Ben", "Sara", "Paul", "Nina", "Ali", "Eva", "Max")
THINGS = ("apples", "marbles", "books", "coins", "stamps", "shells", "cards", "pencils", "eggs", "balls")
# The largest sum or minuend, and the largest number that is added, taken away or multiplied.
LARGEST, SMALL = 98, 9

_PLUS = (
    "{name} has {a} {thing} and gets {b} more. How many {thing} does {name} have now?",
    "{name} has {a} {thing} and finds {b} more. How many {thing} does {name} have now?",
    "{name} has {a} red and {b} blue {thing}. How many {thing} does {name} have?",
    "What is {a} plus {b}?",
)
_MINUS = (
    "{name} has {a} {thing} and gives {b} away. How many {thing} does {name} have now?",
    "{name} has {a} {thing} and loses {b}. How many {thing} does {name} have now?",
    "What is {a} minus {b}?",
)
_TIMES = (
    "{name} has {a} bags with {b} {thing} each. How many {thing} does {name} have?",
    "{name} has {a} boxes with {b} {thing} each. How many {thing} does {name} have?",
    "There are {a} boxes with {b} {thing} each. How many {thing} are there?",
    "There are {a} bags with {b} {thing} each. How many {thing} are there?",
    "{name} buys {a} bags with {b} {thing} each. How many {thing} does {name} buy?",
    "{name} buys {a} boxes with {b} {thing} each. How many {thing} does {name} buy?",
    "How much is {a} times {b}?",
    "What is {a} times {b}?",
)


def apply(operation: str, a: int, b: int) -> int:
    """``a`` plus, minus or times ``b``."""
    return {"plus": a + b, "minus": a - b, "times": a * b}[operation]


def step(operation: str, a: int, b: int) -> str:
    """One step in a sentence; of sums and differences the ones come first, as on paper."""
    whole = f"{a} {operation} {b} is {apply(operation, a, b)}."
    if operation == "times":
        return whole
    ones, other = a % 10, b % 10
    if operation == "minus" and ones < other:
        ones += 10
    if (ones, other) == (a, b):
        return whole
    return f"{ones} {operation} {other} is {apply(operation, ones, other)}, so {whole}"


def math_plus(split: Split, count: int, seed: int) -> Iterator[Item]:
    """Sums of at most 98, whose second number has one digit."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        b = rng.randint(2, SMALL)
        return _asked("math_plus", "plus", rng.randint(2, LARGEST - b), b, _PLUS, rng)

    return draw_items(split, count, random.Random(f"math_plus:{split}:{seed}"), propose)


def math_minus(split: Split, count: int, seed: int) -> Iterator[Item]:
    """Differences of a number up to 98 and one of one digit, at least 1."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        b = rng.randint(2, SMALL)
        return _asked("math_minus", "minus", rng.randint(b + 1, LARGEST), b, _MINUS, rng)

    return draw_items(split, count, random.Random(f"math_minus:{split}:{seed}"), propose)


def math_times(split: Split, count: int, seed: int) -> Iterator[Item]:
    """Products of numbers from 2 to 9."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        a, b = rng.randint(2, SMALL), rng.randint(2, SMALL)
        return _asked("math_times", "times", a, b, _TIMES, rng)

    return draw_items(split, count, random.Random(f"math_times:{split}:{seed}"), propose)


def _asked(
    task: str, operation: str, a: int, b: int, wordings: tuple[str, ...], rng: random.Random
) -> tuple[str, Item]:
    wording = rng.randrange(len(wordings))
    question = wordings[wording].format(a=a, b=b, name=rng.choice(NAMES), thing=rng.choice(THINGS))
    fact = f"nano2:{a} {operation} {b}"
    key = f"{fact}:{wording}" if operation == "times" else fact
    working = f"That is {a} {operation} {b}. {step(operation, a, b)}"
    return key, with_working(
        task, question, working, str(apply(operation, a, b)), answer_only=rng.random() < 0.5, cluster_id=fact
    )


TASKS: dict[str, Generator] = {"math_plus": math_plus, "math_minus": math_minus, "math_times": math_times}

load = loader(TASKS)
