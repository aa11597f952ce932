r"""``python -m tests.bench.golds``: gold answers written otherwise, and changed, before the checker and math-verify.

An answer of the generated kinds (the kinds of MATH: numbers, fractions, surds, multiples of pi, polynomials, complex
numbers, pairs, intervals, unions, lists, matrices) or of a published set (GSM8K and TheoremQA, in the folder of
``--data-dir`` or ``RETENTION_DATA``) is written in other ways that mean the same, and changed so that it does not. Each
pair is judged by :func:`harness.answers.mathematics.judge_math` and by math-verify with its defaults.
"""

import itertools
import json
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from pathlib import Path

import click

from harness.answers.mathematics import close, judge_math
from harness.cli.options import data_dir
from harness.records import Outcome
from harness.sources import data_folder

_FORMS = (
    "\\boxed{{{}}}",
    "The answer is ${}$.",
    "So it is\n\n$$\\boxed{{ {} }}$$",
    "**Final answer:** ${}$",
    "<think>maybe \\boxed{{-1}}</think>The final answer is:\n\\[ {} \\]",
    "The correct answer is $\\boxed{{{}}}$. Done.",
)
_PRIMES = (2, 3, 5, 7, 11, 13)


@dataclass(frozen=True)
class Gold:
    """One gold answer with spellings that mean the same and others that do not."""

    kind: str
    text: str
    same: tuple[str, ...]
    changed: tuple[str, ...]


def _whole(rng: random.Random) -> Gold:
    value = rng.randint(-5000, 50_000)
    same = (
        f"{value}",
        f"{value:,}",
        f"{value}.0",
        f"x = {value}",
        f"{value} \\text{{ cm}}",
        f"\\text{{{value}}}",
        f"{value:,}".replace(",", "{,}"),
        f"\\frac{{{2 * value}}}{{2}}",
        f"\\boldsymbol{{{value}}}",
    )
    return Gold("whole", str(value), same, (f"{value + 1}", f"{-value - 1}", f"{value}0", f"{value}.5", f"{value}!"))


def _fraction(rng: random.Random) -> Gold:
    over, under = rng.randint(-40, 40) * 2 + 1, rng.choice((3, 7, 9, 11, 13, 21))
    value = Fraction(over, under) if abs(over) != under else Fraction(1, under)
    p, q = value.numerator, value.denominator
    text = f"{'-' if p < 0 else ''}\\frac{{{abs(p)}}}{{{q}}}"
    same = (
        text.replace("\\frac", "\\dfrac"),
        f"{p}/{q}",
        f"\\frac{{{3 * p}}}{{{3 * q}}}",
        f"\\frac{{{p}}}{{{q}}}",
        f"{text} \\approx {p / q:.3f}",
        f"{text} = {p / q:.4f}",
        f"{p / q:.8f}",
        f"y = {text}",
    )
    changed = (
        f"\\frac{{{p + q}}}{{{q}}}",
        f"\\frac{{{-p}}}{{{q}}}",
        f"\\frac{{{p}}}{{{q + 1}}}",
        f"\\sqrt{{{text}}}",
        f"\\ne {text}",
        f"{p / q + 0.01:.8f}",
    )
    return Gold("fraction", text, same, changed)


def _surd(rng: random.Random) -> Gold:
    times, root = rng.randint(2, 12), rng.choice(_PRIMES)
    text = f"{times}\\sqrt{{{root}}}"
    value = times * root**0.5
    same = (
        f"\\sqrt{{{times * times * root}}}",
        f"{times} \\sqrt {{{root}}}",
        f"{times}\u221a{root}",
        f"{times}*sqrt({root})",
        f"{times} \\cdot \\sqrt{{{root}}}",
        f"\\frac{{{times * root}}}{{\\sqrt{{{root}}}}}",
        f"{text} \\approx {value:.2f}",
        f"{text} \\text{{ units}}",
    )
    changed = (
        f"{times + 1}\\sqrt{{{root}}}",
        f"-{text}",
        f"{times}\\sqrt{{{root + 2}}}",
        f"{times * root}",
        f"{value:.2f}",
    )
    return Gold("surd", text, same, changed)


def _pi(rng: random.Random) -> Gold:
    over, under = rng.randint(1, 12), rng.choice((1, 2, 3, 4, 6))
    shared = gcd(over, under)
    p, q = over // shared, under // shared
    top = "\\pi" if p == 1 else f"{p}\\pi"
    text = top if q == 1 else f"\\frac{{{top}}}{{{q}}}"
    same = (
        f"\\frac{{{2 * p}\\pi}}{{{2 * q}}}",
        f"{p}\u03c0/{q}",
        f"\\frac{{{p}}}{{{q}}} \\pi",
        f"{p} \\cdot \\pi / {q}",
        f"{text} \\text{{ cubic feet}}",
    )
    return Gold("pi", text, same, (f"\\frac{{{p + 1}\\pi}}{{{q}}}", f"\\frac{{{p}}}{{{q}}}", f"-{text}", f"{text} + 1"))


def _polynomial(rng: random.Random) -> Gold:
    a, b, c = rng.randint(2, 9), rng.randint(1, 9), rng.randint(1, 9)
    text = f"{a}x^2 + {b}x - {c}"
    same = (
        f"{b}x + {a}x^2 - {c}",
        f"-{c} + {b}x + {a}x^{{2}}",
        f"{a}x\u00b2 + {b}x \u2013 {c}",
        f"{a}*x**2 + {b}*x - {c}",
        f"f(x) = {text}",
        f"{text}, \\text{{ where }} x \\text{{ is real}}",
        f"x({a}x + {b}) - {c}",
    )
    changed = (f"{a}x^2 + {b}x + {c}", f"{a + 1}x^2 + {b}x - {c}", f"{a}x^3 + {b}x - {c}", f"{a}x^2 - {c}", f"{a}x^2")
    return Gold("polynomial", text, same, changed)


def _complex(rng: random.Random) -> Gold:
    a, b = rng.randint(1, 20), rng.randint(2, 20)
    same = (f"{b}i + {a}", f"{a}+{b}i", f"{a}.0 + {b}.0i", f"{a} - (-{b})i", f"z = {a} + {b}i")
    changed = (f"{a} - {b}i", f"{b} + {a + 1}i", f"{a + b}", f"{a} + {b}", f"-{a} + {b}i")
    return Gold("complex", f"{a} + {b}i", same, changed)


def _pair(rng: random.Random) -> Gold:
    a, b = rng.sample(range(-20, 21), 2)
    same = (
        f"({a},{b})",
        f"\\left( {a}, {b} \\right)",
        f"x = {a}, y = {b}",
        f"y = {b}, x = {a}",
        f"(x, y) = ({a}, {b})",
    )
    changed = (f"({b}, {a})", f"({a}, {b + 1})", f"x = {b}, y = {a}", f"\\{{{a}, {b}\\}}", f"({a}, {b}, 0)", f"{a}")
    return Gold("pair", f"({a}, {b})", same, changed)


def _interval(rng: random.Random) -> Gold:
    a = rng.randint(-20, 20)
    b = a + rng.randint(1, 20)
    same = (
        f"\\left[{a}, {b}\\right)",
        f"{a} \\le x < {b}",
        f"\\{{x \\mid {a} \\le x < {b}\\}}",
        f"[{a}, {b}[",
        f"x \\in [{a},{b})",
    )
    changed = (f"({a}, {b})", f"[{a}, {b}]", f"[{a}, {b + 1})", f"{a} < x < {b}", f"({a}, {b}]", f"{a}")
    return Gold("interval", f"[{a},{b})", same, changed)


def _union(rng: random.Random) -> Gold:
    a = rng.randint(-20, 20)
    b = a + rng.randint(1, 20)
    text = f"(-\\infty, {a}) \\cup ({b}, \\infty)"
    same = (
        f"(-\\infty,{a})\\cup({b},\\infty)",
        f"({b}, \\infty) \\cup (-\\infty, {a})",
        f"x < {a} \\text{{ or }} x > {b}",
        f"(-inf, {a}) \u222a ({b}, inf)",
    )
    changed = (
        f"(-\\infty, {a}] \\cup ({b}, \\infty)",
        f"({a}, {b})",
        f"(-\\infty, {b}) \\cup ({b + 1}, \\infty)",
        f"({b}, \\infty)",
    )
    return Gold("union", text, same, changed)


def _list(rng: random.Random) -> Gold:
    values = rng.sample(range(-30, 31), 3)
    a, b, c = values
    same = (
        f"{c}, {a}, {b}",
        f"{a},{b},{c}",
        f"{a}, {b}, \\text{{ and }} {c}",
        f"x = {a}, x = {b}, x = {c}",
        f"\\{{{b}, {c}, {a}\\}}",
    )
    changed = (f"{a}, {b}", f"{a}, {b}, {c + 1}", f"{a}, {b}, {c}, {c}", f"{a}", f"{-a or 31}, {b}, {c}")
    return Gold("list", f"{a}, {b}, {c}", same, changed)


def _matrix(rng: random.Random) -> Gold:
    a, b, c, d = rng.sample(range(-15, 16), 4)
    text = f"\\begin{{pmatrix}} {a} & {b} \\\\ {c} & {d} \\end{{pmatrix}}"
    same = (
        text.replace("pmatrix", "bmatrix"),
        f"\\begin{{pmatrix}}{a}&{b}\\\\{c}&{d}\\end{{pmatrix}}",
        f"[[{a},{b}],[{c},{d}]]",
    )
    changed = (
        f"\\begin{{pmatrix}} {a} & {c} \\\\ {b} & {d} \\end{{pmatrix}}",
        f"\\begin{{pmatrix}} {a} & {b} \\end{{pmatrix}}",
    )
    return Gold("matrix", text, same, changed)


MAKERS: tuple[Callable[[random.Random], Gold], ...] = (
    _whole,
    _fraction,
    _surd,
    _pi,
    _polynomial,
    _complex,
    _pair,
    _interval,
    _union,
    _list,
    _matrix,
)


def generated(count: int, seed: int) -> Iterator[Gold]:
    """``count`` gold answers, all kinds in turn."""
    rng = random.Random(seed)
    for maker in itertools.islice(itertools.cycle(MAKERS), count):
        yield maker(rng)


def published(folder: Path, count: int) -> Iterator[Gold]:
    """The first ``count`` numeric answers of each set that lies in ``folder``."""
    gsm8k, theoremqa = folder / "gsm8k" / "test.jsonl", folder / "theoremqa" / "theoremqa_test.json"
    if gsm8k.is_file():
        rows = [json.loads(line)["answer"] for line in gsm8k.read_text(encoding="utf-8").splitlines()[:count]]
        yield from (_of_number("gsm8k", row.rpartition("####")[2].strip().replace(",", "")) for row in rows)
    if theoremqa.is_file():
        answers = [str(row["Answer"]) for row in json.loads(theoremqa.read_text(encoding="utf-8"))]
        numbers = [answer for answer in answers if re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?", answer)]
        yield from (_of_number("theoremqa", answer) for answer in numbers[:count])


def _of_number(kind: str, text: str) -> Gold:
    value = Fraction(text)
    whole = value.denominator == 1
    same = (
        text,
        f"${text}$",
        f"{text} units",
        f"x = {text}",
        f"{value.numerator}/{value.denominator}",
        f"\\text{{{text}}}",
    )
    changed = (str(int(value) + 1) if whole else f"{text}7", f"{text} million", f"\\text{{not }} {text}", f"{text}x")
    return Gold(kind, text, same, changed if value else changed[:1])


def by_math_verify(gold: str, output: str) -> bool:
    """math-verify's verdict with its defaults; what it raises on is not accepted."""
    from math_verify import parse, verify

    try:
        return bool(
            verify(parse(f"${gold}$", parsing_timeout=None), parse(output, parsing_timeout=None), timeout_seconds=None)
        )
    except Exception:
        return False


def by_checker(gold: str, output: str) -> bool:
    """The checker's verdict."""
    return judge_math(output, gold).outcome is Outcome.CORRECT


@click.command()
@data_dir
@click.option("--golds", "count", default=330, show_default=True, help="How many gold answers are generated.")
@click.option("--rows", default=60, show_default=True, help="How many answers of each published set are taken.")
@click.option("--seed", default=1, show_default=True, help="Seed of the generator.")
@click.option("--show", default=10, show_default=True, help="How many wrong verdicts of the checker are listed.")
def main(count: int, rows: int, seed: int, show: int) -> None:
    """Print, for each kind of gold answer, how many equivalent and how many changed spellings each checker accepts."""
    folder = data_folder()
    golds = [*generated(count, seed), *(published(folder, rows) if folder is not None else ())]
    judges = {"checker": by_checker, "math-verify": by_math_verify}
    accepted: dict[tuple[str, str, bool], list[bool]] = defaultdict(list)
    wrong: list[str] = []
    spent = dict.fromkeys(judges, 0.0)
    for place, gold in enumerate(golds):
        for expected, spellings in ((True, gold.same), (False, gold.changed)):
            for turn, spelling in enumerate(spellings):
                output = _FORMS[(place + turn) % len(_FORMS)].format(spelling)
                for name, judge in judges.items():
                    started = time.perf_counter()
                    found = judge(gold.text, output)
                    spent[name] += time.perf_counter() - started
                    accepted[gold.kind, name, expected].append(found)
                    if name == "checker" and found is not expected:
                        wrong.append(f"{gold.kind}: {gold.text} | {output!r} accepted: {found}")
    close()
    _print(accepted, list(judges), spent)
    click.echo("\n".join(wrong[:show]))


def _print(accepted: dict[tuple[str, str, bool], list[bool]], judges: list[str], spent: dict[str, float]) -> None:
    kinds = list(dict.fromkeys(kind for kind, _, _ in accepted))
    heads = [f"{name}, {what}" for what in ("equivalent accepted", "changed accepted") for name in judges]
    click.echo(f"| kind | {' | '.join(heads)} |\n|{'---|' * (len(heads) + 1)}")
    for kind in [*kinds, "all"]:
        cells = []
        for expected in (True, False):
            for name in judges:
                of_kind = [
                    found
                    for (of, by, same), found in accepted.items()
                    if (by, same) == (name, expected) and kind in (of, "all")
                ]
                held = list(itertools.chain.from_iterable(of_kind))
                cells.append(f"{sum(held)} of {len(held)} ({sum(held) / max(len(held), 1):.2%})")
        click.echo(f"| {kind} | {' | '.join(cells)} |")
    click.echo(", ".join(f"{name}: {seconds:.1f} s" for name, seconds in spent.items()))


if __name__ == "__main__":
    main()
