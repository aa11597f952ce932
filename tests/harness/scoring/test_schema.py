"""Schema: the committed JSON Schema is the model's, and scorecards as written obey it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import harness.scoring
from harness.scoring import METRICS, dynamics_schema, scorecard_schema

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


def descriptions(value: Any) -> Iterator[str]:
    for key, each in value.items() if isinstance(value, dict) else ():
        if key == "description" and isinstance(each, str):
            yield each
        else:
            yield from descriptions(each)


def test_each_number_is_described_by_its_definition() -> None:
    schema = json.loads(scorecard_schema())
    task = schema["$defs"]["TaskScore"]["properties"]
    assert task["churn"]["description"] == METRICS["churn"].description
    assert task["delta_ci"]["description"] == "95 % interval of delta, lower limit first."
    assert schema["properties"]["balance"]["description"] == METRICS["balance"].description
    dynamics = json.loads(dynamics_schema())["$defs"]
    assert dynamics["InfluencePart"]["properties"]["slope"]["description"] == METRICS["influence_slope"].description


@pytest.mark.parametrize("schema", [scorecard_schema(), dynamics_schema()], ids=["scorecard", "dynamics"])
def test_descriptions_are_plain_sentences(schema: str) -> None:
    """Whoever reads a schema has neither our modules nor our files."""
    found = list(descriptions(json.loads(schema)))
    assert found
    for text in found:
        assert not re.search(r"``|:[a-z]+:`|\b(harness|leaderboard)\.[a-z]|\.md\b", text), text
