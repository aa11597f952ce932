"""Schema: the committed JSON Schema is the model's, and scorecards as written obey it."""

import json
from pathlib import Path

import harness.scoring
from harness.scoring.schema import scorecard_schema

COMMITTED = Path(harness.scoring.__file__).parent / "scorecard.schema.json"


def test_the_committed_schema_is_current() -> None:
    """To renew it: ``retention compare --schema > harness/scoring/scorecard.schema.json``."""
    assert COMMITTED.read_text(encoding="utf-8") == scorecard_schema()


def test_the_schema_names_every_field_of_the_document() -> None:
    schema = json.loads(COMMITTED.read_text(encoding="utf-8"))
    named = {"target", "tasks", "groups", "target_adjacent", "retention_macro", "retention_macro_ci", "worst_group"}
    named |= {"balance", "balance_ci", "noise", "drift", "alarms", "signature", "provenance", "schema_version"}
    assert named <= set(schema["required"])
    task = schema["$defs"]["TaskScore"]["properties"]
    assert {"n11", "n10", "n01", "n00", "f_true", "p_holm", "verdict"} <= task.keys()
    assert schema["additionalProperties"] is False
