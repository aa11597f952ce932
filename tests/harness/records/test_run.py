"""Run records: those that were written before newer fields still read."""

import json
from pathlib import Path

from harness.records.run import RECORD_FILE, read_record

ROOT = Path(__file__).parents[3]
# Written by the code before suites could mark transfer and adjacent tasks, and before runs had replicates or screens.
BEFORE_MARKS = ROOT / "tests" / "fixtures" / "run_before_suite_marks.json"


def test_a_run_record_from_before_newer_fields_still_reads(tmp_path: Path) -> None:
    document = json.loads(BEFORE_MARKS.read_text())
    assert not {"replicate", "screened", "full_log", "judge"} & document.keys()
    assert not {"transfer", "adjacent"} & document["suite"].keys()
    (tmp_path / RECORD_FILE).write_bytes(BEFORE_MARKS.read_bytes())
    record = read_record(tmp_path)
    assert (record.replicate, record.screened, record.suite.transfer, record.suite.adjacent) == (0, None, (), {})
    assert (record.full_log, record.judge) == (None, 1)
    assert record.n_items == sum(record.suite.tasks.values()) == 2800
