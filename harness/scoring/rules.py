"""Rules: what must not be true of a pair, in one line of text: ``retention < 95``, ``any forgot``.

    METRIC < NUMBER              retention < 95        gain < 10        balance <= 80%      alarms > 0
    METRIC[NAME] < NUMBER        retention[science] < 90                forgetting[math] > 5
    any [task|group] METRIC < N  any group retention < 90               any task delta < -10
    any WORD, any WORD[NAME]     any forgot            any alarm        any unreadable[math]

METRIC is a name of ``retention metrics``, NAME a task, a capability group or a family. Rates are in per cent and
changes in points: ``95``, ``95%`` and ``95 points`` are the same 95 hundredths. A ratio may also be written as the rate
that the library has, ``retention < .95``. A number that could mean either is refused, never guessed.
"""

import difflib
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Literal

from harness.errors import RetentionError
from harness.scoring.definitions import Metric, find_metric
from harness.scoring.estimates import GATED, OF_GROUP, OF_PAIR, OF_TASK

Sign = Literal["<", "<=", ">", ">="]
Each = Literal["task", "group"]

EXAMPLE = '"retention < 95", "forgetting[math] > 5" or "any forgot"'
# What `any` may be followed by, and how else it is said; the kinds of alarms come to these.
_WORDS = {
    "forgot": "forgot", "forgotten": "forgot", "inconclusive": "inconclusive", "cannot say": "inconclusive",
    "nothing to lose": "nothing to lose", "alarm": "alarm", "alarms": "alarm", "unreadable": "unreadable",
    "unparsed": "unreadable",
}  # fmt: skip
ALARMS = (
    "below_chance", "unparsed_differs", "off_list_differs", "truncated_differs", "length_differs", "constant_answers",
    "double_bos", "no_bos", "bos_differs", "template_differs", "prompts_chosen", "processor_differs", "screened",
)  # fmt: skip
# Numbers of one group, which the rule language calls by the name of those of all groups.
_OF_ONE_GROUP = {"group_retention": "retention", "group_ratio": "retention_ratio", "task_retention": "retention"}
_LONGEST = 200
_ANY = re.compile(r"any(?:\s+(?P<each>task|group)s?)?\s+(?P<rest>\S.*)", re.IGNORECASE)
_SUBJECT = r"(?P<name>[^\[\]<>=≤≥!]+?)\s*(?:\[\s*(?P<scope>.*\S)\s*\])?"
_COMPARISON = re.compile(_SUBJECT + r"\s*(?P<sign><=|>=|≤|≥|<|>|==?|!=)\s*(?P<number>[^\]]*)")
_FINDING = re.compile(_SUBJECT)
_SIGNS: dict[str, Sign] = {"<": "<", "<=": "<=", "≤": "<=", ">": ">", ">=": ">=", "≥": ">="}
_NUMBER = re.compile(
    r"(?P<value>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))\s*(?P<unit>%|per ?cent|points?|pts?|pp)?", re.IGNORECASE
)
# What word processors and our own tables write for a minus.
_MINUS = str.maketrans("\N{MINUS SIGN}\N{EN DASH}\N{NON-BREAKING HYPHEN}", "---")
_QUOTES = re.compile(
    r"""(["'])(?P<inside>.*)\1|\N{LEFT DOUBLE QUOTATION MARK}(?P<curly>.*)\N{RIGHT DOUBLE QUOTATION MARK}"""
)
_SEVERAL = re.compile(r".*(?:[,;]\s*[a-z]|\b(?:and|or)\b).*", re.IGNORECASE)
# How far a threshold of each unit may go, as it is written.
_REACH = {"points": (-100, 100), "percent": (0, 100), "ratio": (-200, 200), "probability": (0, 1)}
_IN_HUNDREDTHS = ("points", "percent", "ratio")


@dataclass(frozen=True)
class Comparison:
    """A number of a pair against a threshold.

    ``metric`` is a name of the catalogue, ``scope`` the task, group or family it is of, ``each`` that any task or any
    group counts. ``threshold`` is as it is written: per cent of a rate, points of a change, else the number itself.
    """

    metric: str
    sign: Sign
    threshold: Decimal
    scope: str | None = None
    each: Each | None = None

    def __str__(self) -> str:
        every = "" if self.each is None else f"any {self.each} "
        place = "" if self.scope is None else f"[{self.scope}]"
        return f"{every}{self.name}{place} {self.sign} {plain(self.threshold)}{_SUFFIX.get(self.definition.unit, '')}"

    @property
    def name(self) -> str:
        """How a rule calls the metric."""
        return called(self.metric)

    @property
    def definition(self) -> Metric:
        return find_metric(self.metric)

    @cached_property
    def limit(self) -> float:
        """The threshold as the scorecard stores numbers: a rate for per cent and points."""
        return float(self.threshold / 100 if self.definition.unit in _IN_HUNDREDTHS else self.threshold)

    @property
    def needs_target(self) -> bool:
        """Whether the number is of the target, so that without one it is not defined."""
        return self.metric == "balance" or any(field.startswith("TargetScore.") for field in self.definition.fields)


@dataclass(frozen=True)
class Occurrence:
    """A finding about any prior task: ``word`` is forgot, inconclusive, nothing to lose, unreadable, alarm, or one kind
    of alarm; ``scope`` the task, group or family that it is looked for in."""

    word: str
    scope: str | None = None

    needs_target = False

    def __str__(self) -> str:
        return f"any {self.word}" + ("" if self.scope is None else f"[{self.scope}]")


Rule = Comparison | Occurrence

_SUFFIX = {"points": " points", "percent": "%", "ratio": "%"}


def parse_rule(text: str) -> Rule:
    """The rule that ``text`` states; ``str`` of it is its canonical form.

    ``RetentionError`` names what is wrong with it: an unknown metric or word, a number that may mean two things, a
    number of a task without the task.
    """
    said = _unquoted(" ".join(text[: _LONGEST + 1].split()))
    if not said or len(said) > _LONGEST:
        raise RetentionError(f"an empty rule; write {EXAMPLE}" if not said else f"{said[:40]}..: too long for a rule")
    anyone = _ANY.fullmatch(said)
    rest = said if anyone is None else anyone["rest"]
    comparison = _COMPARISON.fullmatch(rest)
    if comparison is not None:
        return _comparison(said, comparison, None if anyone is None else _each(anyone["each"], rest))
    if anyone is None:
        raise RetentionError(f"{said!r}: not a rule; write {EXAMPLE}")
    return _occurrence(said, rest, anyone["each"])


def _unquoted(text: str) -> str:
    """``text`` without quotes around all of it, which files of settings keep where a shell takes them off."""
    found = _QUOTES.fullmatch(text)
    return text if found is None else (found["inside"] or found["curly"] or "").strip()


def _each(word: str | None, rest: str) -> Each:
    """What ``any`` is about; where the rule does not say, groups for what is of groups and tasks for the rest."""
    if word is not None:
        return "group" if word.lower() == "group" else "task"
    return "group" if rest.casefold().startswith("retention") else "task"


def _comparison(said: str, found: re.Match[str], each: Each | None) -> Comparison:
    scope = found["scope"]
    metric = _gated(said, found["name"], scope, each)
    if found["sign"] not in _SIGNS:
        raise RetentionError(f"{said!r}: a rule compares by <, <=, > or >=")
    return Comparison(metric.name, _SIGNS[found["sign"]], _threshold(said, metric, found["number"]), scope, each)


def _occurrence(said: str, rest: str, each: str | None) -> Occurrence:
    subject = _FINDING.fullmatch(rest)
    if subject is None:
        raise RetentionError(f"{said!r}: not a rule; write {EXAMPLE}")
    word = subject["name"].casefold().replace("-", "_")
    found = _WORDS.get(word.replace("_", " ")) or (word if word in ALARMS else None)
    if found is None:
        near = difflib.get_close_matches(word, [*_WORDS, *ALARMS], n=2)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        known = ", ".join(dict.fromkeys([*_WORDS.values(), *ALARMS]))
        raise RetentionError(f"{said!r}: no such finding; {hint}any is followed by {known}, or by METRIC < NUMBER")
    if each is not None and each.lower() == "group":
        raise RetentionError(f"{said!r}: verdicts are of tasks; write any {found}, or any group retention < 95")
    return Occurrence(found, subject["scope"])


def _gated(said: str, name: str, scope: str | None, each: Each | None) -> Metric:
    """The metric called ``name``, where a rule can be about it in that place."""
    metric = find_metric(name)
    if metric.name in _OF_ONE_GROUP and (scope is not None or each is not None):
        metric = find_metric(_OF_ONE_GROUP[metric.name])
    if metric.name not in GATED:
        known = ", ".join(map(called, GATED))
        raise RetentionError(
            f"{said!r}: {metric.name} is no number of a pair that has an interval; rules take {known} "
            "(`retention metrics` says what they are)"
        )
    if wrong := _misplaced(metric.name, scope, each):
        raise RetentionError(f"{said!r}: {wrong}")
    return metric


def _misplaced(metric: str, scope: str | None, each: Each | None) -> str | None:
    """What is wrong with asking for ``metric`` in that place, or None."""
    if each is not None and scope is not None:
        return f"either any, or one [{scope}]"
    if metric in OF_PAIR and (scope is not None or each is not None):
        return f"{metric} is of the whole pair; leave out any and brackets"
    if metric in OF_TASK and scope is None and each is None:
        return f"{metric} is of a task; write {metric}[TASK], or any task {metric}"
    if each == "group" and metric not in (*OF_GROUP, "average_forgetting"):
        return f"{metric} is not of groups; write any group retention < 90"
    if each == "task" and metric not in (*OF_TASK, "average_forgetting"):
        return f"{metric} is not of tasks; write any task forgetting > 5, or any group retention < 90"
    return None


def _threshold(said: str, metric: Metric, text: str) -> Decimal:
    found = _NUMBER.fullmatch(text.strip().translate(_MINUS))
    if found is None and _SEVERAL.fullmatch(text):
        raise RetentionError(f"{said!r}: more than one rule; give each its own --fail-if")
    if found is None:
        raise RetentionError(f"{said!r}: {text.strip()[:40]!r} is no number; write 95, 95% or .95")
    value = Decimal(found["value"])
    if metric.unit not in _IN_HUNDREDTHS and found["unit"]:
        raise RetentionError(f"{said!r}: {metric.name} is {metric.range}, without {found['unit']}")
    if metric.unit in _IN_HUNDREDTHS and not found["unit"]:
        value = _hundredths(said, metric, value)
    low, high = _REACH.get(metric.unit, (-(10**9), 10**9))
    if not low <= value <= high:
        raise RetentionError(f"{said!r}: {plain(value)} is out of range; {metric.name} is {metric.scale}")
    return value


def _hundredths(said: str, metric: Metric, value: Decimal) -> Decimal:
    """A number without a unit in per cent or points; refused where it may be a rate as well."""
    is_ratio = metric.unit == "ratio"
    if is_ratio and 0 < abs(value) < 1:
        return value * 100
    if value == 0 or abs(value) >= (2 if is_ratio else 1):
        return value
    unit = " points" if metric.unit == "points" else "%"
    raise RetentionError(
        f"{said!r}: {plain(value)} may be {plain(value)}{unit} or {plain(value * 100)}{unit}; write the one that is "
        f"meant, with its {'sign' if unit == '%' else 'unit'}"
    )


def called(metric: str) -> str:
    """The shortest of a metric's names where that is the usual one."""
    return "forgetting" if metric == "average_forgetting" else metric


def plain(value: Decimal) -> str:
    """``value`` without an exponent and without zeros at its end."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
