"""Schema: the scorecard's JSON Schema, generated from its model; ``scorecard.schema.json`` is its committed copy."""

import json

from harness.scoring.scorecard import Scorecard


def scorecard_schema() -> str:
    """The JSON Schema of the scorecard as it is written, as indented JSON with a final newline."""
    schema = Scorecard.model_json_schema(mode="serialization")
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"
