"""Judging again: outputs stay, what the tasks make of them is written anew, and the record says by which version."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness.lmeval.loading import TaskError
from harness.lmeval.recompute import Recomputer
from harness.lmeval.rejudge import rejudge_run
from harness.records import JUDGE_VERSION, Outcome, iter_samples, read_run, write_record, write_samples
from tests.support.tiny import Tiny, model, tiny_run, tiny_suite


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    return tiny_suite(tmp_path / "tiny")


def by_an_older_judge(folder: Path) -> None:
    """Make the run in ``folder`` one that judged everything it read as wrong, by version 1."""
    samples = [
        sample
        if sample.error
        else sample.model_copy(update={"outcome": Outcome.WRONG, "score": 0.0, "off_list": False})
        for sample in iter_samples(folder / "samples.parquet")
    ]
    record = read_run(folder).record
    sha256 = write_samples(folder / "samples.parquet", [samples], judge=1)
    write_record(folder, record.model_copy(update={"judge": 1, "samples_sha256": sha256}))


def test_a_run_is_judged_again_and_says_so(tiny: Tiny, tmp_path: Path) -> None:
    right = tiny_run(tiny, tmp_path / "run", model(1)).samples
    by_an_older_judge(tmp_path / "run")
    done = rejudge_run(tmp_path / "run", Recomputer(tiny.suite, tiny.folder))
    again = read_run(tmp_path / "run")
    assert again.record.judge == done.record.judge == JUDGE_VERSION
    read = right["task"] != "tiny_letters"
    assert again.samples.loc[read, "outcome"].tolist() == right.loc[read, "outcome"].tolist()
    assert again.samples["output"].tolist() == right["output"].tolist()
    assert done.rows == len(right)
    assert done.changed == int((right.loc[read, "outcome"] == "correct").sum())
    metadata = pq.read_schema(tmp_path / "run" / "samples.parquet").metadata
    assert metadata[b"retentionbench_judge"] == str(JUDGE_VERSION).encode()


def test_a_run_whose_items_are_not_here_stays_as_it_is(tiny: Tiny, tmp_path: Path) -> None:
    tiny_run(tiny, tmp_path / "run", model(1))
    before = (tmp_path / "run" / "samples.parquet").read_bytes()
    elsewhere = tiny.suite.model_copy(update={"tasks": {"tiny_sums": tiny.suite.tasks["tiny_sums"]}})
    with pytest.raises(TaskError, match="cannot be judged again"):
        rejudge_run(tmp_path / "run", Recomputer(elsewhere, tiny.folder))
    assert (tmp_path / "run" / "samples.parquet").read_bytes() == before
