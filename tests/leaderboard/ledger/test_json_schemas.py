"""Schemas: the committed JSON Schemas are the models', and an independent validator takes what is shipped by them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

import leaderboard
from harness.records.run import RECORD_FILE
from harness.records.samples import SAMPLES_FILE
from harness.records.samples_file import iter_samples
from harness.scoring import score_pair
from leaderboard.cli import cli
from leaderboard.documents.manifest import read_manifest
from leaderboard.ledger.events import event_bytes
from leaderboard.ledger.json_schemas import all_schemas
from tests.support.events import agreement
from tests.support.synthetic import synthetic_run

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
SHIPPED = sorted((ROOT / "submissions").glob("*/tuned"))
COMMITTED = Path(leaderboard.__file__).parent / "ledger" / "schemas"


def schema(name: str) -> Any:
    found = json.loads((COMMITTED / name).read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def test_the_committed_schemas_are_current() -> None:
    """To renew them: ``retention maintain schemas``."""
    committed = {path.relative_to(COMMITTED).as_posix(): path.read_text("utf-8") for path in COMMITTED.rglob("*.json")}
    assert committed == all_schemas()


def test_the_command_writes_and_checks(tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "schemas")]
    missing = CliRunner().invoke(cli, ["maintain", "schemas", "--check", *out])
    assert (missing.exit_code, "run `retention maintain schemas`" in missing.stderr) == (1, True)
    assert CliRunner().invoke(cli, ["maintain", "schemas", *out]).exit_code == 0
    assert CliRunner().invoke(cli, ["maintain", "schemas", "--check", *out]).exit_code == 0
    assert (tmp_path / "schemas/event/1.json").read_bytes() == (COMMITTED / "event/1.json").read_bytes()


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from walk(each)


@pytest.mark.parametrize("name", sorted(all_schemas()))
def test_a_schema_is_strict_and_its_patterns_are_of_every_dialect(name: str) -> None:
    whole = json.loads((COMMITTED / name).read_text("utf-8"))
    assert whole["$schema"].endswith("2020-12/schema")
    for part in walk(whole):
        if part.get("type") == "object" and "properties" in part:
            assert part["additionalProperties"] is False
        if isinstance(pattern := part.get("pattern"), str):
            re.compile(pattern)
            assert pattern.startswith("^")
            assert pattern.endswith("$")
            assert "\\A" not in pattern
            assert "\\z" not in pattern.lower()


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.parent.name)
def test_shipped_entries_obey(folder: Path) -> None:
    manifest = read_manifest(folder.parent / "manifest.yaml")
    schema("manifest/1.json").validate(manifest.model_dump(mode="json", by_alias=True, exclude_none=True))
    schema("run/1.json").validate(json.loads((folder / RECORD_FILE).read_text()))
    old, new = schema("samples/1.json"), schema("samples/4.json")
    for sample in list(iter_samples(folder / SAMPLES_FILE))[::200]:
        row = sample.model_dump(mode="json", exclude={"repeat", "seed"})
        new.validate(row)
        since = ("layer", "details", "off_list", "logprobs")
        old.validate({key: value for key, value in row.items() if key not in since})
        with pytest.raises(jsonschema.ValidationError):
            old.validate(row)


def test_older_records_obey_the_schema_of_their_version() -> None:
    record = ROOT / "tests" / "fixtures" / "run_before_suite_marks.json"
    schema("run/1.json").validate(json.loads(record.read_text()))


def test_shipped_events_obey() -> None:
    found = sorted((ROOT / "leaderboard" / "data" / "events").glob("*/*.json"))
    validator = schema("event/1.json")
    assert found
    for path in found:
        validator.validate(json.loads(path.read_text("ascii")))


def test_a_scorecard_obeys(tmp_path: Path) -> None:
    card = score_pair(synthetic_run(tmp_path / "a"), synthetic_run(tmp_path / "b", name="b", seed=2), "jigsaw")
    schema("scorecard/2.json").validate(json.loads(card.to_json()))


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({}, True),
        ({"kind": "blessed"}, False),
        ({"seq": 0}, False),
        ({"seq": "2"}, False),
        ({"actor": "mo@example.org"}, False),
        ({"at": "yesterday"}, False),
        ({"rank": 1}, False),
        ({"reason": ""}, False),
        ({"entry_id": "ABCDEFGHIJK2"}, False),
        ({"agreement": agreement(40).model_dump(mode="json")}, True),
    ],
)
def test_the_event_schema_says_what_the_model_says(change: dict[str, Any], valid: bool) -> None:
    from leaderboard.ledger.events import EventError, check_event

    event = {
        "schema": "retentionbench-event-1", "entry_id": "abcdefghijk2", "seq": 2, "at": "2026-01-01T00:00:00Z",
        "actor": "mo", "previous": "ab" * 32, "kind": "flagged", "reason": "why",
    } | change  # fmt: skip
    assert schema("event/1.json").is_valid(event) is valid
    if valid:
        schema("event/1.json").validate(json.loads(event_bytes(check_event(event, "x"))))
    elif change != {"seq": "2"}:  # read as a number, and then refused for its spelling
        with pytest.raises(EventError):
            check_event(event, "x")
