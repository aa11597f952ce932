"""Migrations: documents of older forms still read, and those of a newer one are refused by name."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.errors import RetentionError
from harness.records.run import RECORD_FILE, read_record
from harness.records.samples import SAMPLES_FILE, Sample, iter_samples, read_samples
from leaderboard.documents.manifest import parse_manifest
from leaderboard.documents.migrations import EVENT, MANIFEST, RUN, Kind, MigrationError, lift
from leaderboard.ledger.events import EventError, parse_event

ROOT = Path(__file__).parents[3]
# Written by the code before suites could mark transfer and adjacent tasks, and before runs had replicates or screens.
BEFORE_MARKS = ROOT / "tests" / "fixtures" / "run_before_suite_marks.json"
SHIPPED = sorted((ROOT / "submissions").glob("*/tuned"))
FIRST = [ROOT / "submissions" / name / "tuned" for name in ("4eauwmhpomvr", "hhkiwni7rppe")]


def test_a_run_record_from_before_newer_fields_still_reads(tmp_path: Path) -> None:
    document = json.loads(BEFORE_MARKS.read_text())
    assert not {"replicate", "screened", "full_log"} & document.keys()
    assert not {"transfer", "adjacent"} & document["suite"].keys()
    (tmp_path / RECORD_FILE).write_bytes(BEFORE_MARKS.read_bytes())
    record = read_record(tmp_path)
    assert (record.replicate, record.screened, record.suite.transfer, record.suite.adjacent) == (0, None, (), {})
    assert record.n_items == sum(record.suite.tasks.values()) == 2800


@pytest.mark.parametrize("folder", FIRST, ids=lambda folder: folder.parent.name)
def test_the_first_entries_still_read(folder: Path) -> None:
    """They hold samples of version 1, and a record from before logs could lie elsewhere; both are never rewritten."""
    assert "full_log" not in json.loads((folder / RECORD_FILE).read_text())
    assert read_record(folder).full_log is None
    schema = pq.read_schema(folder / SAMPLES_FILE)
    assert schema.metadata[b"retentionbench_samples"] == b"1"
    assert not {"layer", "details"} & set(schema.names)
    assert {"layer", "details"} <= set(read_samples(folder / SAMPLES_FILE).columns)
    first = next(iter_samples(folder / SAMPLES_FILE))
    assert isinstance(first, Sample)
    assert (first.layer, first.details) == (None, {})


# A kind of document with a history: version 1 called the field `size`, version 2 counted in another unit.
GROWN = Kind(
    "thing",
    3,
    "schema",
    {
        1: lambda old: {"schema": "retentionbench-thing-2", "bytes": old["size"]},
        2: lambda old: {"schema": "retentionbench-thing-3", "kilobytes": old["bytes"] / 1000},
    },
)


def test_each_version_is_lifted_step_by_step() -> None:
    now = {"schema": "retentionbench-thing-3", "kilobytes": 5.0}
    assert lift(GROWN, {"schema": "retentionbench-thing-1", "size": 5000}, "x") == now
    assert lift(GROWN, {"schema": "retentionbench-thing-2", "bytes": 5000}, "x") == now
    assert lift(GROWN, now, "x") is now


def test_the_document_that_was_read_is_left_as_it_was() -> None:
    old = {"schema": "retentionbench-thing-1", "size": 5000}
    lift(GROWN, old, "x")
    assert old == {"schema": "retentionbench-thing-1", "size": 5000}


def test_a_version_that_is_no_longer_read_is_named() -> None:
    dropped = replace(GROWN, steps={2: GROWN.steps[2]})
    with pytest.raises(MigrationError, match=r"f\.yaml: schema: thing version 1 is no longer read; write version 3"):
        lift(dropped, {"schema": "retentionbench-thing-1"}, "f.yaml")


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (MANIFEST, {"schema": "retentionbench-manifest-2"}),
        (EVENT, {"schema": "retentionbench-event-9999"}),
        (RUN, {"schema_version": 2}),
    ],
)
def test_a_newer_version_asks_for_an_upgrade(kind: Kind, document: dict[str, Any]) -> None:
    with pytest.raises(MigrationError, match=r"is newer than this program, which reads 1; upgrade retentionbench"):
        lift(kind, document, "x")


@pytest.mark.parametrize(
    "document",
    [None, [], "x", {}, {"schema": None}, {"schema": 1}, {"schema": "retentionbench-event-1"}, {"schema": True},
     {"schema": "retentionbench-manifest-2\n"}, {"schema": "retentionbench-manifest-99999"}, {"schema_version": 2}],
)  # fmt: skip
def test_what_states_no_version_is_left_to_its_schema(document: Any) -> None:
    assert lift(MANIFEST, document, "x") is document
    assert lift(RUN, {"schema_version": True}, "x") == {"schema_version": True}


def test_the_readers_lift_what_they_read() -> None:
    with pytest.raises(RetentionError, match="manifest version 2 is newer"):
        parse_manifest({"schema": "retentionbench-manifest-2"}, "manifest.yaml")
    with pytest.raises(MigrationError, match="event version 2 is newer"):
        parse_event(b'{"schema": "retentionbench-event-2"}', "x.json")


def test_an_event_of_an_older_version_may_be_spelt_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one form is that of the current version; a lifted event is checked by its content."""
    now = {
        "schema": "retentionbench-event-1", "entry_id": "abcdefghijk2", "seq": 2, "at": "2026-01-01T00:00:00Z",
        "actor": "mo", "previous": "ab" * 32, "kind": "stale", "reason": "closed",
    }  # fmt: skip
    old = {**now, "schema": "retentionbench-event-0"}
    with pytest.raises(MigrationError, match="event version 0 is no longer read"):
        parse_event(json.dumps(old).encode(), "x")
    monkeypatch.setattr("leaderboard.ledger.events.EVENT", replace(EVENT, steps={0: lambda _: now}))
    assert parse_event(json.dumps(old).encode(), "x").kind == "stale"
    with pytest.raises(EventError, match="not in canonical form"):
        parse_event(json.dumps(now).encode(), "x")


def test_every_current_version_has_its_schema() -> None:
    for kind in (MANIFEST, RUN, EVENT):
        assert (ROOT / "leaderboard" / "ledger" / "schemas" / kind.name / f"{kind.current}.json").is_file()
