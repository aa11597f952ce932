"""Every Eval Ever: a run as the instance-level records of that shared schema (version 0.3.0), one JSON line an item.

https://github.com/evaleval/every_eval_ever, every_eval_ever/schemas/instance_level_eval.schema.json. An answer that
cannot be read is not correct there, and what was wrong with it is in the metadata.
"""

import datetime
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.exports.asked import Questions
from harness.exports.rows import ExportRow, evaluation_name, export_rows
from harness.records import SAMPLES_FILE, Outcome, Run, iter_samples, read_run

SCHEMA_VERSION = "0.3.0"


@dataclass(frozen=True)
class Aggregate:
    """The aggregate record that instances belong to: its id, its model's, and the id of each task's result in it."""

    evaluation_id: str
    model_id: str
    results: Mapping[str, str] = field(default_factory=dict)


def every_eval_ever_lines(run: Run, rows: Iterable[ExportRow], of: Aggregate | None = None) -> Iterator[str]:
    """One line of JSON for each row; the same run gives the same bytes.

    ``of`` is the aggregate record of the same answers, where there is one.
    """
    suite = evaluation_name(run)
    of = of or _own(run, suite)
    shared = {"schema_version": SCHEMA_VERSION, "evaluation_id": of.evaluation_id, "model_id": of.model_id}
    for row in rows:
        document = {**shared, "evaluation_name": f"{suite}/{row.sample.task}", **_instance(row)}
        if (result := of.results.get(row.sample.task)) is not None:
            document["evaluation_result_id"] = result
        yield json.dumps(document, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n"


def instance_lines(folder: Path, of: Aggregate) -> Iterator[str]:
    """The lines of the run in ``folder`` as instances of ``of``, without the questions: they are their sources'."""
    rows = export_rows(Questions({}), iter_samples(folder / SAMPLES_FILE))
    return every_eval_ever_lines(read_run(folder), rows, of)


def _own(run: Run, suite: str) -> Aggregate:
    model = run.record.checkpoint.name
    moment = datetime.datetime.fromisoformat(run.record.created)
    return Aggregate(f"retentionbench-{suite}/{model}/{int(moment.timestamp())}", model)


def _instance(row: ExportRow) -> dict[str, Any]:
    sample = row.sample
    asked = {"raw": "" if row.asked is None else row.asked.question, "reference": row.references}
    if row.asked is not None and row.asked.options:
        asked["choices"] = list(row.asked.options)
    return {
        "sample_id": sample.item_id,
        "sample_hash": None if row.asked is None else _hash(row),
        "interaction_type": "single_turn",
        "input": asked,
        "output": {"raw": [sample.output]},
        "answer_attribution": list(_attribution(row)),
        "evaluation": {"score": sample.score, "is_correct": sample.outcome is Outcome.CORRECT},
        "token_usage": {
            "input_tokens": sample.n_prompt_tokens,
            "output_tokens": sample.n_output_tokens,
            "total_tokens": sample.n_prompt_tokens + sample.n_output_tokens,
        },
        "error": sample.error,
        "metadata": {name: _text(value) for name, value in row.facts().items()} | {"explanation": row.explanation},
    }


def _attribution(row: ExportRow) -> Iterator[dict[str, Any]]:
    if row.sample.extracted is not None:
        yield {
            "turn_idx": 0,
            "source": "output.raw",
            "extracted_value": row.sample.extracted,
            "extraction_method": row.sample.layer or "custom",
            "is_terminal": True,
        }


def _hash(row: ExportRow) -> str:
    """Of the input and its references, as the schema has it."""
    raw = "" if row.asked is None else row.asked.question
    return hashlib.sha256("".join([raw, *row.references]).encode()).hexdigest()


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
