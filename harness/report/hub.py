"""Hub: a pair as the Hugging Face hub states results: ``.eval_results/*.yaml`` of a model, ``model-index`` of its card.

``.eval_results`` knows no metric where lower is better, and one value a task: retention, where 100 is all kept, is
stated, and the notes say what was gained for it. It has an effect once the suite is a data set of that name on the
hub and registered there as a benchmark (https://huggingface.co/docs/hub/eval-results). Entries of the board and the
author's own runs (``retention card``) are stated by the same two functions.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.scoring import Scorecard, points, printable, rests_on

NAME = "RetentionBench"
_OWNER = "retentionbench"


def one_line(text: str, cap: int = 500) -> str:
    """``text`` on one line of at most ``cap`` characters, without what could steer a page."""
    return " ".join(printable(text).split())[:cap]


@dataclass(frozen=True)
class Stated:
    """What is stated of a pair beside its numbers.

    ``evidence`` is who measured it, as ``self-reported``; ``page`` is where it is published, ``date`` when it was
    measured (``YYYY-MM-DDThh:mm:ssZ``), both None where that is unknown. ``arguments`` stand beside the base's name in
    the card; ``clean`` is how texts of others are shown, ``points`` how changes are.
    """

    model: str
    base: str
    target: str | None
    suite: tuple[str, str]
    evidence: str
    date: str | None = None
    page: str | None = None
    arguments: Mapping[str, Any] | None = None
    clean: Callable[..., str] = one_line
    points: Callable[[float], str] = points

    @property
    def dataset(self) -> str:
        """The suite's name as a data set of the hub."""
        return f"{_OWNER}/{_safe(self.suite[0])}-{_safe(self.suite[1])}"

    @property
    def tuned_for(self) -> str:
        return "" if self.target is None else f" for {self.target}"


def eval_results(card: Scorecard, stated: Stated) -> list[dict[str, Any]] | None:
    """``.eval_results/retentionbench.yaml`` of the tuned model; None where its retention is not defined."""
    if card.retention_macro is None:
        return None
    task = "retention" if stated.target is None else f"{_safe(stated.target)}-retention"
    entry: dict[str, Any] = {
        "dataset": {"id": stated.dataset, "task_id": task},
        "value": percent(card.retention_macro),
    }
    if stated.date is not None:
        entry["date"] = stated.date
    if stated.page is not None:
        entry["source"] = {"url": stated.page, "name": NAME}
    gain = "" if card.target is None else f"gain {stated.points(card.target.gain)} points; "
    entry["notes"] = stated.clean(
        f"retention in per cent, tuned{stated.tuned_for} from {stated.base}; {gain}rests {rests_on(card)}; "
        f"{stated.evidence}"
    )
    return [entry]


def model_index(card: Scorecard, stated: Stated) -> dict[str, Any]:
    """The ``model-index`` part of the tuned model's card."""
    gain = None if card.target is None else card.target.gain
    measured = {
        "Gain (points)": ("gain", gain),
        "Retention (%)": ("retention", card.retention_macro),
        "Balance (%)": ("balance", card.balance),
    }
    result: dict[str, Any] = {
        "task": {"type": "other", "name": stated.clean(f"Fine-tuned{stated.tuned_for}", 100)},
        "dataset": {
            "type": stated.dataset,
            "name": f"{NAME} {stated.suite[0]}-{stated.suite[1]}",
            "args": {"base": stated.clean(stated.base), **(stated.arguments or {})},
        },
        "metrics": [
            {"type": kind, "name": name, "value": percent(value)}
            for name, (kind, value) in measured.items()
            if value is not None
        ],
    }
    if stated.page is not None:
        result["source"] = {"name": NAME, "url": stated.page}
    return {"model-index": [{"name": stated.clean(stated.model), "results": [result]}]}


def percent(value: float) -> float:
    """A rate in per cent, with two decimals."""
    return round(value * 100, 2) + 0.0


def _safe(name: str) -> str:
    # Names of data sets and tasks hold fewer characters than ours may.
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)[:60]
