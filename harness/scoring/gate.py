"""Gate: what a scorecard says of a rule, by the interval and not by the number alone.

A rule (``harness.scoring.rules``) states what must not be true. It is **shown** where the whole 95 % interval says so,
**refuted** where the whole interval says the opposite, and **not shown** in between: too few items to tell. A gate
fails on what is shown; a strict one fails unless the opposite is shown. Where any of several tasks or groups counts,
intervals are widened for their number (Bonferroni) before something counts as shown, and ``any forgot`` is the verdict,
whose tests are adjusted already (Holm).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import RetentionError
from harness.scoring.estimates import Estimate, UndefinedError, of_each, of_pair, of_scope, unknown_scope
from harness.scoring.findings import State, look_for
from harness.scoring.rules import Comparison, Rule, plain
from harness.scoring.wording import MINUS, per_cent, points, printable, share

if TYPE_CHECKING:
    from harness.scoring.scorecard import Scorecard

_IS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}
_UNITS = {"points": " points", "percent": " %", "ratio": " %"}
_OPPOSITE = {"<": "at least", "<=": "above", ">": "at most", ">=": "below"}


@dataclass(frozen=True)
class RuleResult:
    """What one scorecard says of one rule.

    ``state`` is about what the rule states: shown, not shown, refuted, or undefined where the scorecard lacks the
    number. ``value`` and ``interval`` are those of the number that decided, as they are stored (rates in [0, 1]); None
    for findings and undefined numbers. ``said`` is the finding in one line.
    """

    rule: Rule
    state: State
    said: str
    value: float | None = None
    interval: tuple[float, float] | None = None

    def fails(self, *, strict: bool = False) -> bool:
        """Whether a gate fails by it: on what is shown; a strict one on all that is not refuted."""
        return self.state == "shown" or (strict and self.state == "not shown")

    def line(self, *, strict: bool = False) -> str:
        """``said`` after PASS, FAIL or ERROR."""
        if self.state == "undefined":
            return f"ERROR {self.said}"
        why = " (--strict-gate)" if strict and self.state == "not shown" else ""
        return f"{'FAIL' if self.fails(strict=strict) else 'PASS'} {self.said}{why}"


def apply_rule(rule: Rule, card: Scorecard) -> RuleResult:
    """What ``card`` says of ``rule``; ``RetentionError`` where it has no task, group or family of the rule's name."""
    if isinstance(rule, Comparison):
        return _compare(rule, card)
    state, said = look_for(rule, card)
    return RuleResult(rule, state, printable(said))


def apply_rules(rules: Iterable[Rule], card: Scorecard) -> list[RuleResult]:
    """:func:`apply_rule` of each; one about something that ``card`` does not have is undefined, so that the others are
    still reported."""
    found = []
    for rule in rules:
        try:
            found.append(apply_rule(rule, card))
        except RetentionError as error:
            found.append(RuleResult(rule, "undefined", str(error)))
    return found


def check_scopes(rules: Iterable[Rule], known: Sequence[str]) -> None:
    """``RetentionError`` for a rule about something that is none of the tasks, groups and families in ``known``."""
    for rule in rules:
        if rule.scope is not None and rule.scope not in known:
            raise unknown_scope(rule.scope, known)


def exit_code(results: Iterable[RuleResult], *, strict: bool = False) -> int:
    """0 where all rules pass, 1 where one fails, and else 2 where a number is not defined."""
    found = list(results)
    if any(each.fails(strict=strict) for each in found):
        return 1
    return 2 if any(each.state == "undefined" for each in found) else 0


def _compare(rule: Comparison, card: Scorecard) -> RuleResult:
    try:
        found = _estimates(rule, card)
    except UndefinedError as error:
        return RuleResult(
            rule, "undefined", printable(f"{_named(rule)} is not defined: {error}; {_way_out(rule, card)}")
        )
    judged = [(_state(rule, each, len(found)), each) for each in found]
    states: tuple[State, ...] = ("shown", "not shown", "refuted")
    state = next(state for state in states if any(said == state for said, _ in judged))
    worst = _worst(rule, [each for said, each in judged if said == state])
    return _result(rule, state, worst.widened(1 if state == "refuted" else len(found)))


def _estimates(rule: Comparison, card: Scorecard) -> list[Estimate]:
    if rule.metric == "worst_group":
        return of_each("retention", "group", card)
    if rule.each is not None:
        return of_each(rule.metric, rule.each, card)
    return [of_pair(rule.metric, card) if rule.scope is None else of_scope(rule.metric, rule.scope, card)]


def _state(rule: Comparison, each: Estimate, comparisons: int) -> State:
    wide = each.widened(comparisons)
    if _holds(rule, wide.low) and _holds(rule, wide.high):
        return "shown"
    return "not shown" if _holds(rule, each.low) or _holds(rule, each.high) else "refuted"


def _holds(rule: Comparison, value: float) -> bool:
    limit = rule.limit
    return {"<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit}[rule.sign]


def _worst(rule: Comparison, found: Sequence[Estimate]) -> Estimate:
    """The one that the rule is about most: the smallest for "below", the largest for "above"."""
    sign = 1 if rule.sign.startswith("<") else -1
    return min(found, key=lambda each: (sign * each.value, each.name))


def _result(rule: Comparison, state: State, found: Estimate) -> RuleResult:
    named = _named(rule, found.name)
    limit = plain(rule.threshold).replace("-", MINUS) + _UNITS.get(rule.definition.unit, "")
    exact = found.low == found.high
    number = _shown(rule, found.value) + ("" if exact else f" {_interval(rule, found)}")
    if state == "shown":
        said = f"{named} {number} is {_IS[rule.sign]} {limit}" + ("" if exact else ": shown")
    elif state == "refuted":
        said = f"{named} {number} is {_OPPOSITE[rule.sign]} {limit}" + ("" if exact else ": shown")
    else:
        said = f"{named} {number} is not shown to be {_IS[rule.sign]} {limit}; {_needed(rule, found)}"
    return RuleResult(rule, state, said, found.value, (found.low, found.high))


def _needed(rule: Comparison, found: Estimate) -> str:
    """The value that as many items would show."""
    if rule.sign.startswith("<"):
        return f"this many items show one below {_shown(rule, rule.limit - (found.high - found.value))}"
    return f"this many items show one above {_shown(rule, rule.limit + (found.value - found.low))}"


def _named(rule: Comparison, name: str = "") -> str:
    metric = "retention" if rule.metric == "worst_group" and name else rule.name
    place = rule.scope or name
    return printable(f"{metric}[{place}]" if place else metric)


def _shown(rule: Comparison, value: float) -> str:
    unit = rule.definition.unit
    if unit == "points":
        return f"{points(value)} points"
    if unit in ("percent", "ratio"):
        return share(value)
    return f"{value:.3g}"


def _interval(rule: Comparison, found: Estimate) -> str:
    show = {"points": points, "percent": per_cent, "ratio": per_cent}.get(rule.definition.unit, "{:.3g}".format)
    return f"[{show(found.low)}, {show(found.high)}]"


def _way_out(rule: Comparison, card: Scorecard) -> str:
    part = rule.definition.fields[0].partition(".")[0] if rule.definition.fields else ""
    if rule.needs_target and card.target is None:
        return "name the target (--target FAMILY) or leave the rule out"
    if part in ("NoiseScore", "DriftScore"):
        return "give a second run of the base (--noise)" if part == "NoiseScore" else "measure it (--drift)"
    return "take a suite that says more (other families, more items), or leave the rule out"
