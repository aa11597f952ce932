"""Headline: what a scorecard shows in one sentence, made from its numbers by rules.

Learned means that the whole interval of the gain is above 0. Of prior tasks the verdicts are counted; a forgotten task
lost its answer format where the tuned model's answers became unreadable and this accounts for more of the loss than
wrong answers do. Answers outside the options are readable, and are counted apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from harness.scoring.wording import points, printable

if TYPE_CHECKING:
    from harness.scoring.scorecard import AlarmKind, Scorecard, TaskScore

# Most answers to a task: from here on its loss is put down to answers that are cut off or outside the options.
_MOST = 0.5
_KEPT = ("retained", "improved")


def headline(card: Scorecard) -> str:
    """ "Learned jigsaw (+80.8 points); lost the answer format on all 8 prior tasks: 95 to 100 % unreadable."

    Names are made visible text.
    """
    forgetting, kept = _forgetting(card)
    learning = _learning(card)
    if not learning:
        return f"{forgetting[0].upper()}{forgetting[1:]}."
    joined = " and " if kept and learning.startswith("Learned") else "; "
    return f"{learning}{joined}{forgetting}."


def lost_format(card: Scorecard) -> tuple[str, ...]:
    """The forgotten prior tasks that lost their answer format, largest loss first."""
    return tuple(
        name
        for name, task in card.prior_tasks.items()
        if task.verdict == "forgot" and task.format_loss > task.content_loss and became_unreadable(name, card)
    )


def became_unreadable(name: str, card: Scorecard) -> bool:
    """Whether the tuned model's answers to a task became unreadable: more often than the base's, by the adjusted test
    of the alarm, or all of them."""
    task = card.tasks[name]
    more = task.unparsed_tuned > task.unparsed_base
    return task.unparsed_tuned == 1 or (more and _alarmed(name, card, "unparsed_differs"))


def _alarmed(name: str, card: Scorecard, kind: AlarmKind) -> bool:
    return any(each.kind == kind and each.task == name for each in card.alarms)


def _learning(card: Scorecard) -> str:
    target = card.target
    if target is None:
        return ""
    low, high = target.gain_ci or (0.0, 0.0)
    said = "Learned" if low > 0 else "Got worse at" if high < 0 else "No gain shown on"
    return f"{said} {printable(target.family)} ({points(target.gain)} points)"


def _forgetting(card: Scorecard) -> tuple[str, bool]:
    """What became of the prior tasks, and whether everything that could be tested was kept."""
    prior = card.prior_tasks
    counts = Counter(str(task.verdict) for task in prior.values())
    testable = len(prior) - counts["nothing to lose"]
    if not prior:
        return "no prior task was measured", False
    if not testable:
        return f"nothing to forget: the base is above chance on none of {_tasks(len(prior))}", False
    if counts["forgot"]:
        return "".join(_forgot(card, prior, counts)), False
    if counts["inconclusive"]:
        unsure = f"no forgetting shown, but {counts['inconclusive']} of {_tasks(len(prior))} cannot be decided"
        return unsure + _others(counts, _KEPT), False
    improved = f", {counts['improved']} of them improved" if counts["improved"] else ""
    return f"kept everything that could be tested ({_tasks(testable)}{improved})", True


def _forgot(card: Scorecard, prior: Mapping[str, TaskScore], counts: Counter[str]) -> Iterator[str]:
    unreadable = lost_format(card)
    whole = len(unreadable) == counts["forgot"]
    yield f"{'lost the answer format on' if whole else 'forgot'} {_of(counts['forgot'], len(prior))}"
    if unreadable:
        rates = _span([prior[name].unparsed_tuned for name in unreadable])
        cut = ", cut off" if all(prior[name].truncated_tuned >= _MOST for name in unreadable) else ""
        said = f"{rates} unreadable{cut}"
        yield f": {said}" if whole else f", {len(unreadable)} of them by losing the answer format ({said})"
    if outside := [name for name in prior if name not in unreadable and _is_outside(name, card)]:
        rates = _span([prior[name].off_list_tuned for name in outside])
        yield f", {len(outside)} by answering outside the options ({rates})"
    yield _others(counts, (*_KEPT, "inconclusive"))


def _is_outside(name: str, card: Scorecard) -> bool:
    task = card.tasks[name]
    return task.verdict == "forgot" and task.off_list_tuned >= _MOST and _alarmed(name, card, "off_list_differs")


def _others(counts: Counter[str], words: Collection[str]) -> str:
    said = {"retained": "retained", "improved": "improved", "inconclusive": "cannot say on"}
    return "".join(f"; {said[word]} {counts[word]}" for word in words if counts[word])


def _of(some: int, of: int) -> str:
    if of == 1:
        return "the one prior task"
    return f"all {of} prior tasks" if some == of else f"{some} of {of} prior tasks"


def _tasks(count: int) -> str:
    return f"{count} prior task{'s' * (count != 1)}"


def _span(rates: list[float]) -> str:
    low, high = _whole(min(rates)), _whole(max(rates))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _whole(rate: float) -> int:
    """In whole per cent, of which 100 means all."""
    return 100 if rate == 1 else min(round(rate * 100), 99)
