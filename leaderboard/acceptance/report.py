"""The report on an entry: verdict, findings by step and scores, and its text for terminals and pull requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from harness.records import StrictModel
from leaderboard.documents import clean
from leaderboard.entries import STEPS, Finding
from leaderboard.numbers import percent, points, points_ci

Verdict = Literal["accepted", "refused", "incomplete"]

State = Literal["passed", "failed", "incomplete", "not reached"]
# In a note of an event, with the number of others.
_LONGEST_FLAG = 460
_MARKS = {"passed": "ok", "failed": "FAILED", "incomplete": "could not be checked", "not reached": "not reached"}


class Numbers(StrictModel):
    """The scores of an accepted entry, all recomputed from its rows."""

    target: str
    gain: float
    gain_ci: tuple[float, float] | None
    normalised_gain: float | None
    retention_macro: float | None
    retention_macro_ci: tuple[float, float] | None
    rests_on: str
    worst_group: str | None
    balance: float | None
    no_balance: str | None
    signature: str


class Report(StrictModel):
    """The verdict on one entry, step by step. ``numbers`` is set only if every check passed."""

    entry: str
    verdict: Verdict
    steps: dict[str, State]
    findings: tuple[Finding, ...]
    numbers: Numbers | None

    @property
    def accepted(self) -> bool:
        return self.verdict == "accepted"

    def of(self, action: str) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.action == action)

    @property
    def flags(self) -> dict[str, str]:
        """What was flagged, by rule: the first place in words, and how many more there are. Alarms are the
        scorecard's, which is with the entry anyway."""
        found: dict[str, list[str]] = {}
        for each in self.of("flag"):
            if each.rule != "alarm":
                found.setdefault(each.rule, []).append(each.message)
        return {
            rule: clean(words[0], _LONGEST_FLAG) + (f" (and {len(words) - 1} more)" if len(words) > 1 else "")
            for rule, words in found.items()
        }

    def with_findings(self, more: Iterable[Finding]) -> Report:
        """The report with additional findings from comparing entries."""
        found = [*self.findings, *more]
        return report(self.entry, found, {name for name, state in self.steps.items() if state != "not reached"},
                      self.numbers)  # fmt: skip


def report(name: str, found: Sequence[Finding], reached: set[str], numbers: Numbers | None) -> Report:
    """The report of these findings, ordered by step and severity."""
    worst = {"refuse": 0, "incomplete": 1, "flag": 2}
    ordered = tuple(sorted(found, key=lambda each: (each.step, worst[each.action])))
    actions = {each.action for each in ordered}
    verdict: Verdict = "refused" if "refuse" in actions else "incomplete" if "incomplete" in actions else "accepted"
    whole = verdict == "accepted" and numbers is not None
    steps: dict[str, State] = {}
    for number, step in STEPS.items():
        own = {each.action for each in ordered if each.step == number}
        if "refuse" in own:
            steps[step] = "failed"
        elif "incomplete" in own:
            steps[step] = "incomplete"
        else:
            steps[step] = "passed" if step in reached and (number < 8 or whole) else "not reached"
    # A folder may have any name, but a report is printed and published.
    return Report(
        entry=clean(name, 200), verdict=verdict, steps=steps, findings=ordered, numbers=numbers if whole else None
    )


def report_lines(report: Report) -> Iterator[str]:
    """The verdict, every step, every finding with file, field, rule and fix, and the scores of an accepted entry."""
    flags = len(report.of("flag"))
    yield f"{report.entry}: {report.verdict}" + (f", {counted(flags, 'flag')}" if flags else "")
    for number, step in STEPS.items():
        yield f"  {number} {step:<13} {_MARKS[report.steps[step]]}"
        yield from (f"      {line}" for found in report.findings if found.step == number for line in _finding(found))
    if report.numbers is not None:
        yield f"  {numbers_line(report.numbers)}"


def numbers_line(numbers: Numbers) -> str:
    """Gain, retention and balance on one line."""
    gain = f"{numbers.target} {points(numbers.gain)} points {points_ci(numbers.gain_ci)}"
    balance = numbers.no_balance or f"balance {percent(numbers.balance)}"
    if numbers.retention_macro is None:
        return f"{gain}, retention {numbers.rests_on}, {balance}"
    return f"{gain}, retention {percent(numbers.retention_macro)} {numbers.rests_on}, {balance}"


def summary_line(reports: Sequence[Report]) -> str:
    """The number of entries by verdict."""
    found = [report.verdict for report in reports]
    parts = [
        f"{found.count(verdict)} {verdict}" for verdict in ("accepted", "refused", "incomplete") if verdict in found
    ]
    return f"{counted(len(reports), 'entry', 'entries')}: {', '.join(parts)}"


def counted(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _finding(found: Finding) -> Iterator[str]:
    yield f"{found.action} [{found.rule}] {found.line}"
    if not found.way_out.startswith("nothing"):
        yield f"  do: {found.way_out}"
