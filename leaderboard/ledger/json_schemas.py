"""Schemas: JSON Schemas of all documents of submissions and ledgers, generated from the models.

``leaderboard/ledger/schemas/<name>/<major>.json`` are the committed copies. Apart from descriptions, a published file
only changes by adding optional fields: in documents written before, they have their defaults. A field that changes its
meaning, name or type makes a new major version, which gets its own file; so far only samples have two, and
:func:`harness.records.read_samples` reads both.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from harness.records import SAMPLED_VERSION, SCHEMA_VERSION, SINCE_2, SINCE_3, SINCE_4, SINCE_5, RunRecord, Sample
from harness.scoring import dynamics_schema, portable, scorecard_schema
from leaderboard.documents import Manifest
from leaderboard.ledger.events import ANY_EVENT

_PUBLISHED = Path(__file__).parent / "schemas"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def all_schemas() -> dict[str, str]:
    """Every schema as indented JSON with a final newline, by its path below ``leaderboard/ledger/schemas/``."""
    sample = _of(TypeAdapter(Sample))
    schemas = {
        "manifest/1.json": _of(TypeAdapter(Manifest)),
        "run/1.json": _of(TypeAdapter(RunRecord)),
        "samples/1.json": _without(sample, (*SINCE_2, *SINCE_3, *SINCE_4, *SINCE_5)),
        "samples/2.json": _without(sample, (*SINCE_3, *SINCE_4, *SINCE_5)),
        "samples/3.json": _without(sample, (*SINCE_4, *SINCE_5)),
        f"samples/{SCHEMA_VERSION}.json": _without(sample, SINCE_5),
        # Of sampled runs, which no entry has.
        f"samples/{SAMPLED_VERSION}.json": sample,
        "event/1.json": _of(ANY_EVENT),
        # What an earlier scorer wrote; its models are gone, and its file stays what was published.
        "scorecard/1.json": json.loads((_PUBLISHED / "scorecard/1.json").read_text("utf-8")),
        "scorecard/2.json": json.loads(scorecard_schema()),
        "dynamics/1.json": json.loads(dynamics_schema()),
    }
    return {name: json.dumps(portable(schema), indent=2) + "\n" for name, schema in schemas.items()}


def _of(model: TypeAdapter[Any]) -> dict[str, Any]:
    return {"$schema": _DIALECT, **model.json_schema(mode="validation", by_alias=True)}


def _without(schema: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    return {**schema, "properties": {name: rule for name, rule in schema["properties"].items() if name not in fields}}
