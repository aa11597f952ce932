"""Alarms: what makes a number suspect (metrics.md, "Forgetting", gates 3 and 4)."""

from collections.abc import Iterator
from typing import Literal

import pandas as pd

from harness.samples import Outcome
from harness.scoring.pairing import Pair
from harness.scoring.scorecard import Alarm, TaskScore
from harness.scoring.statistics import ALPHA, mcnemar

_CONSTANT_SHARE = 0.9
_CONSTANT_MIN_ITEMS = 20


def find_alarms(pair: Pair, tasks: dict[str, TaskScore]) -> tuple[Alarm, ...]:
    """All alarms of a pair, task by task in the order of ``tasks``.

    below_chance: a corrected score under 0. unparsed_differs, truncated_differs: exact McNemar p < .05 between the
    sides' rates. constant_answers: one answer makes up 90 % of a side's items (of 20 or more) without being right that
    often. double_bos: prompts begin with several BOS tokens (metrics.md, "Forgetting", "Why", gate 4).
    """
    found = []
    groups = dict(list(pair.items.groupby("task", sort=False)))
    for name, task in tasks.items():
        found += [*_below_chance(name, task), *_rates(name, groups[name]), *_constant(name, groups[name])]
    if pair.base.bos_count > 1:
        message = f"every prompt begins with {pair.base.bos_count} BOS tokens, which can cost the base several points"
        found.append(Alarm(kind="double_bos", task=None, side=None, message=message))
    return tuple(found)


def _below_chance(name: str, task: TaskScore) -> Iterator[Alarm]:
    for side, corrected in (("base", task.corrected_base), ("tuned", task.corrected_tuned)):
        if corrected < 0:
            message = f"{side} is below chance on {name} (corrected score {corrected:.3f}): a sign of lost format"
            yield Alarm(kind="below_chance", task=name, side=_side(side), message=message)


def _rates(name: str, items: pd.DataFrame) -> Iterator[Alarm]:
    unparsed = [items[f"{side}_outcome"] == Outcome.UNPARSED for side in ("base", "tuned")]
    truncated = [items[f"{side}_finish_reason"] == "length" for side in ("base", "tuned")]
    for kind, word, (base, tuned) in (
        ("unparsed_differs", "unparsed", unparsed),
        ("truncated_differs", "cut off", truncated),
    ):
        if mcnemar(int((base & ~tuned).sum()), int((~base & tuned).sum())) < ALPHA:
            message = f"{word} answers on {name}: base {base.mean():.1%}, tuned {tuned.mean():.1%}"
            yield Alarm(
                kind="unparsed_differs" if kind == "unparsed_differs" else "truncated_differs",
                task=name,
                side=None,
                message=message,
            )


def _constant(name: str, items: pd.DataFrame) -> Iterator[Alarm]:
    for side in ("base", "tuned"):
        answers = items[f"{side}_extracted"].dropna().str.casefold().str.strip()
        if len(items) < _CONSTANT_MIN_ITEMS or not len(answers):
            continue
        share = float(answers.value_counts().iloc[0]) / len(items)
        correct = float((items[f"{side}_outcome"] == Outcome.CORRECT).mean())
        if share >= _CONSTANT_SHARE > correct:
            message = f"{side} gives the same answer to {share:.0%} of {name} and is right on {correct:.0%}"
            yield Alarm(kind="constant_answers", task=name, side=_side(side), message=message)


def _side(side: str) -> Literal["base", "tuned"]:
    return "base" if side == "base" else "tuned"
