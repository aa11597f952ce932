"""Long arithmetic and school algebra, generated; answers are numbers, pairs, sets or polynomials (chance level 0).

    math_long_arithmetic  What is 4,071 x 86?                                             -> 350106
    math_algebra          Solve for x: 5x - 7 = 2x + 8.                                   -> 5
                          Differentiate 2x^2 + x - 15 with respect to x.                  -> 4x + 1

Each kind of question has four levels; an item's ``group`` names both. A question belongs to a split by its numbers, not
by its wording, so that nothing asked in the test is in the training split in other words.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction

from harness.answers import asked_freely
from harness.items import Item, Split, draw_items
from harness.plugin import Generator, loader

# What a kind of question gives: the numbers it is made of, the question, the steps, and the answer.
Problem = tuple[str, str, str, str]
Kind = Callable[[random.Random, int], Problem]

_LEVELS = (1, 2, 3, 4)
_ADD = ("What is {a} + {b}?", "Calculate {a} + {b}.", "Find the sum of {a} and {b}.", "Add {a} and {b}.")
_SUBTRACT = ("What is {a} - {b}?", "Calculate {a} - {b}.", "Subtract {b} from {a}.", "What is {a} minus {b}?")
_MULTIPLY = ("What is {a} x {b}?", "Calculate {a} x {b}.", "Find the product of {a} and {b}.", "Multiply {a} by {b}.")
_DIVIDE = ("What is {a} / {b}?", "Divide {a} by {b}.", "How often does {b} go into {a}?", "Calculate {a} / {b}.")


def math_long_arithmetic(split: Split, count: int, seed: int) -> Iterator[Item]:
    """Sums, differences, products, quotients, decimals and terms with brackets, of numbers with up to 12 digits."""
    return _drawn("math_long_arithmetic", _ARITHMETIC, split, count, seed)


def math_algebra(split: Split, count: int, seed: int) -> Iterator[Item]:
    """Equations, systems, quadratics, products of brackets, derivatives, values, sequences and roots."""
    return _drawn("math_algebra", _ALGEBRA, split, count, seed)


def _drawn(task: str, kinds: dict[str, Kind], split: Split, count: int, seed: int) -> Iterator[Item]:
    def propose(rng: random.Random) -> tuple[str, Item]:
        kind, level = rng.choice(sorted(kinds)), rng.choice(_LEVELS)
        numbers, question, steps, answer = kinds[kind](rng, level)
        key = f"math:{kind}:{numbers}"
        return key, asked_freely(task, question, answer, steps, group=f"{kind} {level}", cluster_id=key)

    return draw_items(split, count, random.Random(f"{task}:{split}:{seed}"), propose)


def _whole(rng: random.Random, digits: int) -> int:
    return rng.randint(10 ** (digits - 1) + 1, 10**digits - 1)


def _addition(rng: random.Random, level: int) -> Problem:
    digits = (3, 5, 8, 12)[level - 1]
    a, b = _whole(rng, digits), _whole(rng, digits)
    question = rng.choice(_ADD).format(a=a, b=b)
    return f"{max(a, b)}+{min(a, b)}", question, f"{a} + {b} = {a + b}.", str(a + b)


def _subtraction(rng: random.Random, level: int) -> Problem:
    """From level 3 on the difference may be negative."""
    digits = (3, 5, 8, 12)[level - 1]
    a, b = _whole(rng, digits), _whole(rng, digits)
    if level < 3:
        a, b = max(a, b), min(a, b)
    question = rng.choice(_SUBTRACT).format(a=a, b=b)
    return f"{max(a, b)}-{min(a, b)}", question, f"{a} - {b} = {a - b}.", str(a - b)


def _multiplication(rng: random.Random, level: int) -> Problem:
    first, second = ((2, 2), (3, 2), (3, 3), (4, 4))[level - 1]
    a, b = _whole(rng, first), _whole(rng, second)
    parts = [a * int(digit) * 10**place for place, digit in enumerate(reversed(str(b))) if digit != "0"]
    question = rng.choice(_MULTIPLY).format(a=a, b=b)
    return f"{max(a, b)}x{min(a, b)}", question, f"{' + '.join(map(str, parts))} = {a * b}.", str(a * b)


def _division(rng: random.Random, level: int) -> Problem:
    first, second = ((2, 1), (3, 2), (4, 2), (4, 3))[level - 1]
    quotient, b = _whole(rng, first), _whole(rng, second)
    a = quotient * b
    question = rng.choice(_DIVIDE).format(a=a, b=b)
    return f"{a}/{b}", question, f"{b} x {quotient} = {a}.", str(quotient)


def _decimals(rng: random.Random, level: int) -> Problem:
    a, b = (Fraction(_whole(rng, level + 2), 10 ** rng.randint(1, level)) for _ in range(2))
    sign = rng.choice("+-")
    a, b = max(a, b), min(a, b)
    result = a + b if sign == "+" else a - b
    question = rng.choice(_ADD if sign == "+" else _SUBTRACT).format(a=_decimal(a), b=_decimal(b))
    steps = f"{_decimal(a)} {sign} {_decimal(b)} = {_decimal(result)}."
    return f"{_decimal(a)}{sign}{_decimal(b)}", question, steps, _decimal(result)


def _brackets(rng: random.Random, level: int) -> Problem:
    """(a + b) x c - d, with one more bracket from level 3 on."""
    a, b = _whole(rng, level + 1), _whole(rng, level + 1)
    c, d = rng.randint(3, 9 + 3 * level), _whole(rng, level + 1)
    term, result = f"({a} + {b}) x {c} - {d}", (a + b) * c - d
    steps = f"{a} + {b} = {a + b}. {a + b} x {c} = {(a + b) * c}. {(a + b) * c} - {d} = {result}."
    if level >= 3:
        e, f = rng.randint(11, 99), rng.randint(2, 9)
        term, steps = f"{term} + ({e} - {f}) x 2", f"{steps} {e} - {f} = {e - f}. {result} + {2 * (e - f)}"
        result += 2 * (e - f)
        steps = f"{steps} = {result}."
    ask = rng.choice(("What is {0}?", "Calculate {0}.", "Work out {0}."))
    return term, ask.format(term), steps, str(result)


def _decimal(value: Fraction) -> str:
    """A decimal without zeros at its end; ``value`` has at most ten places."""
    whole, rest = divmod(abs(value) * 10**10, 10**10)
    text = f"{whole}.{int(rest):010d}".rstrip("0").rstrip(".")
    return f"-{text}" if value < 0 else text


def _linear(rng: random.Random, level: int) -> Problem:
    """ax + b = c; from level 2 on x on both sides; brackets at level 3; a fraction as the answer at level 4."""
    top = 5 + 5 * level
    while True:
        a, c = rng.randint(2, top), (rng.randint(1, top) if level > 1 else 0)
        b, x = rng.choice((-1, 1)) * rng.randint(1, 2 * top), Fraction(rng.randint(-top, top))
        if level == 4:
            x = Fraction(rng.randint(-30, 30), rng.randint(2, 9))
        d = (a - c) * x + b
        if a == c or not x or d.denominator > 1 or (level == 4 and x.denominator == 1):
            continue
        break
    left = _polynomial([a, b])
    if level == 3:
        left, b = f"{a}({_polynomial([1, b])})", a * b
        d = (a - c) * x + b
    right = _polynomial([c, int(d)])
    steps = f"{_polynomial([a - c, 0])} = {int(d) - b}. x = {int(d) - b} / {a - c} = {x}."
    ask = rng.choice(("Solve for x: {0}.", "Find x if {0}.", "Which number x satisfies {0}?"))
    return f"{left}={right}", ask.format(f"{left} = {right}"), steps, str(x)


def _system(rng: random.Random, level: int) -> Problem:
    top = 2 + 2 * level
    while True:
        a, b, c, d = (rng.choice((-1, 1)) * rng.randint(1, top) for _ in range(4))
        if a * d != b * c:
            break
    x, y = (rng.choice((-1, 1)) * rng.randint(1, 3 * top) for _ in range(2))
    first, second = f"{_pair(a, b)} = {a * x + b * y}", f"{_pair(c, d)} = {c * x + d * y}"
    question = f"Solve the system of equations {first} and {second}. Give the solution as an ordered pair (x, y)."
    determinant = a * d - b * c
    steps = f"The determinant is {determinant}. x = {x * determinant}/{determinant} = {x}. y = {y}."
    return f"{first};{second}", question, steps, f"({x}, {y})"


def _quadratic(rng: random.Random, level: int) -> Problem:
    """Whole roots with growing size and coefficient; at level 4 roots p ± sqrt(q)."""
    if level == 4:
        p, q = rng.randint(-9, 9), rng.choice((2, 3, 5, 6, 7, 10, 11, 13, 14, 15))
        equation = f"{_polynomial([1, -2 * p, p * p - q])} = 0"
        steps = f"x = {p} plus or minus the square root of {q}."
        answer = f"{p or ''} \\pm \\sqrt{{{q}}}".strip()
        return equation, f"Find both solutions of {equation}, in exact form.", steps, answer
    top, leading = 4 + 4 * level, rng.randint(1, level)
    r, s = rng.randint(-top, top), rng.randint(-top, top)
    while r == s:
        s = rng.randint(-top, top)
    r, s = min(r, s), max(r, s)
    equation = f"{_polynomial([leading, -leading * (r + s), leading * r * s])} = 0"
    question = f"Find both solutions of {equation}. Write the smaller one first, separated by a comma."
    steps = f"The solutions add up to {r + s} and multiply to {r * s}: {r} and {s}."
    return equation, question, steps, f"{r}, {s}"


def _expand(rng: random.Random, level: int) -> Problem:
    """One coefficient of a product: the whole product would be answered by repeating the question."""
    top, count = 3 + 2 * level, 3 if level == 4 else 2
    factors = sorted([1 if level == 1 else rng.randint(1, level + 1), _nonzero(rng, top)] for _ in range(count))
    product = [1]
    for a, b in factors:
        product = [a * one + b * other for one, other in zip([*product, 0], [0, *product], strict=True)]
    term = "".join(f"({_polynomial(factor)})" for factor in factors)
    place = rng.randint(1, count - 1)
    power = _polynomial([0] * place + [1] + [0] * (count - place))
    ask = rng.choice(("Expand {0}. What is the coefficient of {1}?", "What is the coefficient of {1} in {0}?"))
    return f"{term}[{power}]", ask.format(term, power), f"{term} = {_polynomial(product)}.", str(product[place])


def _derivative(rng: random.Random, level: int) -> Problem:
    coefficients = [_nonzero(rng, 3 + 2 * level) for _ in range(level + 2)]
    degree = len(coefficients) - 1
    result = _polynomial([each * (degree - place) for place, each in enumerate(coefficients[:-1])])
    term = _polynomial(coefficients)
    ask = rng.choice(("What is the derivative of {0} with respect to x?", "Differentiate {0} with respect to x."))
    return term, ask.format(term), f"The derivative is {result}.", result


def _value(rng: random.Random, level: int) -> Problem:
    coefficients = [rng.choice((-1, 1)) * rng.randint(1, 3 + level) for _ in range(min(level + 1, 4) + (level == 4))]
    x = _nonzero(rng, 2 + level)
    term = _polynomial(coefficients)
    total = 0
    for each in coefficients:
        total = total * x + each
    ask = rng.choice(("Find the value of {0} for x = {1}.", "If x = {1}, what is {0}?", "Evaluate {0} at x = {1}."))
    return f"{term}@{x}", ask.format(term, x), f"With x = {x}: {term} = {total}.", str(total)


def _sequence(rng: random.Random, level: int) -> Problem:
    """The n-th term of an arithmetic sequence; geometric at the even levels."""
    start, place = rng.randint(1, 10 * level), rng.randint(6, 8 + 4 * level)
    if level % 2 == 0:
        ratio, place = rng.choice((-3, -2, 2, 3)), rng.randint(5, 5 + level)
        terms = [start * ratio**k for k in range(4)]
        result, steps = start * ratio ** (place - 1), f"{start} x ({ratio})^{place - 1}"
    else:
        step = _nonzero(rng, 12 * level)
        terms = [start + step * k for k in range(4)]
        result, steps = start + step * (place - 1), f"{start} + {place - 1} x ({step})"
    shown = ", ".join(map(str, terms))
    kind = "geometric" if level % 2 == 0 else "arithmetic"
    question = f"The {kind} sequence {shown}, ... goes on in the same way. What is its term number {place}?"
    return f"{shown}@{place}", question, f"{steps} = {result}.", str(result)


def _root(rng: random.Random, level: int) -> Problem:
    low = (2, 10, 20, 40)[level - 1]
    inside, outside = rng.choice((2, 3, 5, 6, 7, 10, 11, 13, 14, 15, 17, 19, 21, 22, 23)), rng.randint(low, 2 * low)
    number = outside * outside * inside
    question = f"Simplify sqrt({number}): it equals a * sqrt({inside}) for a whole number a. What is a?"
    return str(number), question, f"{number} = {outside}^2 x {inside}.", str(outside)


def _nonzero(rng: random.Random, top: int) -> int:
    return rng.choice((-1, 1)) * rng.randint(1, top)


def _polynomial(coefficients: list[int]) -> str:
    """Highest power first: [2, -1, 0] is 2x^2 - x."""
    text = ""
    for place, each in enumerate(coefficients):
        power = len(coefficients) - 1 - place
        if not each:
            continue
        name = "" if power == 0 else "x" if power == 1 else f"x^{power}"
        size = "" if abs(each) == 1 and power else str(abs(each))
        sign = ("-" if each < 0 else "") if not text else (" - " if each < 0 else " + ")
        text += f"{sign}{size}{name}"
    return text or "0"


def _pair(a: int, b: int) -> str:
    return f"{'-' * (a < 0)}{abs(a) if abs(a) > 1 else ''}x {'-' if b < 0 else '+'} {abs(b) if abs(b) > 1 else ''}y"


_ARITHMETIC: dict[str, Kind] = {
    "addition": _addition,
    "subtraction": _subtraction,
    "multiplication": _multiplication,
    "division": _division,
    "decimals": _decimals,
    "brackets": _brackets,
}
_ALGEBRA: dict[str, Kind] = {
    "linear": _linear,
    "system": _system,
    "quadratic": _quadratic,
    "expand": _expand,
    "derivative": _derivative,
    "value": _value,
    "sequence": _sequence,
    "root": _root,
}
TASKS: dict[str, Generator] = {
    "math_long_arithmetic": math_long_arithmetic,
    "math_algebra": math_algebra,
}

load = loader(TASKS)
