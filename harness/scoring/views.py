"""Views of a scorecard for people who work in Python: plain text, a table for a notebook, a data frame."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from harness.scoring import wording
from harness.scoring.alarm_kinds import alarm_lines
from harness.scoring.sentence import headline

if TYPE_CHECKING:
    import pandas as pd

    from harness.scoring.scorecard import Scorecard

_LEFT = ("task", "verdict")


def as_text(card: Scorecard) -> str:
    """The scorecard in plain text: the findings in the order of the terminal's report, without its drawings."""
    return "\n".join(_lines(card))


def _lines(card: Scorecard) -> Iterator[str]:
    yield from (
        wording.title(card),
        wording.conditions(card),
        *filter(None, [wording.drawn(card)]),
        "",
        headline(card),
        "",
    )
    yield from map(str, wording.learning(card))
    for role, heading in wording.LISTS.items():
        if tasks := card.tasks_of(role):
            rows = [wording.change_row(name, task) for name, task in tasks.items()]
            yield from ("", heading, *wording.align_columns(wording.CHANGE_COLUMNS, rows, _LEFT))
    if rows := wording.passes(card):
        yield from ("", wording.PASSES, *wording.align_columns(wording.PASS_COLUMNS, rows, ("task", "95 %")))
    yield from ("", *map(str, wording.totals(card)), *(f"ALARM {text}" for text in alarm_lines(card)))
    if notes := wording.caveats(card):
        yield from ("", wording.UNCHECKED, *(f"- {note}" for note in notes))
    if notes := wording.notes(card):
        yield from ("", wording.NOTES, *(f"- {note}" for note in notes))
    yield from ("", card.signature)


def as_html(card: Scorecard) -> str:
    """The findings and one row a task as a self-contained HTML fragment; everything named is escaped."""
    cells = "".join(f"<th>{escape(name)}</th>" for name in wording.CHANGE_COLUMNS)
    rows = "".join(_row(wording.change_row(name, card.tasks[name])) for name in wording.in_order(card))
    said = [*map(str, (*wording.learning(card), *wording.totals(card)))]
    said += [f"ALARM {text}" for text in alarm_lines(card)]
    if notes := wording.caveats(card):
        said.append(f"{wording.UNCHECKED} {'; '.join(notes)}")
    if notes := wording.notes(card):
        said.append(f"{wording.NOTES} {'; '.join(notes)}")
    return (
        f"<div><p><strong>{escape(wording.title(card))}</strong><br>{escape(headline(card))}</p>"
        f"<table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>"
        f"<p>{'<br>'.join(map(escape, said))}</p><p><small>{escape(card.signature)}</small></p></div>"
    )


def _row(cells: tuple[str, ...]) -> str:
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def as_frame(card: Scorecard) -> pd.DataFrame:
    """One row a task in the order of the reports; ``Scorecard.to_frame`` says which columns."""
    import pandas as pd

    return pd.DataFrame([_fields(card, name) for name in wording.in_order(card)])


def _fields(card: Scorecard, name: str) -> dict[str, Any]:
    row: dict[str, Any] = {"model": card.tuned.name, "task": name}
    for field, value in card.tasks[name].model_dump(mode="json", exclude={"reasons", "pass_at"}).items():
        if isinstance(value, list):
            row |= {f"{field}_low": value[0], f"{field}_high": value[1]}
        else:
            row[field] = value
    for each in card.tasks[name].pass_at:
        row |= {f"pass@{each.k}_{part}": getattr(each, part) for part in ("base", "tuned", "delta")}
    return row
