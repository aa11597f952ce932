"""Scorecards made up: the numbers of a real pair of synthetic runs, some of them replaced."""

from pathlib import Path
from typing import Any

from harness.scoring import Scorecard, score_pair
from tests.support.synthetic import synthetic_run


def pair_card(folder: Path, *, target: str | None = "jigsaw", **tuned: Any) -> Scorecard:
    """The scorecard of a synthetic pair; ``tuned`` says how the tuned run answers."""
    base = synthetic_run(folder / "base", accuracy=0.8)
    return score_pair(base, synthetic_run(folder / "tuned", name="tuned", **({"accuracy": 0.8} | tuned)), target)


def with_retention(card: Scorecard, value: float, low: float, high: float) -> Scorecard:
    """``card`` with another retention and its interval."""
    return changed(card, retention_macro=value, retention_macro_ci=(low, high))


def without(card: Scorecard, reason: str, *fields: str) -> Scorecard:
    """``card`` without the numbers ``fields``, for ``reason``."""
    reasons = card.reasons | dict.fromkeys(fields, reason)
    return changed(card, **dict.fromkeys(fields), reasons=reasons)


def with_tasks(card: Scorecard, **fields: Any) -> Scorecard:
    """``card`` with ``fields`` in every prior task."""
    tasks = {
        name: task.model_copy(update=fields) if task.role == "prior" else task for name, task in card.tasks.items()
    }
    return changed(card, tasks={name: task.model_dump() for name, task in tasks.items()})


def changed(card: Scorecard, **fields: Any) -> Scorecard:
    """``card`` with other fields, checked as a file's would be."""
    return Scorecard.model_validate(card.model_dump() | fields)
