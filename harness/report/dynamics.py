"""Dynamics: why training data moves a base as it does, for the terminal and as a page of plots of its own."""

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.report.encode import write_plainly
from harness.report.page import environment
from harness.scoring import ABSENT, MINUS, Divergence, Dynamics, bracketed, edges, printable

_NAME = 16
_MAX_TICKS = 7


def figure(value: float | None) -> str:
    """A number of unknown size with three significant digits and no exponent where it can do without."""
    if value is None:
        return ABSENT
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        digits, _, power = f"{value:.1e}".partition("e")
        return f"{digits.replace('-', MINUS)}e{int(power)}"
    places = 2 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(places, 5)}f}".replace("-", MINUS)


def signed(value: float | None) -> str:
    """The same with its sign."""
    return ABSENT if value is None else f"{'+' if value > 0 else ''}{figure(value)}"


def cosine(value: float) -> str:
    """A cosine, which is small in many dimensions, with four decimals."""
    return f"{value:+.4f}".replace("-", MINUS)


def cosines(interval: Sequence[float]) -> str:
    return bracketed(cosine, interval)


def pair(interval: Sequence[float] | None, form: str = "") -> str:
    """Both ends of an interval; ``form`` "+" gives them signs."""
    write = signed if form else figure
    return ABSENT if interval is None else f"[{write(interval[0])}, {write(interval[1])}]"


class Scale:
    """From numbers to per cent of a drawing's width: linear with 0 in it, or logarithmic in whole powers of ten."""

    def __init__(self, values: Iterable[float], *, log: bool = False, symmetric: bool = False) -> None:
        shown = list(values)
        self.log = log
        if log:
            # What is 0 stands at the left edge.
            positive = [math.log10(value) for value in shown if value > 0] or [0.0]
            low, high = math.floor(min(positive)), math.ceil(max(positive))
            self._low, self._high = float(low), float(max(high, low + 1))
            stride = max(1, math.ceil((self._high - self._low) / _MAX_TICKS))
            self.ticks = [10.0**k for k in range(low, int(self._high) + 1, stride)]
            return
        most, least = max([*shown, 0.0]), min([*shown, 0.0])
        if symmetric:
            most = max(most, -least)
            least = -most
        step = _round_step((most - least) or 1.0)
        self._low, self._high = math.floor(least / step) * step, max(math.ceil(most / step), 1) * step
        self.ticks = [self._low + k * step for k in range(round((self._high - self._low) / step) + 1)]

    def at(self, value: float) -> float:
        if self.log:
            value = math.log10(value) if value > 0 else self._low
        return round(min(max((value - self._low) / (self._high - self._low), 0.0), 1.0) * 100, 3)

    def label(self, tick: float) -> str:
        if self.log and not 1e-3 < tick < 1e5:
            return f"1e{round(math.log10(tick))}"
        return f"{tick:,.10g}" if self.log else f"{tick + 0.0:.4g}".replace("-", MINUS)


def _round_step(width: float) -> float:
    """The least of 1, 2 and 5 times a power of ten that needs at most so many ticks."""
    power: float = 10 ** math.floor(math.log10(width / _MAX_TICKS))
    return next(step for k in (1, 2, 5, 10, 20) if width / (step := k * power) <= _MAX_TICKS - 1)


def render_dynamics_page(found: Dynamics) -> str:
    """Everything as self-contained HTML; the same bytes for the same document, and everything named is escaped."""
    made = environment()
    for function in (figure, signed, pair, cosine, cosines):
        made.filters[function.__name__] = function
    influences = found.influence or {}
    parts = [part for each in influences.values() for part in (each.all, *each.tasks.values())]
    drifts = found.drift or ()
    shown = [score for each in drifts for score in (each.target, each.prior) if score is not None]
    return made.get_template("dynamics.html.j2").render(
        found=found,
        edges=edges(),
        surprise=Scale(
            [1.0, *(high for each in found.perplexity.values() for high in _ends(each.histogram))], log=True
        ),
        strength=Scale([value for part in parts for value in part.magnitude_quantiles], log=True),
        direction=Scale([end for part in parts for end in (*part.direction_ci, part.direction)], symmetric=True),
        drift=Scale([end for score in shown for end in score.forward_kl_ci]),
        tasks=list(dict.fromkeys(name for each in influences.values() for name in each.tasks)),
        drifted=list(dict.fromkeys(name for each in drifts for name in each.tasks)),
    )


def _ends(histogram: Sequence[int]) -> list[float]:
    """Where the last bin with something in it ends."""
    filled = [place for place, count in enumerate(histogram) if count]
    return [edges()[filled[-1] + 1]] if filled else []


def render_dynamics(found: Dynamics, console: Console) -> None:
    """Print the tables: perplexity, influence, drift. Names are printed as text."""
    write_plainly(console.file)
    console.print(Text(f"Base {printable(found.base.name)}, {found.base.weights_digest[:12]}", "dim"))
    table = _table("targets", "n", "perplexity", "95 %", "5 to 95 % of examples")
    for kind, score in found.perplexity.items():
        spread = f"{figure(score.quantiles[0])} to {figure(score.quantiles[4])}"
        row = (f"{score.n}", figure(score.perplexity), pair(score.perplexity_ci), spread)
        table.add_row(Text(printable(kind)), *row)
    _section(console, "Perplexity of the training targets under the base", table)
    if found.influence is not None:
        table = _table("targets", "pairs", "magnitude", "direction", "95 %", "lowers")
        for kind, part in ((kind, each.all) for kind, each in found.influence.items()):
            numbers = [f"{part.n}", figure(part.magnitude), cosine(part.direction), cosines(part.direction_ci)]
            numbers += [f"{100 * part.lowers:.0f} %"]
            table.add_row(Text(printable(kind)), *numbers)
        _section(console, "Influence of a step on one example on the base's answers to prior tasks", table)
    if found.drift is not None:
        table = _table("checkpoint", "KL on target", "95 %", "KL on prior", "95 %")
        for each in found.drift:
            table.add_row(Text(printable(each.model.name)), *_divergence(each.target), *_divergence(each.prior))
        _section(console, "Drift: KL(base || checkpoint) in nats a token", table)
    for name, reason in found.reasons.items():
        if name in ("influence", "drift"):
            console.print(f"\nno {name}: {reason}", style="dim", highlight=False)


def _divergence(score: Divergence | None) -> tuple[str, str]:
    return (ABSENT, ABSENT) if score is None else (figure(score.forward_kl), pair(score.forward_kl_ci))


def _section(console: Console, title: str, table: Table) -> None:
    console.print(Text(f"\n{title}", "bold"))
    console.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for place, name in enumerate(columns):
        left = place == 0 or name == "95 %"
        width = _NAME if place == 0 else None
        side: Literal["left", "right"] = "left" if left else "right"
        table.add_column(name, justify=side, no_wrap=place > 0, max_width=width, overflow="ellipsis")
    return table
