"""quantities_conversions: a number of units in a smaller one, for a model that completes, after one with its answer.

    Question: How many feet are 5 fathoms?
    Answer: One fathom is 6 feet. 5 times 6 is 30. The answer is 30.

    Question: How many grams do 12 kilograms make?
    Answer:

The example is the same before every question, and no question asks for its unit. It shows a working, so that a
pretrained model writes one; the answer ends where it begins the next question. A unit and its number belong to one
split in all wordings.

``WRITERS`` has the texts that a training may learn: the working of the example (``worked``), the answer alone
(``bare``), and the wording of another teacher (``other``).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from harness.answers import completed
from harness.items import Item, Split, draw_items
from harness.plugin import Generator, loader

TASK = "quantities_conversions"
_LEAST, _MOST = 2, 60


class Conversion(NamedTuple):
    """``value`` of a unit, given in its singular and plural, in the smaller one of which it has ``factor``."""

    unit: str
    units: str
    smaller: str
    factor: int
    value: int

    @property
    def answer(self) -> int:
        return self.value * self.factor


# Unit, its plural, the smaller unit, how many of the smaller one make one.
UNITS = (
    ("kilometre", "kilometres", "metres", 1000),
    ("metre", "metres", "centimetres", 100),
    ("centimetre", "centimetres", "millimetres", 10),
    ("foot", "feet", "inches", 12),
    ("yard", "yards", "feet", 3),
    ("ton", "tons", "kilograms", 1000),
    ("kilogram", "kilograms", "grams", 1000),
    ("pound", "pounds", "ounces", 16),
    ("litre", "litres", "millilitres", 1000),
    ("gallon", "gallons", "quarts", 4),
    ("century", "centuries", "years", 100),
    ("decade", "decades", "years", 10),
    ("year", "years", "months", 12),
    ("week", "weeks", "days", 7),
    ("day", "days", "hours", 24),
    ("hour", "hours", "minutes", 60),
    ("minute", "minutes", "seconds", 60),
    ("euro", "euros", "cents", 100),
    ("dozen", "dozens", "eggs", 12),
    ("pair", "pairs", "shoes", 2),
)
_EXAMPLE = Conversion("fathom", "fathoms", "feet", 6, 5)
_WORDINGS = (
    "How many {smaller} are {value} {units}?",
    "How many {smaller} do {value} {units} make?",
    "{value} {units} are how many {smaller}?",
    "What are {value} {units} in {smaller}?",
)


def worked(asked: Conversion) -> str:
    """The wording of the example: what one unit is, then the product."""
    step = f"One {asked.unit} is {asked.factor} {asked.smaller}. {asked.value} times {asked.factor} is {asked.answer}."
    return f"{step} {bare(asked)}"


def bare(asked: Conversion) -> str:
    """The answer alone."""
    return f"The answer is {asked.answer}."


def other(asked: Conversion) -> str:
    """Another teacher: the same two steps, in other words. Numbers come before their result: a small model that states
    a result first has to guess it."""
    known = f"We know that {asked.factor} {asked.smaller} make one {asked.unit}"
    return f"{known}, so we multiply {asked.value} and {asked.factor} and get {asked.answer}. {bare(asked)}"


WRITERS: dict[str, Callable[[Conversion], str]] = {"worked": worked, "bare": bare, "other": other}


def quantities_conversions(split: Split, count: int, seed: int, form: str = "worked") -> Iterator[Item]:
    """Conversions of 2 to 60 of a unit; ``form`` names the writer of their targets, and changes nothing of the
    questions."""
    write = WRITERS[form]
    before = f"{completed(TASK, _question(_EXAMPLE, 0), '', '').question} {worked(_EXAMPLE)}\n\n"

    def propose(rng: random.Random) -> tuple[str, Item]:
        asked = Conversion(*rng.choice(UNITS), value=rng.randint(_LEAST, _MOST))
        item = completed(TASK, _question(asked, rng.randrange(len(_WORDINGS))), str(asked.answer), "", group=asked.unit)
        key = f"conversion:{asked.unit}:{asked.value}"
        # A target goes on from "Answer:" as the example does, with a space.
        changed = {"question": before + item.question, "target": f" {write(asked)}", "cluster_id": key}
        return key, item.model_copy(update=changed)

    return draw_items(split, count, random.Random(f"{TASK}:{split}:{seed}"), propose)


def _question(asked: Conversion, wording: int) -> str:
    return _WORDINGS[wording].format(value=asked.value, units=asked.units, smaller=asked.smaller)


TASKS: dict[str, Generator] = {TASK: quantities_conversions}
FORMS: dict[str, dict[str, Generator]] = {form: {TASK: partial(quantities_conversions, form=form)} for form in WRITERS}

load = loader(TASKS)
