"""How a report of validation reads on a terminal and in a pull request: plain lines, each finding with its way out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leaderboard.acceptance.report import Numbers, Report
from leaderboard.entries import STEPS, Finding
from leaderboard.numbers import percent, points, points_ci

_MARKS = {"passed": "ok", "failed": "FAILED", "incomplete": "could not be checked", "not reached": "not reached"}


def report_lines(report: Report) -> Iterator[str]:
    """The verdict, every step, every finding with file, field, rule and what to do, and the numbers if they hold."""
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
    """How many entries got which verdict."""
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
