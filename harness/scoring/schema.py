"""Schema: the JSON Schemas of the documents of this room, generated from their models.

``scorecard.schema.json`` is a committed copy, and ``leaderboard/ledger/schemas/`` has one of each.
"""

import json
from typing import Any

from pydantic import BaseModel

from harness.scoring.definitions import metric_of
from harness.scoring.dynamics.document import Dynamics
from harness.scoring.scorecard import Scorecard


def scorecard_schema() -> str:
    """The JSON Schema of the scorecard as it is written, as indented JSON with a final newline."""
    return _text(Scorecard)


def dynamics_schema() -> str:
    """The JSON Schema of a document of ``retention dynamics``, in the same form."""
    return _text(Dynamics)


def _text(document: type[BaseModel]) -> str:
    schema = document.model_json_schema(mode="serialization")
    for name, part in {document.__name__: schema, **schema["$defs"]}.items():
        _describe(name, part.get("properties", {}))
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **portable(schema)}, indent=2) + "\n"


def _describe(part: str, properties: dict[str, dict[str, Any]]) -> None:
    """Say of each field that holds a metric, or the interval of one, what it means."""
    for field in list(properties):
        if (metric := metric_of(part, field)) is not None:
            properties[field]["description"] = metric.description
            if metric.interval is not None:
                properties[metric.interval]["description"] = f"95 % interval of {field}, lower limit first."


def portable(schema: Any) -> Any:
    """The schema with patterns that every dialect of regular expressions reads, and descriptions in plain text.

    Patterns have ``^`` and ``$`` for a text's ends: the models say ``\\A`` and ``\\z``, which JSON Schema's dialect
    (ECMA-262) takes for the letters A and z, and Python's ``re`` before 3.14 refuses. Descriptions are docstrings,
    whose markup and line breaks no reader of a schema knows.
    """
    if isinstance(schema, list):
        return [portable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _portable_value(key, value) for key, value in schema.items()}


def _portable_value(key: str, value: Any) -> Any:
    if key == "pattern" and isinstance(value, str):
        return _portable_pattern(value)
    if key == "description" and isinstance(value, str):
        return "\n\n".join(" ".join(part.split()) for part in value.replace("``", "`").split("\n\n"))
    if key == "patternProperties":
        return {_portable_pattern(pattern): portable(rule) for pattern, rule in value.items()}
    return portable(value)


def _portable_pattern(pattern: str) -> str:
    return pattern.replace(r"\A", "^").replace(r"\z", "$")
