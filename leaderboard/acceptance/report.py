"""What the steps of acceptance found: the report of an entry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from leaderboard.documents import clean
from leaderboard.entries import STEPS, Finding

Verdict = Literal["accepted", "refused", "incomplete"]

State = Literal["passed", "failed", "incomplete", "not reached"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Numbers(_Strict):
    """What an accepted entry scores, from rows that were all recomputed."""

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


class Report(_Strict):
    """The verdict on one entry, step by step. ``numbers`` are there only when every check held."""

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

    def with_findings(self, more: Iterable[Finding]) -> Report:
        """The report with findings that were made by comparing entries."""
        found = [*self.findings, *more]
        return report(self.entry, found, {name for name, state in self.steps.items() if state != "not reached"},
                      self.numbers)  # fmt: skip


def report(name: str, found: Sequence[Finding], reached: set[str], numbers: Numbers | None) -> Report:
    """The report that these findings make, ordered by step, what refuses first."""
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
    # A folder may be named anything; a report is printed and published.
    return Report(
        entry=clean(name, 200), verdict=verdict, steps=steps, findings=ordered, numbers=numbers if whole else None
    )
