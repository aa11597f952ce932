"""Run records: those that were written before newer fields still read."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness.records.run import RECORD_FILE, read_record
from harness.records.samples import SAMPLES_FILE, Sample, iter_samples, read_samples

ROOT = Path(__file__).parents[3]
# Written by the code before suites could mark transfer and adjacent tasks, and before runs had replicates or screens.
BEFORE_MARKS = ROOT / "tests" / "fixtures" / "run_before_suite_marks.json"
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
