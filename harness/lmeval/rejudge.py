"""Judging again: a run's stored outputs under the rules of this program, and its samples and record written anew.

What a model wrote stays as it is, byte by byte; only what the tasks' scoring makes of it changes. All tasks of a run
are judged again or none is, so that no run holds verdicts of two versions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from harness.lmeval.recompute import Recomputer, Verdicts
from harness.records import (
    JUDGE_VERSION,
    SAMPLES_FILE,
    Run,
    RunRecord,
    Sample,
    iter_samples,
    read_run,
    write_record,
    write_samples,
)

_CHUNK = 2048


@dataclass(frozen=True)
class Rejudged:
    """A run that was judged again: its new record, and on how many rows the outcome is another one now."""

    record: RunRecord
    rows: int
    changed: int


def rejudge_run(folder: Path, recomputer: Recomputer) -> Rejudged:
    """Judge the run in ``folder`` again and write it; ``RetentionError`` where a task's items are not here."""
    run = read_run(folder)
    judged = recomputer.judged(run.samples)
    counts = {"rows": 0, "changed": 0}
    samples = _judged_again(folder, judged, counts)
    chunks = iter(lambda: list(islice(samples, _CHUNK)), [])
    sha256 = write_samples(folder / SAMPLES_FILE, chunks, sampled=run.record.sampling is not None)
    record = _record(run, sha256)
    write_record(folder, record)
    return Rejudged(record, counts["rows"], counts["changed"])


def _judged_again(folder: Path, judged: Verdicts, counts: dict[str, int]) -> Iterator[Sample]:
    for sample in iter_samples(folder / SAMPLES_FILE):
        again = sample.model_copy(update=judged.get((sample.item_id, sample.repeat), {}))
        counts["rows"] += 1
        counts["changed"] += again.outcome != sample.outcome
        yield again


def _record(run: Run, sha256: str) -> RunRecord:
    return run.record.model_copy(update={"judge": JUDGE_VERSION, "samples_sha256": sha256})
