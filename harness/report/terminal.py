"""Terminal: a scorecard in 80 columns, with colour where there is any and whole without."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.report.wording import (
    conditions,
    finding,
    headline,
    in_order,
    kept,
    nats,
    per_cent,
    point_interval,
    points,
    printable,
    rate_interval,
    rests_on,
)
from harness.scoring import Scorecard, TaskScore

_BAR = 12
_STRIP = 24
_NAME = 20
_STYLES = {
    "forgot": "bold red",
    "retained": "green",
    "improved": "bold cyan",
    "inconclusive": "yellow",
    "nothing to lose": "dim",
}
_CELLS = (("n11", "=", "dim"), ("n01", "+", "cyan"), ("n10", "-", "red"))


def render_pair(card: Scorecard, console: Console) -> None:
    """Print ``card``: gain first, prior tasks by loss, transitions, the one number with its parts, alarms, signature.

    Names come from files anyone may write, so they are printed as text, never as markup or terminal codes.
    """
    _heading(card, console)
    for role, title in (("prior", "Prior tasks"), ("adjacent", "Target-adjacent tasks, listed apart")):
        if tasks := card.tasks_of(role):  # type: ignore[arg-type]
            console.print(Text(f"\n{title}, largest loss first (per cent and points)", "bold"))
            console.print(_changes(tasks, console))
            console.print(Text(_how_sure(card), "dim"))
    console.print(Text("\nTransitions, base to tuned", "bold"), Text("  = kept  + learned  - forgotten  . never"))
    console.print(_transitions(card))
    if card.noise is not None:
        console.print(Text("\nNoise: the base against a second run of itself (per cent and points)", "bold"))
        console.print(_noise(card))
    _drift(card, console)
    _summary(card, console)
    for alarm in card.alarms:
        console.print(Text.assemble(("ALARM ", "bold red"), printable(alarm.message)))
    if not card.provenance.checked:
        console.print(Text("\nProvenance not checked:", "bold yellow"))
        for note in card.provenance.notes:
            console.print(Text(f"- {printable(note)}"))
    console.print(Text(f"\n{card.signature}", "dim"), soft_wrap=True)


def _heading(card: Scorecard, console: Console) -> None:
    console.print(Text.assemble((printable(card.tuned.name), "bold"), " against ", (printable(card.base.name), "bold")))
    console.print(Text(printable(conditions(card)), "dim"))
    console.print(Text(f"\n{headline(card)}\n", "bold"))
    target = card.target
    if target is None:
        console.print(f"Gain not defined: {card.reasons['target']}")
        return
    console.print(
        Text.assemble(
            ("Gain ", "bold"),
            (f"{points(target.gain)} points", "bold cyan" if target.gain_ci and target.gain_ci[0] > 0 else ""),
            f" {point_interval(target.gain_ci)} on {printable(target.family)}, {target.n:,} items",
            ""
            if target.normalised_gain is None
            else f"; normalised {per_cent(target.normalised_gain)} % (of what the base did not solve)",
        )
    )
    if target.transfer_gain is not None:
        variants = printable(", ".join(target.transfer_tasks))
        interval = point_interval(target.transfer_gain_ci)
        line = f"{points(target.transfer_gain)} points {interval} on variants never trained on: {variants}"
        console.print(Text.assemble(("Transfer gain ", "bold"), line))


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("task", max_width=_NAME, overflow="ellipsis", no_wrap=True)
    for name in columns:
        left = name in ("95 %", "verdict", "")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    return table


def _changes(tasks: Mapping[str, TaskScore], console: Console) -> Table:
    table = _table("base", "tuned", "delta", "verdict", "")
    rows = [
        (printable(name)[:_NAME], per_cent(t.base), per_cent(t.tuned), points(t.delta), finding(t))
        for name, t in tasks.items()
    ]
    taken = sum(max(5, *(len(row[column]) for row in rows)) + 2 for column in range(5))
    longest = max(0, min(_BAR, console.width - taken - 1))
    block = "█" if console.encoding.lower().startswith("utf") else "#"
    largest = max(abs(task.delta) for task in tasks.values()) or 1.0
    for (name, task), row in zip(tasks.items(), rows, strict=True):
        length = round(abs(task.delta) / largest * longest)
        sign, style = ("-", "red") if task.delta < 0 else ("+", "cyan")
        bar = Text(sign + block * length if length else "", style)
        table.add_row(Text(printable(name)), *row[1:4], Text(row[4], _STYLES[str(task.verdict)]), bar)
    return table


def _how_sure(card: Scorecard) -> str:
    """How the words of the table come about."""
    tests = sum(task.p_holm is not None for task in card.tasks.values())
    return (
        f"95 % intervals. forgot, improved: beyond chance (exact test, p < .05 after Holm, which allows for {tests} "
        f"tests at once). retained: a loss of {per_cent(card.margin)} points is ruled out. nothing to lose: the base "
        "is not above chance."
    )


def _transitions(card: Scorecard) -> Table:
    table = _table("kept", "learned", "forgot", "never", "")
    for name in in_order(card):
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


def _noise(card: Scorecard) -> Table:
    table = _table("F noise", "F", "F net", "95 %", "of known, noise", "of known")
    assert card.noise is not None
    for name in in_order(card):
        noise = card.noise.tasks[name]
        task = card.tasks[name]
        table.add_row(
            Text(printable(name)),
            *map(per_cent, (noise.forgotten_noise, task.forgotten_rate)),
            points(noise.forgotten_net),
            point_interval(noise.forgotten_net_ci),
            *map(per_cent, (noise.given_known_noise, task.forgotten_given_known)),
        )
    return table


def _drift(card: Scorecard, console: Console) -> None:
    if card.drift is None:
        return
    console.print(Text("\nDrift along the base's outputs (nats per token)", "bold"))
    table = _table("items", "tokens", "KL(base||tuned)", "KL(tuned||base)")
    for name, part in (("target prompts", card.drift.target), ("prior prompts", card.drift.prior)):
        if part is not None:
            table.add_row(name, f"{part.n:,}", f"{part.n_tokens:,}", nats(part.forward_kl), nats(part.reverse_kl))
    console.print(table)


def _summary(card: Scorecard, console: Console) -> None:
    console.print()
    for name, value, interval in (
        ("Retention", card.retention_macro, card.retention_macro_ci),
        ("Balance", card.balance, card.balance_ci),
    ):
        if value is None or interval is None:
            reason = card.reasons["balance" if name == "Balance" else "retention_macro"]
            console.print(Text.assemble((f"{name} ", "bold"), reason))
        elif name == "Balance":
            console.print(Text.assemble((f"{name} ", "bold"), f"{per_cent(value)} % {rate_interval(interval)}"))
        else:
            console.print(Text.assemble((f"{name} ", "bold"), f"{kept(value, interval)} ({rests_on(card)})"))
            if card.retention_ratio is not None:
                console.print(Text(f"With gains counted against losses: {per_cent(card.retention_ratio)} %", "dim"))
    if card.retention_macro is None and card.rests_on is not None:
        console.print(Text(f"Retention would rest {rests_on(card)}.", "dim"))
    if card.worst_group is not None:
        worst = card.worst_group
        console.print(
            Text.assemble(("Worst group ", "bold"), f"{printable(worst.group)} {per_cent(worst.retention)} %")
        )
