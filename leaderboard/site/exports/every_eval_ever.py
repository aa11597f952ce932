"""Every Eval Ever: an entry as a record of that shared schema (github.com/evaleval/every_eval_ever, version 0.3.0)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from harness import __version__
from harness.scoring import Metric
from leaderboard.board import Row
from leaderboard.documents import clean
from leaderboard.ledger import Evidence
from leaderboard.numbers import SUMMARY, TASK, drawn, part_name
from leaderboard.site.exports.hub import page, stamp, utc

SCHEMA_VERSION = "0.3.0"
_SUMMARY = ("gain", "normalised_gain", "retention_macro", "balance")
_OF_PRIOR = ("delta", "retention", "forgotten_rate")
# What others call it, by which they find it.
_ACCURACY = "accuracy"
_LOWER_IS_BETTER = frozenset({"forgotten_rate"})
_BOUNDS: dict[str, tuple[float | str, float | str]] = {
    "gain": (-1, 1), "normalised_gain": ("-Infinity", 1), "retention_macro": ("-Infinity", "Infinity"),
    "balance": (0, 1),
    "tuned": (0, 1),
    "delta": (-1, 1), "retention": ("-Infinity", "Infinity"), "forgotten_rate": (0, 1),
}  # fmt: skip
# Who ran the model: the author until somebody else did.
_RAN_BY = {
    Evidence.SELF_REPORTED: "first_party",
    Evidence.REPRODUCED: "collaborative",
    Evidence.VERIFIED: "collaborative",
}


def every_eval_ever(row: Row, site: str | None) -> str:
    """The record of one entry as one line of JSON."""
    return json.dumps(aggregate(row, site), sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def aggregate(row: Row, site: str | None) -> dict[str, Any]:
    """The record of one entry: gain, retention and balance of the pair, what the tuned model solves of each task, and
    what became of each prior task.

    Its date is that of the run, so that the same entry gives the same bytes; rates are in [0, 1]. Each result says how
    many items it is of.
    """
    model = clean(row.name)
    moment = utc(row.created)
    retrieved = str(0 if moment is None else int(moment.timestamp()))
    suite = f"{row.manifest.suite.id}-{row.manifest.suite.version}"
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"retentionbench-{suite}/{model}/{retrieved}",
        "retrieved_timestamp": retrieved,
        "source_metadata": {
            "source_name": "RetentionBench",
            # Numbers are recomputed from the answer to every item.
            "source_type": "evaluation_run",
            "source_organization_name": "RetentionBench",
            "evaluator_relationship": _RAN_BY[row.evidence],
            "additional_details": {
                "entry_id": row.entry_id,
                "evidence": str(row.evidence),
                "standing": str(row.standing),
                "signature": clean(row.card.signature, 2000),
                **({} if site is None else {"page": page(row, site)}),
            },
        },
        "eval_library": {"name": "retentionbench", "version": __version__},
        "model_info": {
            "name": model,
            "id": model,
            "inference_engine": {"name": clean(row.tuned.engine.name), "version": clean(row.tuned.engine.version)},
            "additional_details": {
                "deployment_type": "self_deployed",
                "model_availability": "unknown" if row.manifest.tuned_model.repo is None else "open_weights",
                "base_model": clean(row.manifest.base.name),
                "base_weights_digest": row.base.checkpoint.weights_digest,
                "weights_digest": row.tuned.checkpoint.weights_digest,
                "dtype": clean(row.tuned.engine.dtype),
            },
        },
        "evaluation_results": list(_results(row, suite)),
    }
    if (date := stamp(row.created)) is not None:
        document["evaluation_timestamp"] = date
    return document


def _results(row: Row, suite: str) -> Iterator[dict[str, Any]]:
    card = row.card
    learned, kept = card.learned.n, card.rests_on.items if card.rests_on else 0
    items = {"gain": learned, "normalised_gain": learned, "retention_macro": kept, "balance": learned + kept}
    for name in _SUMMARY:
        holder = card.learned if name in ("gain", "normalised_gain") else card
        yield from _result(row, suite, name, name, SUMMARY[name], holder, items[name])
    for task, numbers in card.tasks.items():
        for name in ("tuned", *(_OF_PRIOR if numbers.role == "prior" else ())):
            yield from _result(row, f"{suite}/{clean(task)}", name, of_task(task, name), TASK[name], numbers, numbers.n)


def of_task(task: str, name: str) -> str:
    """The metric of one number of a task, as a cell is named by."""
    return f"task/{part_name(task)}/{name}"


def _result(
    row: Row, evaluation: str, name: str, metric: str, definition: Metric, holder: Any, items: int
) -> Iterator[dict[str, Any]]:
    """The result of one number, field ``name`` of ``holder``; nothing where it is not defined."""
    value = getattr(holder, name)
    if value is None:
        return
    low, high = _BOUNDS[name]
    uncertainty: dict[str, Any] = {"num_samples": items}
    if definition.interval is not None and (interval := getattr(holder, definition.interval)) is not None:
        uncertainty["confidence_interval"] = {
            "lower": interval[0],
            "upper": interval[1],
            "confidence_level": 0.95,
            "method": drawn(definition.interval, row.card),
        }
    named = _ACCURACY if name == "tuned" else f"retentionbench.{name}"
    yield {
        "evaluation_result_id": row.reference(metric),
        "evaluation_name": evaluation,
        "source_data": {"dataset_name": evaluation, "source_type": "other"},
        "metric_config": {
            "evaluation_description": definition.formula,
            "metric_id": named,
            "metric_name": definition.title,
            "metric_unit": "proportion",
            "lower_is_better": name in _LOWER_IS_BETTER,
            "score_type": "continuous",
            "min_score": low,
            "max_score": high,
        },
        "score_details": {"score": value, "uncertainty": uncertainty},
    }
