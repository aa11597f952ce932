"""An exported run that is read back is the run: the same items, tasks, groups and outcomes, so the same numbers."""

import json
from pathlib import Path

import pytest

from harness.exports.writing import ExportFormat, export_run
from harness.records.logs.detection import read_log
from harness.records.run import read_run

RUN = Path(__file__).parents[3] / "submissions" / "3exsg3n533zb" / "tuned"
KEPT = [
    "task",
    "family",
    "group",
    "cluster_id",
    "guess_rate",
    "outcome",
    "score",
    "output",
    "extracted",
    "finish_reason",
    "n_output_tokens",
    "prompt_digest",
]


@pytest.mark.parametrize(("name", "form"), [("run.eval", "inspect"), ("run.jsonl", "every-eval-ever")])
def test_an_exported_run_is_read_back_as_it_was(tmp_path: Path, name: str, form: ExportFormat) -> None:
    if form == "inspect":
        pytest.importorskip("inspect_ai.log")
    run, made = read_run(RUN), export_run(RUN, tmp_path / name, format=form)
    table = read_log(made.path)
    assert table.record.name == run.record.checkpoint.name
    assert [note for note in table.record.notes if note.startswith("exported by `retention runs export`")]
    expected, found = (each.samples.set_index("item_id").sort_index()[KEPT] for each in (run, table))
    assert list(found.index) == list(expected.index)
    for column in KEPT:
        assert list(found[column].fillna("")) == list(expected[column].fillna("")), column


def test_records_that_were_scored_again_count_as_they_are_scored_now(tmp_path: Path) -> None:
    made = export_run(RUN, tmp_path / "run.jsonl", format="every-eval-ever")
    records = [json.loads(line) for line in made.path.read_text(encoding="utf-8").splitlines()]
    for record in records:
        record["evaluation"] |= {"is_correct": True, "score": 1.0}
    made.path.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    table = read_log(made.path)
    assert set(table.samples["outcome"]) == {"correct"}
    assert set(table.record.tasks) == {f"nano-1/{name}" for name in read_run(RUN).record.suite.tasks}
