"""Terminal: a scorecard in 80 columns, with colour where there is any and whole without."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.report.wording import (
    headline,
    per_cent,
    point_interval,
    points,
    printable,
    rate_interval,
)
from harness.scoring.scorecard import Scorecard, TaskScore

_BAR = 12
_STRIP = 24
_NAME = 20
_STYLES = {"forgot": "bold red", "retained": "green", "improved": "bold cyan", "inconclusive": "yellow"}
_CELLS = (("n11", "=", "dim"), ("n01", "+", "cyan"), ("n10", "-", "red"))


def render(card: Scorecard, console: Console) -> None:
    """Print ``card``: gain first, prior tasks by loss, transitions, the one number with its parts, alarms, signature.

    Names come from files anyone may write, so they are printed as text, never as markup or terminal codes.
    """
    _heading(card, console)
    if card.prior_tasks:
        console.print(Text("\nPrior tasks, largest loss first (per cent and points)", "bold"))
        console.print(_prior(card, "█" if console.encoding.lower().startswith("utf") else "#"))
    console.print(Text("\nTransitions, base to tuned", "bold"), Text("  = kept  + learned  - forgotten  . never"))
    console.print(_transitions(card))
    _summary(card, console)
    for alarm in card.alarms:
        console.print(Text.assemble(("ALARM ", "bold red"), printable(alarm.message)))
    console.print(Text(f"\n{card.signature}", "dim"), soft_wrap=True)


def _heading(card: Scorecard, console: Console) -> None:
    console.print(Text.assemble((printable(card.tuned.name), "bold"), " against ", (printable(card.base.name), "bold")))
    suite, engine = card.suite, card.engine
    how = f"{suite.name} {suite.version}, {sum(suite.tasks.values()):,} items, engine {engine.environment}"
    console.print(Text(printable(how), "dim"))
    console.print(Text(f"\n{headline(card)}\n", "bold"))
    target = card.target
    console.print(
        Text.assemble(
            ("Gain ", "bold"),
            (f"{points(target.gain)} points", "bold cyan" if target.gain_ci[0] > 0 else ""),
            f" {point_interval(target.gain_ci)} on {printable(target.family)}, {target.n:,} items",
            "" if target.normalised_gain is None else f"; normalised {target.normalised_gain:.2f}",
        )
    )


def _prior(card: Scorecard, block: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("task", max_width=_NAME, overflow="ellipsis", no_wrap=True)
    for name in ("base", "tuned", "delta"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("95 %", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("", no_wrap=True)
    largest = max(abs(task.delta) for task in card.prior_tasks.values()) or 1.0
    for name, task in card.prior_tasks.items():
        bar = Text(block * round(abs(task.delta) / largest * _BAR), "red" if task.delta < 0 else "cyan")
        verdict = Text(str(task.verdict), _STYLES[str(task.verdict)])
        numbers = (per_cent(task.base), per_cent(task.tuned), points(task.delta), point_interval(task.delta_ci))
        table.add_row(Text(printable(name)), *numbers, verdict, bar)
    return table


def _transitions(card: Scorecard) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("task", max_width=_NAME, overflow="ellipsis", no_wrap=True)
    for name in ("kept", "learned", "forgot", "never"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for name in (*card.target.tasks, *card.prior_tasks):
        task = card.tasks[name]
        counts = (f"{count:,}" for count in (task.n11, task.n01, task.n10, task.n00))
        table.add_row(Text(printable(name)), *counts, _strip(task))
    return table


def _strip(task: TaskScore) -> Text:
    """The four cells as a strip of ``_STRIP`` characters; each boundary is rounded once, so they always fill it."""
    strip, done, filled = Text(), 0, 0
    for field, mark, style in _CELLS:
        done += getattr(task, field)
        upto = round(done / task.n * _STRIP)
        strip.append(mark * (upto - filled), style)
        filled = upto
    return strip.append("." * (_STRIP - filled), "dim")


def _summary(card: Scorecard, console: Console) -> None:
    console.print()
    for name, value, interval in (
        ("Retention", card.retention_macro, card.retention_macro_ci),
        ("Balance", card.balance, card.balance_ci),
    ):
        if value is None:
            reason = card.reasons["balance" if name == "Balance" else "retention_macro"]
            console.print(Text.assemble((f"{name} ", "bold"), f"not defined: {reason}"))
        else:
            console.print(Text.assemble((f"{name} ", "bold"), f"{per_cent(value)} % {rate_interval(interval)}"))
    if card.worst_group is not None:
        worst = card.worst_group
        console.print(
            Text.assemble(("Worst group ", "bold"), f"{printable(worst.group)} {per_cent(worst.retention)} %")
        )
