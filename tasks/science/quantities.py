"""Computed science questions with exact answers: amounts, formulas, gases, light, decay, crosses, acids, throws.

    science_quantities         How many grams are 0.25 mol of calcium nitrate, Ca(NO3)2?
                               Give three significant figures. End with "Answer:" and the number in g.     -> 41.0
    science_quantities_choice  The same questions with four options, three of them what a typical slip leads to.

Chance level 0 and 1/4. An answer is right within 1 % (three figures are half of that; the constants are stated).
Masses come from molmass, constants from scipy. A question is held out by its quantities, whatever form it is asked in,
so that the two tasks hold out the same ones. Values near the edge of a rounding are not drawn: the text of every item
is the same on every machine.
"""

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from typing import Any

from molmass import Formula
from scipy import constants

from harness import plugin
from harness.answers import forms, shuffled
from harness.items import Item, Split, draw_items
from harness.plugin import Generator

# Largest relative error of a right answer.
TOLERANCE = 0.01
_GAS = 8.314
_GRAVITY = 9.81
_PLANCK_LIGHT = constants.h * constants.c
_NEAR_EDGE = 1e-6
# How far apart two options are at least, so that rounding never decides between them.
_APART = 0.05
_FACTORS = (2.0, 0.5, 10.0, 0.1, 1.5, 0.25, 3.0)

# Name, formula and charge of an ion.
_CATIONS = (
    *(
        "sodium Na 1",
        "potassium K 1",
        "lithium Li 1",
        "silver Ag 1",
        "ammonium NH4 1",
        "calcium Ca 2",
        "magnesium Mg 2",
    ),
    *("barium Ba 2", "zinc Zn 2", "copper(II) Cu 2", "iron(II) Fe 2", "iron(III) Fe 3", "aluminium Al 3"),
    "chromium(III) Cr 3",
)
_ANIONS = (
    *("chloride Cl 1", "bromide Br 1", "iodide I 1", "nitrate NO3 1", "hydroxide OH 1", "sulfate SO4 2"),
    *("carbonate CO3 2", "sulfide S 2", "phosphate PO4 3"),
)
# Name and half-life in days.
_NUCLIDES = (
    *("iodine-131 8.02", "phosphorus-32 14.3", "radon-222 3.82", "gold-198 2.69", "technetium-99m 0.25"),
    *("cobalt-60 1925", "sodium-24 0.625", "chromium-51 27.7", "iron-59 44.5", "caesium-137 11000"),
)
_TRAITS = (
    *(("A", "a", "tall", "short"), ("B", "b", "purple flowers", "white flowers")),
    ("D", "d", "round seeds", "wrinkled seeds"),
)
_ACIDS = ("hydrochloric acid, HCl", "nitric acid, HNO3", "hydrobromic acid, HBr", "perchloric acid, HClO4")
_BASES = ("sodium hydroxide, NaOH", "potassium hydroxide, KOH", "lithium hydroxide, LiOH")


@dataclass(frozen=True)
class _Quantity:
    """One question: its value in ``unit``, how it is worked out, and the values of typical slips.

    ``key`` names the quantities that decide it. ``exact`` values are written in full, others with three figures.
    """

    key: str
    question: str
    value: float
    unit: str
    working: str
    slips: tuple[float, ...]
    exact: bool = False

    def written(self, value: float) -> str:
        if self.exact:
            return f"{Decimal(value).normalize():f}"
        last = math.floor(math.log10(abs(value))) - 2
        return f"{Decimal(value).quantize(Decimal(1).scaleb(last)):f}"

    @property
    def clear(self) -> bool:
        """Whether the value is in a range that is written plainly, and not near the edge of a rounding."""
        if self.exact:
            return True
        if not 0.01 <= abs(self.value) < 1e5:
            return False
        scaled = abs(self.value) * 10.0 ** (2 - math.floor(math.log10(abs(self.value))))
        return abs(scaled % 1 - 0.5) > _NEAR_EDGE * scaled

    @property
    def options(self) -> tuple[str, ...]:
        """The right value and three others, each clearly apart from the rest, in an order drawn from the question."""
        kept = [self.value]
        steps = [self.value + step for step in (1, -1, 2, 3)] if self.exact else []
        for value in (*self.slips, *steps, *(self.value * factor for factor in _FACTORS)):
            apart = all(abs(value - other) > _APART * max(abs(value), abs(other)) for other in kept)
            # A coefficient that is no whole number would give itself away.
            if len(kept) < 4 and value > 0 and apart and (self.unit or value.is_integer() or not self.exact):
                kept.append(value)
        return tuple(shuffled([f"{self.written(value)} {self.unit}".strip() for value in kept], self.question))


def _salt(rng: random.Random) -> tuple[str, str]:
    """Name and formula of a salt whose charges cancel."""
    cation, metal, plus = rng.choice(_CATIONS).split()
    anion, rest, minus = rng.choice(_ANIONS).split()
    common = math.lcm(int(plus), int(minus))
    return f"{cation} {anion}", _group(metal, common // int(plus)) + _group(rest, common // int(minus))


def _group(ion: str, count: int) -> str:
    several = sum(letter.isupper() for letter in ion) > 1
    return ion if count == 1 else f"({ion}){count}" if several else f"{ion}{count}"


@cache
def _mass(formula: str) -> float:
    """Molar mass in g/mol, to two places as a table gives it."""
    return round(float(Formula(formula).mass), 2)


def _mass_of_moles(rng: random.Random) -> _Quantity:
    name, formula = _salt(rng)
    moles = rng.randint(1, 50) / 20
    mass = _mass(formula)
    bare = _mass(formula.replace("(", "").replace(")", "")) if "(" in formula else mass / 2
    return _Quantity(
        f"mass:{formula}:{moles}",
        f"How many grams are {moles:g} mol of {name}, {formula}?",
        moles * mass,
        "g",
        f"The molar mass of {formula} is {mass} g/mol; {moles:g} mol weigh {moles:g} x {mass} g.",
        (mass / moles, moles * bare, moles / mass * 1000),
    )


def _mass_per_cent(rng: random.Random) -> _Quantity:
    name, formula = _salt(rng)
    parts = Formula(formula).composition()
    element = rng.choice(sorted(parts))
    whole, atoms = _mass(formula), parts[element].count
    share = 100 * atoms * _mass(element) / whole
    return _Quantity(
        f"mass per cent:{formula}:{element}",
        f"What percentage of the mass of {name}, {formula}, is the element {element}?",
        share,
        "%",
        f"{atoms} x {_mass(element)} g/mol of {whole} g/mol.",
        (100 * _mass(element) / whole, 100 * atoms / Formula(formula).atoms, 100 - share),
    )


def _balance(rng: random.Random) -> _Quantity:
    """Combustion of C_x H_y O_z: one mole takes x + y/4 - z/2 moles of oxygen."""
    carbon, oxygen = rng.randint(1, 12), rng.randint(0, 2)
    hydrogen = 2 * rng.randint(max(1, carbon // 2), carbon + 1)
    atoms = (("C", carbon), ("H", hydrogen), ("O", oxygen))
    fuel = "".join(f"{symbol}{'' if count == 1 else count}" for symbol, count in atoms if count)
    needed = carbon + Fraction(hydrogen, 4) - Fraction(oxygen, 2)
    each = {fuel: Fraction(1), "O2": needed, "CO2": Fraction(carbon), "H2O": Fraction(hydrogen, 2)}
    whole = math.lcm(*(amount.denominator for amount in each.values()))
    scale = Fraction(whole, math.gcd(*(int(amount * whole) for amount in each.values())))
    asked = rng.choice(("O2", "CO2", "H2O"))
    equation = " + ".join(f"{each[side] * scale} {side}" for side in (fuel, "O2"))
    equation += " -> " + " + ".join(f"{each[side] * scale} {side}" for side in ("CO2", "H2O"))
    value = float(each[asked] * scale)
    others = (float(amount * scale) for substance, amount in each.items() if substance != asked)
    return _Quantity(
        f"balance:{fuel}:{asked}",
        f"{fuel} burns completely in oxygen: {fuel} + O2 -> CO2 + H2O. What is the coefficient of {asked} when the "
        "equation is balanced with the smallest whole numbers?",
        value,
        "",
        f"{equation}.",
        (2 * value, value / 2, *others),
        exact=True,
    )


def _gas_law(rng: random.Random) -> _Quantity:
    moles, litres, celsius = rng.randint(1, 60) / 20, rng.randint(4, 100) / 2, rng.randint(-30, 150)
    kelvin = celsius + 273.15
    if rng.random() < 0.5:
        value = moles * _GAS * kelvin / litres
        asked, unit = f"{moles:g} mol of an ideal gas fill {litres:g} L at {celsius} °C. What is the pressure?", "kPa"
        slips = (moles * _GAS * abs(celsius or 1) / litres, value / 101.325, moles * litres * kelvin / _GAS)
        working = f"p = nRT/V = {moles:g} x {_GAS} x {kelvin:.2f} / {litres:g}."
    else:
        pressure = rng.randint(20, 400)
        value = pressure * litres / (_GAS * kelvin)
        asked, unit = (
            f"An ideal gas fills {litres:g} L at {pressure} kPa and {celsius} °C. How many moles is it?",
            "mol",
        )
        slips = (pressure * litres / (_GAS * abs(celsius or 1)), value * 1000, pressure * litres / kelvin)
        working = f"n = pV/(RT) = {pressure} x {litres:g} / ({_GAS} x {kelvin:.2f})."
        moles = pressure
    return _Quantity(
        f"gas:{unit}:{moles}:{litres}:{celsius}", f"{asked} R = 8.314 J/(mol K).", value, unit, working, slips
    )


def _photon(rng: random.Random) -> _Quantity:
    nanometres = rng.randint(120, 1800)
    value = _PLANCK_LIGHT / (nanometres * constants.nano) / constants.e
    return _Quantity(
        f"photon:{nanometres}",
        f"What is the energy of a photon of wavelength {nanometres} nm? h = 6.626e-34 J s, c = 2.998e8 m/s, "
        "1 eV = 1.602e-19 J.",
        value,
        "eV",
        f"E = hc/wavelength = 1240 eV nm / {nanometres} nm.",
        (nanometres / 1240, value * 1.602, value * 10),
    )


def _half_life(rng: random.Random) -> _Quantity:
    name, days_of_half = rng.choice(_NUCLIDES).split()
    half = float(days_of_half)
    grams, ratio = rng.randint(5, 400), rng.randint(5, 45) / 10
    days = float(f"{half * ratio:.3g}")
    left = grams * 0.5 ** (days / half)
    return _Quantity(
        f"half-life:{name}:{grams}:{days:g}",
        f"The half-life of {name} is {half:g} days. How much of {grams} mg of it is left after {days:g} days?",
        left,
        "mg",
        f"{grams} mg x 0.5^({days:g}/{half:g}).",
        (grams - left, grams * math.exp(-days / half), grams * half / (2 * days)),
    )


def _cross(rng: random.Random) -> _Quantity:
    """Independent genes: the share of offspring with one phenotype is the product over the genes."""
    traits = _TRAITS[: rng.randint(1, len(_TRAITS))]
    share = Fraction(0)
    while not 0 < share < 1:
        share, parents = Fraction(1), ["", ""]
        wanted: list[str] = []
        for high, low, dominant, recessive in traits:
            pair = [rng.choice((high + high, high + low, low + low)) for _ in parents]
            parents = [parent + each for parent, each in zip(parents, pair, strict=True)]
            none = Fraction(pair[0].count(low) * pair[1].count(low), 4)
            shown = rng.random() < 0.5
            share *= 1 - none if shown else none
            wanted.append(dominant if shown else recessive)
    dominance = "; ".join(
        f"{high} ({dominant}) is dominant over {low} ({recessive})" for high, low, dominant, recessive in traits
    )
    value = float(100 * share)
    return _Quantity(
        f"cross:{'x'.join(parents)}:{'+'.join(wanted)}",
        f"In a plant {dominance}. What percentage of the offspring of {parents[0]} x {parents[1]} is expected to have "
        f"{' and '.join(wanted)}? Genes assort independently.",
        value,
        "%",
        f"The genes' shares multiply to {share}.",
        (100 - value, 75.0, 25.0, 50.0, 37.5, 56.25),
        exact=True,
    )


def _ph(rng: random.Random) -> _Quantity:
    millimolar = rng.randint(1, 900) / 10
    acid = rng.random() < 0.5
    name = rng.choice(_ACIDS if acid else _BASES)
    power = -math.log10(millimolar / 1000)
    value = power if acid else 14 - power
    return _Quantity(
        f"ph:{name}:{millimolar}",
        f"What is the pH of a solution of {millimolar:g} mmol/L {name}, at 25 °C? It is fully dissociated.",
        value,
        "",
        f"p{'H' if acid else 'OH'} = -log10({millimolar / 1000:g}){'' if acid else ', pH = 14 - pOH'}.",
        (14 - value, abs(math.log(millimolar / 1000)), abs(math.log10(millimolar)) or 1.0),
    )


def _dilution(rng: random.Random) -> _Quantity:
    stock, volume = rng.randint(10, 120) / 10, rng.randint(5, 100) * 10
    wanted = round(stock * rng.randint(5, 60) / 100, 2)
    value = wanted * volume / stock
    return _Quantity(
        f"dilution:{stock}:{volume}:{wanted}",
        f"How many millilitres of a stock solution of {stock:g} mol/L are needed to make {volume} mL of a solution of "
        f"{wanted:g} mol/L?",
        value,
        "mL",
        f"V = {wanted:g} x {volume} / {stock:g}.",
        (volume - value, stock * volume / wanted, wanted * volume / (stock - wanted)),
    )


def _throw(rng: random.Random) -> _Quantity:
    speed, degrees = rng.randint(5, 80), rng.randint(15, 75)
    angle = math.radians(degrees)
    height = (speed * math.sin(angle)) ** 2 / (2 * _GRAVITY)
    reach = speed**2 * math.sin(2 * angle) / _GRAVITY
    start = f"A ball is thrown from level ground at {speed} m/s, {degrees}° above the horizontal. "
    if rng.random() < 0.5:
        asked, value, working = "How high does it rise?", height, f"h = ({speed} sin {degrees}°)^2 / (2 x 9.81)."
        slips = (2 * height, (speed * math.cos(angle)) ** 2 / (2 * _GRAVITY), reach)
    else:
        asked, value, working = "How far away does it land?", reach, f"R = {speed}^2 sin({2 * degrees}°) / 9.81."
        slips = (reach / 2, speed**2 * math.sin(angle) / _GRAVITY, height)
    return _Quantity(
        f"throw:{speed}:{degrees}:{asked}",
        f"{start}{asked} Take g = 9.81 m/s^2 and no air.",
        value,
        "m",
        working,
        slips,
    )


_TOPICS: dict[str, Callable[[random.Random], _Quantity]] = {
    "mass of an amount": _mass_of_moles,
    "mass per cent": _mass_per_cent,
    "balancing": _balance,
    "gas law": _gas_law,
    "photon energy": _photon,
    "half-life": _half_life,
    "genetics": _cross,
    "pH": _ph,
    "dilution": _dilution,
    "projectile": _throw,
}


def _draw(rng: random.Random) -> tuple[str, _Quantity]:
    """A topic, and a question of it that has a clear value and four options."""
    topic = rng.choice(list(_TOPICS))
    while True:
        drawn = _TOPICS[topic](rng)
        if drawn.clear and len(drawn.options) == 4:
            return topic, drawn


def _open(rng: random.Random) -> tuple[str, Item]:
    topic, drawn = _draw(rng)
    answer = drawn.written(drawn.value)
    figures = "" if drawn.exact else "Give three significant figures. "
    unit = f" in {drawn.unit}" if drawn.unit else ""
    item = Item(
        task="science_quantities",
        question=f'{drawn.question}\n\n{figures}End with "Answer:" and the number{unit}.',
        answer=answer,
        target=f"{drawn.working}\nAnswer: {answer} {drawn.unit}".strip(),
        guess_rate=0,
        group=topic,
        cluster_id=drawn.key,
    )
    return f"science:{drawn.key}", item


def _choice(name: str, rng: random.Random) -> tuple[str, Item]:
    topic, drawn = _draw(rng)
    gold = drawn.options.index(f"{drawn.written(drawn.value)} {drawn.unit}".strip())
    item = forms.lettered(name, drawn.question, drawn.options, gold, group=topic, cluster_id=drawn.key)
    if item is None:
        raise ValueError(f"{drawn.key}: two options are the same {drawn.options}")
    return f"science:{drawn.key}", item


def science_quantities(split: Split, count: int, seed: int) -> Iterator[Item]:
    """Numbers with a unit, answered freely."""
    return draw_items(split, count, random.Random(f"science_quantities:{split}:{seed}"), _open)


def _choices(name: str, split: Split, count: int, seed: int) -> Iterator[Item]:
    """The same kinds of question with four options; the two forms of answer are asked the same ones."""
    return draw_items(split, count, random.Random(f"science_quantities_choice:{split}:{seed}"), partial(_choice, name))


def judge(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """``process_results`` of the open questions: a number within ``TOLERANCE``."""
    return plugin.judge_quantity(doc, results, TOLERANCE)


TASKS: dict[str, Generator] = {
    "science_quantities": science_quantities,
    **{name: partial(_choices, name) for name in ("science_quantities_choice", "science_quantities_choice_letters")},
}

load = plugin.loader(TASKS)
