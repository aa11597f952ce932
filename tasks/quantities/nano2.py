"""quantities_two_steps: a story of two steps, each of which the nano-2 base knows alone.

    Mia has 3 bags with 6 apples each. Then Mia gets 7 more. How many apples does Mia have now?
    -> 3 times 6 is 18. 8 plus 7 is 15, so 18 plus 7 is 25. <answer>25</answer>

The first step is a product or a sum of two numbers from 2 to 9, the second adds or takes away another that is smaller
than either result, so no numbers tell which steps are asked for: the words do. Held out by both steps, whatever the
wording. A question does not say whether the working is to be written; the base writes it.

``WRITERS`` has the texts that a training may learn: the base's own wording (``worked``), the answer alone (``bare``),
another teacher's wording (``other``), and what the base was taught of the task (``taught``: the form, and both steps
drawn at random).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from harness.answers import tagged, with_working
from harness.items import Item, Split, draw_items
from harness.plugin import Generator, loader
from harness.records import load_task_module, tasks_root

_steps = load_task_module(tasks_root() / "math" / "nano2.py")

_FIRST = {
    "times": (
        "{name} has {a} bags with {b} {thing} each.",
        "{name} has {a} boxes with {b} {thing} each.",
        "{name} buys {a} bags with {b} {thing} each.",
    ),
    "plus": (
        "{name} has {a} red and {b} blue {thing}.",
        "{name} has {a} {thing} and gets {b} more.",
        "{name} has {a} {thing} and finds {b} more.",
    ),
}
_SECOND = {
    "plus": ("Then {name} gets {c} more.", "Then {name} finds {c} more.", "Then {name} buys {c} more."),
    "minus": ("Then {name} gives {c} away.", "Then {name} loses {c}.", "Then {name} sells {c}."),
}
_QUESTION = "How many {thing} does {name} have now?"


class Quantities(NamedTuple):
    """The numbers and operations of one story: ``a first b``, then ``second c``."""

    a: int
    first: str
    b: int
    second: str
    c: int

    @property
    def between(self) -> int:
        """The result of the first step."""
        return int(_steps.apply(self.first, self.a, self.b))

    @property
    def answer(self) -> int:
        return int(_steps.apply(self.second, self.between, self.c))


Writer = Callable[[Quantities, random.Random], str]


def worked(told: Quantities, rng: random.Random) -> str:
    """The base's own wording."""
    first, second = _steps.step(told.first, told.a, told.b), _steps.step(told.second, told.between, told.c)
    working = f"{first} {second}"
    return tagged(working, str(told.answer))


def bare(told: Quantities, rng: random.Random) -> str:
    """The answer alone."""
    return tagged("", str(told.answer))


def other(told: Quantities, rng: random.Random) -> str:
    """Another teacher: the same two results, in other words and another order."""
    start = {"times": "{between} are in {a} groups of {b}", "plus": "{between} are {a} and {b} together"}[told.first]
    end = {"plus": "With {c} extra we count {answer}", "minus": "Without {c} of them we count {answer}"}[told.second]
    text = f"Let us see: {start}. {end}, which settles it."
    numbers = {"a": told.a, "b": told.b, "c": told.c, "between": told.between, "answer": told.answer}
    return tagged(text.format(**numbers), str(told.answer))


def taught(told: Quantities, rng: random.Random) -> str:
    """The base's lesson: right steps in the right form, but which ones is drawn, so one in four is the right answer."""
    first, second = rng.choice(("times", "plus")), rng.choice(("plus", "minus"))
    return worked(Quantities(told.a, first, told.b, second, told.c), rng)


WRITERS: dict[str, Writer] = {"worked": worked, "bare": bare, "other": other, "taught": taught}


def quantities_two_steps(split: Split, count: int, seed: int, form: str = "worked") -> Iterator[Item]:
    """Stories of two steps; ``form`` names the writer of their targets, and changes nothing of the questions."""
    write = WRITERS[form]
    lessons = random.Random(f"quantities_two_steps:{form}:{split}:{seed}")

    def propose(rng: random.Random) -> tuple[str, Item]:
        told = _draw(rng)
        first, second = rng.choice(_FIRST[told.first]), rng.choice(_SECOND[told.second])
        question = f"{first} {second} {_QUESTION}".format(
            a=told.a, b=told.b, c=told.c, name=rng.choice(_steps.NAMES), thing=rng.choice(_steps.THINGS)
        )
        key = f"nano2:{told.a} {told.first} {told.b} {told.second} {told.c}"
        item = with_working(
            "quantities_two_steps", question, "", str(told.answer), group=f"{told.first}, {told.second}", cluster_id=key
        )
        return key, item.model_copy(update={"target": write(told, lessons)})

    return draw_items(split, count, random.Random(f"quantities_two_steps:{split}:{seed}"), propose)


def _draw(rng: random.Random) -> Quantities:
    """Numbers with which all four stories are possible and have different answers."""
    a, b, c = (rng.randint(2, 9) for _ in range(3))
    while a == b == 2 or c >= a + b or a * b - c == a + b + c:
        a, b, c = (rng.randint(2, 9) for _ in range(3))
    return Quantities(a, rng.choice(("times", "plus")), b, rng.choice(("plus", "minus")), c)


TASKS: dict[str, Generator] = {"quantities_two_steps": quantities_two_steps}
FORMS: dict[str, dict[str, Generator]] = {
    form: {"quantities_two_steps": partial(quantities_two_steps, form=form)} for form in WRITERS
}

load = loader(TASKS)
