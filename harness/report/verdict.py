"""Verdict: a scorecard in at most ten lines, for who wants to know whether a checkpoint may be kept."""

from collections.abc import Iterator
from statistics import median

from harness.scoring import (
    Scorecard,
    TaskScore,
    alarm_lines,
    headline,
    per_cent,
    point_interval,
    points,
    printable,
    share,
    wording,
)

MOST_LINES = 10
_NAMED = 3
# What of the answers may explain a loss, the likeliest first.
_EXPLAINING = (
    "unparsed_differs", "truncated_differs", "off_list_differs", "constant_answers", "below_chance", "length_differs"
)  # fmt: skip


def verdict_lines(card: Scorecard) -> list[str]:
    """What was learned, what was forgotten and retained with intervals in points, the worst task with what explains it,
    and the flips. Names are made visible text."""
    return list(_lines(card))[:MOST_LINES]


def _lines(card: Scorecard) -> Iterator[str]:
    yield f"{wording.title(card)}: {headline(card)}"
    if card.target is not None:
        yield str(wording.learning(card)[0])
    yield str(wording.totals(card)[0])
    prior = card.prior_tasks
    for word, label in (("forgot", "Forgot"), ("retained", "Retained"), ("improved", "Improved")):
        if found := {name: task for name, task in prior.items() if task.verdict == word}:
            yield f"{label} ({len(found)} of {len(prior)}): {_named(found)}"
    if open_ := [task for task in prior.values() if task.verdict == "inconclusive"]:
        yield _cannot_say(open_, len(prior))
    if prior:
        yield _worst(card, *next(iter(prior.items())))
        yield _flips(list(prior.values()))
    if alarms := alarm_lines(card):
        more = f", and {len(alarms) - 1} more kinds of alarm in the report" if len(alarms) > 1 else ""
        yield f"ALARM {alarms[0]}{more}"


def _named(tasks: dict[str, TaskScore]) -> str:
    shown = [f"{printable(name)} {points(task.delta)} {point_interval(task.delta_ci)}" for name, task in tasks.items()]
    more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
    return ", ".join(shown[:_NAMED]) + more


def _cannot_say(tasks: list[TaskScore], of: int) -> str:
    least = [task.smallest_loss for task in tasks if task.smallest_loss is not None]
    shows = f": on half of them a loss below {per_cent(median(least))} points would not have shown" if least else ""
    return f"Cannot say ({len(tasks)} of {of}){shows}"


def _worst(card: Scorecard, name: str, task: TaskScore) -> str:
    """The prior task with the largest loss, and what about its answers may explain it."""
    if task.delta >= 0:
        return "Worst task: none, no prior task has a lower score than before"
    change = f"{per_cent(task.base)} to {share(task.tuned)}, {points(task.delta)} points"
    why = _explanation(card, name, task)
    return f"Worst task: {printable(name)}, {change} {point_interval(task.delta_ci)}{f'; {why}' if why else ''}"


def _explanation(card: Scorecard, name: str, task: TaskScore) -> str:
    found: dict[str, str] = {alarm.kind: alarm.message for alarm in card.alarms if alarm.task == name}
    said = next((printable(found[kind]) for kind in _EXPLAINING if kind in found), "")
    if task.format_loss > task.content_loss:
        return f"{said}{', ' if said else ''}lost format more than lost knowledge".strip()
    return said


def _flips(tasks: list[TaskScore]) -> str:
    items, forgotten, learned = (sum(getattr(task, name) for task in tasks) for name in ("n", "n10", "n01"))
    unparsed = [sum(task.n * getattr(task, f"unparsed_{side}") for task in tasks) / items for side in ("base", "tuned")]
    return (
        f"Flips: of {items:,} prior items {forgotten:,} were forgotten and {learned:,} learned; "
        f"unparsed {per_cent(unparsed[0])} to {share(unparsed[1])}"
    )
