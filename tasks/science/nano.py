"""Science facts and computed answers, written freely (chance level 0).

    science_facts     What is the chemical symbol of iron?                                -> Fe
    science_facts     Which power of ten does the prefix kilo stand for?                  -> 3
    science_computed  What is the molar mass of water (H2O) in whole grams per mole?      -> 18
    science_computed  How many metres are 7 kilometres?                                   -> 7000

Element data and molar masses come from molmass, prefixes and units from scipy.constants. A fact (and the molar mass
of a compound) is held out in some of its wordings, so the test asks for something the model was told in other words;
a unit conversion is held out by its value, whatever the wording.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from molmass import ELEMENTS, Formula
from scipy import constants

from harness import plugin
from harness.items import Item, Split, draw_items
from harness.plugin import Generator, loader

# Opening words are not part of what is held out: a wording is new to the model with every one of them.
_OPENINGS = ("", "Please answer: ", "Quick question: ", "Do you know this? ")

# The first 38 elements and the well-known ones after them.
_ATOMIC_NUMBERS = (*range(1, 39), 46, 47, 48, 50, 53, 54, 55, 56, 74, 78, 79, 80, 82, 83, 86, 88, 92, 94)
_PREFIXES = (
    *("exa", "peta", "tera", "giga", "mega", "kilo", "hecto"),
    *("deci", "centi", "milli", "micro", "nano", "pico", "femto", "atto"),
)

_SYMBOL_OF_NAME = (
    "What is the chemical symbol of {name}?",
    "Which symbol does {name} have?",
    "How do chemists abbreviate {name}?",
    "Give the symbol of the element {name}.",
    "What stands for {name} in the periodic table?",
    "Write down the symbol for {name}.",
)
_NAME_OF_SYMBOL = (
    "Which element has the symbol {symbol}?",
    "What is the name of the element {symbol}?",
    "Which element does {symbol} stand for?",
    "Name the element written as {symbol}.",
    "What does {symbol} mean in the periodic table?",
    "In a formula you read {symbol}. Which element is it?",
)
_NUMBER_OF_NAME = (
    "What is the atomic number of {name}?",
    "How many protons does an atom of {name} have?",
    "Which atomic number does {name} have?",
    "Give the number of {name} in the periodic table.",
    "How many protons are in the nucleus of {name}?",
    "At which number do you find {name} in the periodic table?",
)
_NAME_OF_NUMBER = (
    "Which element has the atomic number {number}?",
    "Which element has {number} protons?",
    "Name the element with atomic number {number}.",
    "What is element number {number} called?",
    "An atom has {number} protons. Which element is it?",
    "Which element is at number {number} in the periodic table?",
)
_EXPONENT_OF_PREFIX = (
    "Which power of ten does the prefix {prefix} stand for?",
    "Ten to the power of what is meant by {prefix}?",
    "What is the exponent of ten for the prefix {prefix}?",
    "The prefix {prefix} multiplies a unit by ten to which power?",
    "Give the power of ten of the unit prefix {prefix}.",
    "Which exponent belongs to the prefix {prefix}?",
)
_PREFIX_OF_EXPONENT = (
    "Which prefix stands for ten to the power of {exponent}?",
    "What is the unit prefix for ten to the power of {exponent}?",
    "Name the prefix for the exponent {exponent}.",
    "Which prefix multiplies a unit by ten to the power of {exponent}?",
    "Give the unit prefix with the exponent {exponent}.",
    "Which unit prefix belongs to the exponent {exponent}?",
)
_MOLAR_MASS = (
    "What is the molar mass of {name} ({formula}) in whole grams per mole?",
    "How many grams, to the nearest gram, does one mole of {name} weigh?",
    "Give the molar mass of {formula}, rounded to whole g/mol.",
    "What does one mole of {formula} weigh, rounded to a whole gram?",
    "Round the molar mass of {name} to whole g/mol.",
    "Work out the molar mass of {name} ({formula}) to the nearest g/mol.",
)
_CONVERSION = (
    "How many {to} are {value} {unit}?",
    "Convert {value} {unit} to {to}.",
    "What are {value} {unit} in {to}?",
    "Write {value} {unit} as {to}.",
)
_TEMPERATURE = (
    "What is {value} degrees Celsius in kelvin, rounded down?",
    "Convert {value} degrees Celsius to whole kelvin, rounded down.",
    "How many whole kelvin are {value} degrees Celsius?",
)

# Larger unit, smaller unit, how many of the smaller one make the larger one.
_UNITS = (
    ("kilometres", "metres", constants.kilo),
    ("kilograms", "grams", constants.kilo),
    ("metres", "centimetres", 1 / constants.centi),
    ("metres", "millimetres", 1 / constants.milli),
    ("centimetres", "millimetres", constants.centi / constants.milli),
    ("litres", "millilitres", constants.liter / (constants.centi**3)),
    ("tonnes", "kilograms", constants.metric_ton),
    ("hectares", "square metres", constants.hectare),
    ("bars", "pascals", constants.bar),
)

_COMPOUNDS = {
    "water": "H2O",
    "carbon dioxide": "CO2",
    "carbon monoxide": "CO",
    "table salt": "NaCl",
    "ammonia": "NH3",
    "methane": "CH4",
    "ethane": "C2H6",
    "propane": "C3H8",
    "butane": "C4H10",
    "ethylene": "C2H4",
    "acetylene": "C2H2",
    "benzene": "C6H6",
    "methanol": "CH4O",
    "ethanol": "C2H6O",
    "acetone": "C3H6O",
    "acetic acid": "C2H4O2",
    "glucose": "C6H12O6",
    "sucrose": "C12H22O11",
    "urea": "CH4N2O",
    "caffeine": "C8H10N4O2",
    "aspirin": "C9H8O4",
    "ozone": "O3",
    "hydrogen peroxide": "H2O2",
    "hydrogen chloride": "HCl",
    "hydrogen sulfide": "H2S",
    "sulfuric acid": "H2SO4",
    "nitric acid": "HNO3",
    "phosphoric acid": "H3PO4",
    "sodium hydroxide": "NaOH",
    "potassium hydroxide": "KOH",
    "calcium carbonate": "CaCO3",
    "calcium oxide": "CaO",
    "calcium hydroxide": "Ca(OH)2",
    "baking soda": "NaHCO3",
    "washing soda": "Na2CO3",
    "potassium chloride": "KCl",
    "potassium nitrate": "KNO3",
    "potassium permanganate": "KMnO4",
    "magnesium oxide": "MgO",
    "magnesium sulfate": "MgSO4",
    "copper sulfate": "CuSO4",
    "silver nitrate": "AgNO3",
    "iron oxide": "Fe2O3",
    "alumina": "Al2O3",
    "silica": "SiO2",
    "sulfur dioxide": "SO2",
    "nitrogen dioxide": "NO2",
    "laughing gas": "N2O",
    "titanium dioxide": "TiO2",
    "zinc oxide": "ZnO",
}


class _Fact(NamedTuple):
    """Something to be told and asked: its name, its group, the filled-in wordings, the answer, the sentence."""

    key: str
    group: str
    wordings: tuple[str, ...]
    answer: str
    sentence: str


def science_facts(split: Split, count: int, seed: int) -> Iterator[Item]:
    """Elements and unit prefixes; a (fact, wording) pair belongs to one split."""
    return draw_items(
        split,
        count,
        random.Random(f"science_facts:{split}:{seed}"),
        lambda rng: _ask("science_facts", rng.choice(_facts()), rng),
    )


def science_computed(split: Split, count: int, seed: int) -> Iterator[Item]:
    """Molar masses, unit conversions and temperatures."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        if rng.random() < 0.4:
            return _ask("science_computed", rng.choice(_molar_masses()), rng)
        return _convert(rng)

    return draw_items(split, count, random.Random(f"science_computed:{split}:{seed}"), propose)


@cache
def _facts() -> tuple[_Fact, ...]:
    found = []
    for number in _ATOMIC_NUMBERS:
        element = ELEMENTS[number]
        name, symbol = element.name.lower(), element.symbol
        slots = {"name": name, "symbol": symbol, "number": number}
        for kind, wordings, answer, sentence in (
            ("symbol of name", _SYMBOL_OF_NAME, symbol, f"The symbol of {name} is {symbol}."),
            ("name of symbol", _NAME_OF_SYMBOL, name, f"{symbol} is {name}."),
            ("number of name", _NUMBER_OF_NAME, str(number), f"The number of {name} is {number}."),
            ("name of number", _NAME_OF_NUMBER, name, f"Element {number} is {name}."),
        ):
            filled = tuple(wording.format(**slots) for wording in wordings)
            found.append(_Fact(f"{kind}:{name}", kind, filled, answer, sentence))
    for prefix in _PREFIXES:
        exponent = int(f"{getattr(constants, prefix):.0e}".split("e")[1])
        slots = {"prefix": prefix, "exponent": exponent}
        sentence = f"{prefix.capitalize()} means 10^{exponent}."
        for kind, wordings, answer in (
            ("exponent of prefix", _EXPONENT_OF_PREFIX, str(exponent)),
            ("prefix of exponent", _PREFIX_OF_EXPONENT, prefix),
        ):
            filled = tuple(wording.format(**slots) for wording in wordings)
            found.append(_Fact(f"{kind}:{prefix}", kind, filled, answer, sentence))
    return tuple(found)


@cache
def _molar_masses() -> tuple[_Fact, ...]:
    found = []
    for name, formula in _COMPOUNDS.items():
        mass = str(round(Formula(formula).mass))
        filled = tuple(wording.format(name=name, formula=formula) for wording in _MOLAR_MASS)
        sentence = f"One mole of {formula} weighs {mass} grams."
        found.append(_Fact(f"molar mass:{formula}", "molar mass", filled, mass, sentence))
    return tuple(found)


def _ask(task: str, fact: _Fact, rng: random.Random) -> tuple[str, Item]:
    """One wording of a fact; the key leaves the opening words out."""
    wording = rng.randrange(len(fact.wordings))
    item = Item(
        task=task,
        question=rng.choice(_OPENINGS) + fact.wordings[wording],
        answer=fact.answer,
        target=f"{fact.sentence} The answer is {fact.answer}.",
        guess_rate=0,
        group=fact.group,
        cluster_id=fact.key,
    )
    return f"science:{fact.key}:{wording}", item


def _convert(rng: random.Random) -> tuple[str, Item]:
    """A unit conversion or a temperature; the key is the value, so its answer is new in every wording."""
    value = rng.randint(2, 99)
    if rng.random() < 0.2:
        answer, group = str(int(value + constants.zero_Celsius)), "temperature"
        question = rng.choice(_TEMPERATURE).format(value=value)
        sentence = f"{value}+{int(constants.zero_Celsius)}={answer}."
        key = f"temperature:{value}"
    else:
        unit, smaller, factor = rng.choice(_UNITS)
        answer, group = str(value * round(factor)), "unit conversion"
        question = rng.choice(_CONVERSION).format(value=value, unit=unit, to=smaller)
        sentence = f"{value}*{round(factor)}={answer}."
        key = f"conversion:{unit}:{smaller}:{value}"
    item = Item(
        task="science_computed",
        question=rng.choice(_OPENINGS) + question,
        answer=answer,
        target=f"{sentence} The answer is {answer}.",
        guess_rate=0,
        group=group,
        cluster_id=key,
    )
    return f"science:{key}", item


TASKS: dict[str, Generator] = {
    "science_facts": science_facts,
    "science_computed": science_computed,
}

load = plugin.loader(TASKS)

load = loader(TASKS)
