"""Terminal: a scorecard in 80 columns, complete without colour."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.report.encode import write_plainly
from harness.report.palette import IN_TERMINALS
from harness.scoring import (
    MINUS,
    Scorecard,
    Statement,
    TaskScore,
    alarm_lines,
    headline,
    nats,
    per_cent,
    point_interval,
    points,
    printable,
    share,
    wording,
)

_BAR = 12
_STRIP = 24
_NAME = 20
_LEARNED, _KEPT, _FORGOTTEN, _NEVER = (IN_TERMINALS[name] for name in ("learned", "kept", "forgotten", "never"))
_STYLES = {
    "forgot": f"bold {_FORGOTTEN}",
    "retained": _KEPT,
    "improved": f"bold {_LEARNED}",
    "inconclusive": "",
    "nothing to lose": "dim",
}
# Marks of one cell on every screen; here the hyphen stands for no number.
_CELLS = (("n11", "=", _KEPT), ("n01", "+", _LEARNED), ("n10", "-", _FORGOTTEN))


def render_pair(card: Scorecard, console: Console) -> None:
    """Print ``card``: gain first, prior tasks by loss, transitions, the one number with its parts, alarms, signature.

    Names come from files anyone may write, so they are printed as text, never as markup or terminal codes.
    """
    write_plainly(console.file)
    _heading(card, console)
    for role, heading in wording.LISTS.items():
        if tasks := card.tasks_of(role):
            console.print(Text(f"\n{heading}", "bold"))
            console.print(_changes(tasks, console))
            console.print(Text(_how_sure(card), "dim"))
    console.print(Text("\nTransitions, base to tuned", "bold"), _key())
    console.print(_transitions(card))
    if rows := wording.passes(card):
        console.print(Text(f"\n{wording.PASSES}", "bold"))
        console.print(_passes(rows))
    if card.noise is not None:
        console.print(Text("\nNoise: the base against a second run of itself (changes in points)", "bold"))
        console.print(_noise(card))
    _drift(card, console)
    console.print()
    for statement in wording.totals(card):
        _state(statement, console)
    for line in alarm_lines(card):
        console.print(Text.assemble(("ALARM ", f"bold {_FORGOTTEN}"), line))
    if not card.provenance.checked:
        console.print(Text(f"\n{wording.UNCHECKED}", "bold yellow"))
        for note in wording.caveats(card):
            console.print(Text(f"- {note}"))
    if notes := wording.notes(card):
        console.print(Text(f"\n{wording.NOTES}", "bold"))
        for note in notes:
            console.print(Text(f"- {note}"))
    console.print(Text(f"\n{card.signature}", "dim"), soft_wrap=True)


def _heading(card: Scorecard, console: Console) -> None:
    console.print(Text(wording.title(card), "bold"))
    console.print(Text(wording.conditions(card), "dim"))
    for said in filter(None, (wording.prompting(card), wording.drawn(card))):
        console.print(Text(said, "dim"))
    console.print(Text(f"\n{headline(card)}\n", "bold"))
    interval = card.target.gain_ci if card.target is not None else None
    learned = interval is not None and interval[0] > 0
    for statement in wording.learning(card):
        _state(statement, console, f"bold {_LEARNED}" if learned and statement.label == "Gain" else "")


def _state(statement: Statement, console: Console, style: str = "") -> None:
    label, value, detail = statement
    console.print(Text.assemble((f"{label} ", "bold"), (value, style), f" {detail}" if detail else ""))


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("task", max_width=_NAME, overflow="ellipsis", no_wrap=True)
    for name in columns:
        left = name in ("95 %", "verdict", "")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    return table


def _changes(tasks: Mapping[str, TaskScore], console: Console) -> Table:
    table = _table(*wording.CHANGE_COLUMNS[1:], "")
    rows = [wording.change_row(name, task) for name, task in tasks.items()]
    taken = sum(max(5, *(len(row[column][:_NAME] if not column else row[column]) for row in rows)) + 2
                for column in range(5))  # fmt: skip
    longest = max(0, min(_BAR, console.width - taken - 1))
    block = "█" if console.encoding.lower().startswith("utf") else "#"
    largest = max(abs(task.delta) for task in tasks.values()) or 1.0
    for task, (name, *numbers, said) in zip(tasks.values(), rows, strict=True):
        length = round(abs(task.delta) / largest * longest)
        sign, style = (MINUS, _FORGOTTEN) if task.delta < 0 else ("+", _LEARNED)
        bar = Text(sign + block * length if length else "", style)
        table.add_row(Text(name), *numbers, Text(said, _STYLES[str(task.verdict)]), bar)
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
    for name in wording.in_order(card):
        task = card.tasks[name]
        counts = (f"{count:,}" for count in (task.n11, task.n01, task.n10, task.n00))
        table.add_row(Text(printable(name)), *counts, _strip(task))
    return table


def _key() -> Text:
    marks = (("= kept", _KEPT), ("+ learned", _LEARNED), ("- forgotten", _FORGOTTEN), (". never", _NEVER))
    return Text("  ").join([Text(""), *(Text(*mark) for mark in marks)])


def _strip(task: TaskScore) -> Text:
    """The four cells as a strip of ``_STRIP`` characters; each boundary is rounded once, so they always fill it."""
    strip, done, filled = Text(), 0, 0
    for field, mark, style in _CELLS:
        done += getattr(task, field)
        upto = round(done / (task.n11 + task.n01 + task.n10 + task.n00) * _STRIP)
        strip.append(mark * (upto - filled), style)
        filled = upto
    return strip.append("." * (_STRIP - filled), _NEVER)


def _passes(rows: Sequence[Sequence[str]]) -> Table:
    table = _table(*wording.PASS_COLUMNS[1:])
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _noise(card: Scorecard) -> Table:
    table = _table("F noise", "F", "F net", "95 %", "of known, noise", "of known")
    assert card.noise is not None
    for name in wording.in_order(card):
        noise = card.noise.tasks[name]
        task = card.tasks[name]
        table.add_row(
            Text(printable(name)),
            *map(share, (noise.forgotten_noise, task.forgotten_rate)),
            points(noise.forgotten_net),
            point_interval(noise.forgotten_net_ci),
            *map(share, (noise.given_known_noise, task.forgotten_given_known)),
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
