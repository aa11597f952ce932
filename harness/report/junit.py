"""JUnit: the rules of a gate and the prior tasks of pairs as test cases, which every CI server shows.

A rule fails as the gate does, and one whose number is not defined is an error. A task fails where it was forgotten and
a rule forbids that (``any forgot``), or where there is no rule at all; tasks of which nothing can be said are skipped.
"""

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as Xml

from harness.scoring import Occurrence, RuleResult, Scorecard, TaskScore, printable, wording

Judged = tuple[Scorecard, Sequence[RuleResult]]
_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def render_junit(pairs: Iterable[Judged], *, strict: bool = False) -> str:
    """JUnit XML: one ``testsuite`` a pair, in it one ``testcase`` a rule and one a prior task.

    ``pairs`` are scorecards with what the rules say of them (``apply_rules``); the same input gives the same text.
    """
    root = Xml.Element("testsuites", {"name": "RetentionBench"})
    for card, results in pairs:
        _suite(root, card, results, strict)
    _count(root, root)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _suite(root: Xml.Element, card: Scorecard, results: Sequence[RuleResult], strict: bool) -> None:
    suite = Xml.SubElement(root, "testsuite", {"name": wording.title(card)})
    for result in results:
        _rule_case(suite, result, strict)
    for name, task in card.prior_tasks.items():
        _task_case(suite, name, task, _forbidden(results, name, task), strict)
    Xml.SubElement(suite, "system-out").text = printable(card.signature)
    _count(suite, suite)


def _case(suite: Xml.Element, group: str, name: str) -> Xml.Element:
    return Xml.SubElement(suite, "testcase", {"classname": f"retention.{group}", "name": _one_line(name), "time": "0"})


def _rule_case(suite: Xml.Element, result: RuleResult, strict: bool) -> None:
    case = _case(suite, "rules", str(result.rule))
    said = result.line(strict=strict)
    if result.state == "undefined":
        _add(case, "error", said, "undefined")
    elif result.fails(strict=strict):
        _add(case, "failure", said, result.state)
    else:
        Xml.SubElement(case, "system-out").text = printable(said)


def _task_case(suite: Xml.Element, name: str, task: TaskScore, forbidden: bool, strict: bool) -> None:
    case = _case(suite, "tasks", name)
    said = wording.finding(task)
    if forbidden and (task.verdict == "forgot" or (strict and task.verdict == "inconclusive")):
        _add(case, "failure", said, str(task.verdict))
    elif task.verdict in ("inconclusive", "nothing to lose"):
        _add(case, "skipped", said)
    else:
        Xml.SubElement(case, "system-out").text = printable(said)


def _forbidden(results: Sequence[RuleResult], name: str, task: TaskScore) -> bool:
    """Whether a rule says that ``name`` may not be forgotten; so it is where there is no rule."""
    rules = [each.rule for each in results]
    forgot = [rule for rule in rules if isinstance(rule, Occurrence) and rule.word == "forgot"]
    return not rules or any(rule.scope in (None, name, task.group, task.family) for rule in forgot)


def _add(case: Xml.Element, tag: str, message: str, kind: str | None = None) -> None:
    attributes = {"message": _one_line(message)} | ({} if kind is None else {"type": kind})
    Xml.SubElement(case, tag, attributes).text = None if kind is None else _one_line(message)


def _one_line(text: str) -> str:
    """Without the characters that XML does not have, and on one line, as attributes are."""
    return " ".join(printable(text).split())


def _count(holder: Xml.Element, within: Xml.Element) -> None:
    holder.set("tests", str(len(list(within.iter("testcase")))))
    for name, tag in _COUNTED.items():
        holder.set(name, str(len(list(within.iter(tag)))))
    holder.set("time", "0")
