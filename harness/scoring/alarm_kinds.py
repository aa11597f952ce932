"""Alarm groups: the alarms of a scorecard by kind, those that may explain others first.

Answers that are cut off never come to their end, so that they cannot be read; what cannot be read is not right, so that
a task falls below chance. Of twenty alarms it is often one that a reader has to look into.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.scoring.wording import per_cent, printable, share

if TYPE_CHECKING:
    from harness.scoring.scorecard import Alarm, AlarmKind, Scorecard, TaskScore

# What each is called. What is about all prompts stands first, and a kind before all that it may explain.
KINDS: Mapping[AlarmKind, str] = MappingProxyType(
    {
        "screened": "Stopped early",
        "template_differs": "Chat templates differ",
        "bos_differs": "BOS tokens differ",
        "double_bos": "BOS tokens doubled",
        "no_bos": "No BOS token",
        "prompts_chosen": "Prompts of one's own",
        "processor_differs": "Image processors differ",
        "truncated_differs": "Cut-off answers",
        "unparsed_differs": "Unreadable answers",
        "off_list_differs": "Answers outside the options",
        "constant_answers": "The same answer to nearly everything",
        "length_differs": "Length of answers",
        "below_chance": "Below chance",
    }
)
# Which kinds an alarm may follow from, on the same task, the likeliest first.
FOLLOWS: Mapping[AlarmKind, tuple[AlarmKind, ...]] = MappingProxyType(
    {
        "unparsed_differs": ("truncated_differs",),
        "constant_answers": ("unparsed_differs",),
        "length_differs": ("truncated_differs", "unparsed_differs", "off_list_differs", "constant_answers"),
        "below_chance": ("truncated_differs", "unparsed_differs", "off_list_differs", "constant_answers"),
    }
)
# The rates of a task that an alarm is about, without the side.
_RATES: Mapping[AlarmKind, str] = MappingProxyType(
    {"truncated_differs": "truncated", "unparsed_differs": "unparsed", "off_list_differs": "off_list"}
)
_NAMED = 2
# A rate explains another that rose by at most twice as much, and what has no rate where it rose by this much.
_HALF, _MUCH = 0.5, 0.25


@dataclass(frozen=True)
class AlarmGroup:
    """The alarms of one kind.

    ``tasks`` are those they are raised on, in the order of the scorecard; none for alarms about all prompts.
    ``rates`` says by how much: "base 0.0 %, tuned 95.0 to 100.0 %"; empty for kinds without a rate. ``follows`` is the
    kind that may explain these alarms on ``explained`` of the tasks, the most of all kinds that come into question.
    """

    kind: AlarmKind
    label: str
    tasks: tuple[str, ...]
    rates: str
    messages: tuple[str, ...]
    follows: AlarmKind | None = None
    explained: int = 0

    @property
    def where(self) -> str:
        """ "8 tasks", "on vision_count", or nothing for alarms about all prompts."""
        if len(self.tasks) > _NAMED:
            return f"on {len(self.tasks)} tasks"
        return f"on {' and '.join(map(printable, self.tasks))}" if self.tasks else ""

    @property
    def why(self) -> str:
        """What may explain them: "may follow from cut-off answers (3 of 4 tasks)"; empty where nothing here does."""
        if self.follows is None:
            return ""
        part = "" if self.explained == len(self.tasks) else f" ({self.explained} of {len(self.tasks)} tasks)"
        return f"may follow from {KINDS[self.follows][0].lower()}{KINDS[self.follows][1:]}{part}"

    @property
    def line(self) -> str:
        """The group in one line, made visible text: a single alarm in its own words."""
        if len(self.messages) == 1 or not self.tasks:
            said = "; ".join(self.messages)
        else:
            said = ": ".join(filter(None, (f"{self.label} {self.where}", self.rates)))
        return printable(f"{said}; {self.why}" if self.why else said)


def alarm_groups(card: Scorecard) -> tuple[AlarmGroup, ...]:
    """The alarms of ``card`` by kind: what is about all prompts, then the kind that explains most other alarms, then
    the others in the order of :data:`KINDS`."""
    by_kind: dict[AlarmKind, list[Alarm]] = {}
    for alarm in card.alarms:
        by_kind.setdefault(alarm.kind, []).append(alarm)
    tasks = {kind: _tasks(alarms) for kind, alarms in by_kind.items()}
    groups = []
    for kind, label in KINDS.items():
        if alarms := by_kind.get(kind):
            follows, explained = _follows(card, kind, tasks)
            said = tuple(alarm.message for alarm in alarms)
            groups.append(
                AlarmGroup(kind, label, tasks[kind], _rates(card, kind, tasks[kind]), said, follows, explained)
            )
    explains = Counter({group.kind: 0 for group in groups})
    for group in groups:
        if group.follows is not None:
            explains[group.follows] += group.explained
    return tuple(sorted(groups, key=lambda group: (bool(group.tasks), -explains[group.kind])))


def _tasks(alarms: Sequence[Alarm]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(alarm.task for alarm in alarms if alarm.task is not None))


def _follows(
    card: Scorecard, kind: AlarmKind, tasks: Mapping[AlarmKind, tuple[str, ...]]
) -> tuple[AlarmKind | None, int]:
    """The kind that explains most tasks, the likeliest of several that explain as many."""
    shared = {
        other: sum(name in tasks[other] and _accounts(card.tasks[name], other, kind) for name in tasks[kind])
        for other in FOLLOWS.get(kind, ())
        if other in tasks
    }
    most = max(shared, key=lambda other: shared[other], default=None)
    return (None, 0) if most is None or not shared[most] else (most, shared[most])


def _accounts(task: TaskScore, cause: AlarmKind, kind: AlarmKind) -> bool:
    """Whether ``cause`` moved enough on a task to account for ``kind``."""
    if cause not in _RATES:
        return True
    least = _HALF * abs(_moved(task, kind)) if kind in _RATES else _MUCH
    return abs(_moved(task, cause)) >= least


def _moved(task: TaskScore, kind: AlarmKind) -> float:
    base, tuned = (float(getattr(task, f"{_RATES[kind]}_{side}")) for side in ("base", "tuned"))
    return tuned - base


def _rates(card: Scorecard, kind: AlarmKind, tasks: Sequence[str]) -> str:
    if not tasks or kind not in _RATES:
        return ""
    sides = ("base", "tuned")
    rates = [[getattr(card.tasks[name], f"{_RATES[kind]}_{side}") for name in tasks] for side in sides]
    return ", ".join(f"{side} {_span(found)}" for side, found in zip(sides, rates, strict=True))


def _span(rates: Sequence[float]) -> str:
    low, high = per_cent(min(rates)), share(max(rates))
    return high if high.startswith(f"{low} ") else f"{low} to {high}"


def alarm_lines(card: Scorecard) -> list[str]:
    """A line for each kind of alarm, for terminals and comments."""
    return [group.line for group in alarm_groups(card)]
