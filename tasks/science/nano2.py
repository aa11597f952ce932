"""Facts and units with a short working, or the answer alone.

    science_symbols  What is the chemical symbol of iron?     -> The element iron is written Fe. <answer>Fe</answer>
    science_units    How many days are 3 weeks? Answer only.  -> <answer>21</answer>

A fact, and a conversion, is held out in some of its wordings: the test asks for something that the model was told in
other words.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from molmass import ELEMENTS

from harness.answers import with_working
from harness.items import Item, Split, draw_items
from harness.plugin import Generator, loader

# The first 20 elements and the well-known ones after them.
_ATOMIC_NUMBERS = (*range(1, 21), 24, 25, 26, 28, 29, 30, 35, 47, 50, 53, 56, 74, 78, 79, 80, 82, 86, 92)
_SYMBOL = (
    "What is the chemical symbol of {name}?",
    "Which symbol does {name} have?",
    "How do chemists write {name}?",
    "Give the symbol of the element {name}.",
    "What stands for {name} in the periodic table?",
    "Write down the symbol for {name}.",
)
_NAME = (
    "Which element has the symbol {symbol}?",
    "What is the name of the element {symbol}?",
    "Which element does {symbol} stand for?",
    "Name the element written as {symbol}.",
    "What does {symbol} mean in the periodic table?",
    "In a formula you read {symbol}. Which element is it?",
)
# Larger unit and its plural, smaller unit, how many of the smaller one make the larger one.
_UNITS = (
    ("week", "weeks", "days", 7),
    ("pair", "pairs", "shoes", 2),
    ("yard", "yards", "feet", 3),
    ("gallon", "gallons", "quarts", 4),
    ("hand", "hands", "fingers", 5),
    ("spider", "spiders", "legs", 8),
    ("insect", "insects", "legs", 6),
    ("kilometre", "kilometres", "metres", 1000),
    ("metre", "metres", "centimetres", 100),
    ("centimetre", "centimetres", "millimetres", 10),
)
_CONVERSION = (
    "How many {smaller} are {value} {units}?",
    "Convert {value} {units} to {smaller}.",
    "What are {value} {units} in {smaller}?",
    "How many {smaller} do {value} {units} make?",
    "Count the {smaller} of {value} {units}.",
    "Give {value} {units} in {smaller}.",
)
# Opening words are not part of what is held out.
_OPENINGS = ("", "Please answer: ", "Quick question: ", "Do you know this? ")


def science_symbols(split: Split, count: int, seed: int) -> Iterator[Item]:
    """Symbols of elements and elements of symbols."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        element = ELEMENTS[rng.choice(_ATOMIC_NUMBERS)]
        name, symbol = element.name.lower(), element.symbol
        wordings, answer = rng.choice(((_SYMBOL, symbol), (_NAME, name)))
        wording = rng.randrange(len(wordings))
        question = rng.choice(_OPENINGS) + wordings[wording].format(name=name, symbol=symbol)
        working = f"The element {name} is written {symbol}."
        fact = f"symbol:{answer}"
        return f"nano2:{fact}:{wording}", with_working(
            "science_symbols", question, working, answer, answer_only=rng.random() < 0.5, cluster_id=fact
        )

    return draw_items(split, count, random.Random(f"science_symbols:{split}:{seed}"), propose)


def science_units(split: Split, count: int, seed: int) -> Iterator[Item]:
    """From a larger unit to a smaller one, 2 to 9 of it."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        unit, units, smaller, factor = rng.choice(_UNITS)
        value, wording = rng.randint(2, 9), rng.randrange(len(_CONVERSION))
        asked = _CONVERSION[wording].format(value=value, units=units, smaller=smaller)
        answer = str(value * factor)
        working = f"One {unit} is {factor} {smaller}. {value} times {factor} is {answer}."
        fact = f"unit:{unit}:{value}"
        return f"nano2:{fact}:{wording}", with_working(
            "science_units",
            rng.choice(_OPENINGS) + asked,
            working,
            answer,
            answer_only=rng.random() < 0.5,
            cluster_id=fact,
        )

    return draw_items(split, count, random.Random(f"science_units:{split}:{seed}"), propose)


TASKS: dict[str, Generator] = {"science_symbols": science_symbols, "science_units": science_units}

load = loader(TASKS)
