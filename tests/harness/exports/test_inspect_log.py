"""A run as a log of inspect_ai's: its own reader finds the run's items and numbers in it."""

import sys
from pathlib import Path

import pytest

from harness.exports.writing import ExportError, export_run
from harness.records.run import read_run
from harness.records.samples import Outcome

RUN = Path(__file__).parents[3] / "submissions" / "3exsg3n533zb" / "tuned"


@pytest.mark.parametrize("name", ["run.eval", "run.json"])
def test_inspects_own_reader_finds_the_run(tmp_path: Path, name: str) -> None:
    log = pytest.importorskip("inspect_ai.log")
    run, made = read_run(RUN), export_run(RUN, tmp_path / name, format="inspect")
    found = log.read_eval_log(str(made.path))
    assert (found.status, found.eval.task, found.eval.model) == ("success", "nano-1", run.record.checkpoint.name)
    assert found.eval.metadata["retentionbench"]["suite"]["digest"] == run.record.suite.digest
    assert found.results.total_samples == len(found.samples) == run.record.n_items == 2800
    rows = run.samples.set_index("item_id")
    assert {each.id for each in found.samples} == set(rows.index)
    expected = {Outcome.CORRECT: "C", Outcome.WRONG: "I", Outcome.UNPARSED: "N"}
    for sample in found.samples:
        row = rows.loc[sample.id]
        assert sample.scores["correct"].value == expected[Outcome(row["outcome"])]
        assert sample.scores["score"].value == row["score"]
        assert sample.output.completion == row["output"]
        assert sample.metadata["task"] == row["task"]
    unread = [each.scores["correct"] for each in found.samples if each.scores["correct"].value == "N"]
    assert unread
    assert {each.reason for each in unread} == {"invalid_response_format"}
    assert all(each.explanation.startswith("unparsed: ") for each in unread)


def test_its_accuracy_is_the_runs(tmp_path: Path) -> None:
    log = pytest.importorskip("inspect_ai.log")
    run, made = read_run(RUN), export_run(RUN, tmp_path / "run.eval", format="inspect")
    correct, score = log.read_eval_log(str(made.path), header_only=True).results.scores
    right = run.samples["outcome"] == Outcome.CORRECT
    assert correct.metrics["accuracy"].value == pytest.approx(right.mean())
    assert score.metrics["mean"].value == pytest.approx(run.samples["score"].mean())
    for task, rate in right.groupby(run.samples["task"]).mean().items():
        assert correct.metrics[f"accuracy/{task}"].value == pytest.approx(rate)


def test_pictures_are_in_the_log_where_they_are_asked_for(tmp_path: Path) -> None:
    log = pytest.importorskip("inspect_ai.log")
    made = export_run(RUN, tmp_path / "run.eval", format="inspect", pictures=True)
    samples = log.read_eval_log(str(made.path), resolve_attachments=True).samples
    (message,) = next(each.input for each in samples if each.metadata["task"] == "jigsaw_2x2")
    image, text = message.content
    assert image.image.startswith("data:image/png;base64,")
    assert "This picture was cut into 4 tiles" in text.text
    plain = next(each for each in samples if each.metadata["task"] == "math_arithmetic")
    assert isinstance(plain.input, str)


def test_without_inspect_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.split(".")[0] == "inspect_ai"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "harness.exports.inspect_log", raising=False)
    monkeypatch.setitem(sys.modules, "inspect_ai", None)
    with pytest.raises(ExportError, match=r"inspect_ai is not installed; .*pip install -e '\.\[logs\]'"):
        export_run(RUN, tmp_path / "run.eval", format="inspect")
    assert not (tmp_path / "run.eval").exists()
