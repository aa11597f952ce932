"""Markdown: a pair as a comment on a pull request, verdict first, details collapsed, no link.

Names come from files anyone may write. They stand in code spans, where nothing is a link, a mention, HTML or a border
of a table.
"""

import re
from collections.abc import Iterator, Sequence

from harness.scoring import (
    RuleResult,
    Scorecard,
    TaskScore,
    alarm_lines,
    headline,
    point_interval,
    points,
    printable,
    share,
    wording,
)

# A comment on GitHub holds 65,536 characters.
_MOST_TASKS = 100
_FIRST_TASKS = 5
_LONGEST = 400


def render_pair_markdown(card: Scorecard, results: Sequence[RuleResult] = (), *, strict: bool = False) -> str:
    """``card`` in GitHub's Markdown: what the rules of a gate say (``results``), gain and retention, the largest
    losses; all tasks, alarms and the signature in a collapsed part."""
    return "\n".join(_lines(card, results, strict)) + "\n"


def code(text: str, cap: int = _LONGEST) -> str:
    """``text`` by others as a code span on one line, of at most ``cap`` characters."""
    line = " ".join(printable(text).split())
    line = line if len(line) <= cap else f"{line[:cap]}.."
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    # A blank on both sides is taken off again, and keeps the fence from joining a backtick of the text.
    return f"{fence} {line or '-'} {fence}"


def _lines(card: Scorecard, results: Sequence[RuleResult], strict: bool) -> Iterator[str]:
    yield f"### {_verdict(results, strict)}{code(wording.title(card), 160)}"
    yield ""
    for result in results:
        word, _, said = result.line(strict=strict).partition(" ")
        yield f"- **{word}** {code(said)}"
    if results:
        yield ""
    yield f"{code(headline(card), 500)}\n"
    for statement in (*wording.learning(card), *wording.totals(card)):
        yield f"- {statement.label.rstrip(':')}: {code(f'{statement.value} {statement.detail}')}"
    yield ""
    yield from _table(dict(list(card.prior_tasks.items())[:_FIRST_TASKS]))
    yield from _details(card)


def _verdict(results: Sequence[RuleResult], strict: bool) -> str:
    words = {result.line(strict=strict).partition(" ")[0] for result in results}
    return next((f"{word}: " for word in ("FAIL", "ERROR", "PASS") if word in words), "")


def _table(tasks: dict[str, TaskScore]) -> Iterator[str]:
    if not tasks:
        return
    yield "| task | base | tuned | points | 95 % | verdict |"
    yield "|---|--:|--:|--:|---|---|"
    for name, task in tasks.items():
        said = task.role if task.verdict is None else wording.SAID.get(task.verdict, task.verdict)
        numbers = (share(task.base), share(task.tuned), points(task.delta), point_interval(task.delta_ci))
        place = code(name.replace("|", "\N{BROKEN BAR}"), 80)
        yield f"| {' | '.join((place, *numbers, said))} |"
    yield ""


def _details(card: Scorecard) -> Iterator[str]:
    names = wording.in_order(card)
    yield f"<details><summary>All {len(names)} tasks, alarms ({len(card.alarms)}), how it was measured</summary>"
    yield ""
    yield from _table({name: card.tasks[name] for name in names[:_MOST_TASKS]})
    if len(names) > _MOST_TASKS:
        yield f"and {len(names) - _MOST_TASKS} more tasks.\n"
    yield from (f"- ALARM {code(text)}" for text in alarm_lines(card))
    yield from (f"- {wording.UNCHECKED} {code(note)}" for note in wording.caveats(card)[:_MOST_TASKS])
    yield from (f"- {wording.NOTES} {code(note)}" for note in wording.notes(card)[:_MOST_TASKS])
    yield f"- {code(wording.conditions(card))}"
    yield f"- {code(card.signature, 2000)}"
    yield ""
    yield "</details>"
