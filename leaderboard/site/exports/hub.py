"""The Hugging Face hub: ``.eval_results/*.yaml`` of a model repository, and the older ``model-index`` of a model card.

``.eval_results`` knows no metric where lower is better, and one value a task: retention, where 100 is all kept, is
exported, and the notes say what was gained for it. It has an effect once the suite is a data set of that name on the
hub and registered there as a benchmark (https://huggingface.co/docs/hub/eval-results).
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from harness.scoring import rests_on
from leaderboard.board import Row
from leaderboard.documents import Manifest, clean, yaml_text
from leaderboard.numbers import quoted_number

_OWNER = "retentionbench"
_NAME = "RetentionBench"
_DATE = re.compile(r"\A20[0-9]{2}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2})?", re.ASCII)


def eval_results(row: Row, site: str | None) -> str | None:
    """``.eval_results/retentionbench.yaml`` of the tuned model; None where its retention is not defined."""
    card = row.card
    if card.retention_macro is None:
        return None
    entry: dict[str, Any] = {
        "dataset": {"id": dataset(row.manifest), "task_id": f"{_safe(row.manifest.target)}-retention"},
        "value": percent(card.retention_macro),
    }
    if (date := stamp(row.created)) is not None:
        entry["date"] = date
    if site is not None:
        entry["source"] = {"url": page(row, site), "name": _NAME}
    entry["notes"] = clean(
        f"retention in per cent, tuned for {row.manifest.target} from {row.manifest.base.name}; "
        f"gain {quoted_number(card.learned.gain, 'points')} points; rests {rests_on(card)}; "
        f"{row.evidence}, {row.standing}"
    )
    return yaml_text([entry])


def model_index(row: Row, site: str | None) -> str:
    """The ``model-index`` part of the tuned model's card."""
    card, manifest = row.card, row.manifest
    measured = {
        "Gain (points)": ("gain", card.learned.gain),
        "Retention (%)": ("retention", card.retention_macro),
        "Balance (%)": ("balance", card.balance),
    }
    result: dict[str, Any] = {
        "task": {"type": "other", "name": clean(f"Fine-tuned for {manifest.target}", 100)},
        "dataset": {
            "type": dataset(manifest),
            "name": f"{_NAME} {manifest.suite.id} {manifest.suite.version}",
            "args": {"base": clean(manifest.base.name), "protocol": manifest.suite.protocol, "entry": row.entry_id},
        },
        "metrics": [
            {"type": kind, "name": name, "value": percent(value)}
            for name, (kind, value) in measured.items()
            if value is not None
        ],
    }
    if site is not None:
        result["source"] = {"name": _NAME, "url": page(row, site)}
    return yaml_text({"model-index": [{"name": clean(row.name), "results": [result]}]})


def dataset(manifest: Manifest) -> str:
    """The suite's name as a data set of the hub."""
    return f"{_OWNER}/{_safe(manifest.suite.id)}-{_safe(manifest.suite.version)}"


def page(row: Row, site: str) -> str:
    """The address of an entry's page."""
    return f"{site.rstrip('/')}/entries/{row.entry_id}.html"


def percent(value: float) -> float:
    """A rate in per cent, with two decimals."""
    return round(value * 100, 2) + 0.0


def utc(text: str) -> datetime.datetime | None:
    """The moment that ``text`` begins with (a date means its first second), or None where it is none.

    What follows the seconds is not read: records are written in UTC.
    """
    match = _DATE.match(text)
    if match is None:
        return None
    try:
        return datetime.datetime.fromisoformat(match[0]).replace(tzinfo=datetime.UTC)
    except ValueError:
        return None


def stamp(text: str) -> str | None:
    """``YYYY-MM-DDThh:mm:ssZ`` of :func:`utc`."""
    moment = utc(text)
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _safe(name: str) -> str:
    # Names of data sets and tasks hold fewer characters than ours may.
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)[:60]
