"""Validating hundreds of entries at once: wall time on all cores, and the memory of a worker.

Each entry answers all 2,800 items of nano-1: row by row what one of the shipped runs answered, in words of its own, so
that no judgement of one entry can be reused for another. Weights, digests and sums are made to fit.
"""

import itertools
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import RetentionError
from harness.items import files_digest
from harness.records.run import RECORD_FILE, read_record, read_run, write_record
from harness.records.samples import SAMPLES_FILE, file_sha256
from harness.records.samples_file import ARROW_SCHEMA
from leaderboard.acceptance.report import Report
from leaderboard.acceptance.workers import validate_all
from leaderboard.documents.identity import TUNED_FOLDER, entry_id_of, seal
from leaderboard.documents.manifest import MANIFEST_FILE, Manifest, read_manifest, write_manifest
from leaderboard.entries.shelf import Shelf

ROOT = Path(__file__).parents[2]


class BenchError(RetentionError):
    """A benchmark that did not measure what it says."""


def measure(entries: int, jobs: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Make ``entries`` entries and validate them in ``jobs`` processes."""
    with tempfile.TemporaryDirectory() as folder:
        say(f"validation: making {entries} entries")
        shelf = Shelf(
            Path(folder, "submissions"), ROOT / "leaderboard" / "data" / "bases", Path(folder, "e"), Path(folder, "r")
        )
        folders = [_make(shelf.submissions, seed) for seed in range(entries)]
        items = read_record(folders[0] / TUNED_FOLDER).n_items
        say(f"validation: {entries} entries of {items} items in {jobs} processes")
        finished: list[float] = []
        before, started = _cpu_seconds(), time.monotonic()

        def done(_: Report) -> None:
            finished.append(time.monotonic() - started)
            if len(finished) % max(1, entries // 10) == 0:
                say(f"  {len(finished)} of {entries}")

        reports = validate_all(folders, shelf, jobs=jobs, done=done)
        seconds, cpu = time.monotonic() - started, _cpu_seconds() - before
    check_accepted(reports)
    gaps = [later - earlier for earlier, later in itertools.pairwise(finished)]
    verdicts = [report.verdict for report in reports]
    return {
        "entries": entries,
        "items": items,
        "jobs": jobs,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "first_report_seconds": round(finished[0], 1),
        "comparing_seconds": round(seconds - finished[-1], 1),
        "ms_per_entry": round(1000 * jobs * statistics.median(gaps)) if gaps else None,
        "worker_peak_mib": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
        "verdicts": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
        "rules": _rules(reports),
    }


def check_accepted(reports: list[Report]) -> None:
    """Raise ``BenchError`` unless every entry was accepted: a refused one is not validated to its end."""
    refused = [report for report in reports if not report.accepted]
    found = sorted({each.rule for report in refused for each in report.findings if each.action != "flag"})
    if refused:
        raise BenchError(
            f"validation: {len(refused)} of {len(reports)} entries were refused ({', '.join(found)}), so that nothing "
            "was measured; make them in tests/bench/validation.py as honest entries are"
        )


def _cpu_seconds() -> float:
    """Processor time of the workers that have ended, and of all that they started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _rules(reports: list[Report]) -> dict[str, int]:
    found = [rule for report in reports for rule in {each.rule for each in report.findings}]
    return {rule: found.count(rule) for rule in sorted(set(found))}


def _make(submissions: Path, seed: int) -> Path:
    """One entry of its own outputs, prepared from the runs of the shipped ones."""
    draft = submissions / f"draft-{seed}"
    (draft / TUNED_FOLDER).mkdir(parents=True)
    entry = next(iter(_entries()))
    frame = _mixed(seed)
    table = pa.Table.from_pandas(frame[ARROW_SCHEMA.names], schema=ARROW_SCHEMA, preserve_index=False)
    pq.write_table(table, draft / TUNED_FOLDER / SAMPLES_FILE, compression="zstd")
    record, manifest = read_record(entry / TUNED_FOLDER), read_manifest(entry / MANIFEST_FILE)
    files = {**record.checkpoint.files, "model.safetensors": f"{seed:064x}"}
    checkpoint = record.checkpoint.model_copy(update={"files": files, "weights_digest": files_digest(files)})
    sha256 = file_sha256(draft / TUNED_FOLDER / SAMPLES_FILE)
    record = record.model_copy(update={"checkpoint": checkpoint, "samples_sha256": sha256})
    write_record(draft / TUNED_FOLDER, record)
    write_manifest(draft / MANIFEST_FILE, _restated(manifest, files, seed))
    seal(draft)
    base = read_record(_base(manifest))
    return draft.rename(submissions / entry_id_of(base, record))


def _restated(manifest: Manifest, files: dict[str, str], seed: int) -> Manifest:
    tuned = manifest.tuned_model.model_copy(update={"files": files, "weights_digest": files_digest(files)})
    contact = manifest.contact.model_copy(update={"handle": f"author-{seed}"})
    return manifest.model_copy(update={"tuned": tuned, "contact": contact})


def _mixed(seed: int) -> pd.DataFrame:
    """Rows of the shipped runs, one drawn for each item, the output behind some words of the entry's own."""
    draw = random.Random(seed)
    runs = _runs()
    chosen = [draw.randrange(len(runs)) for _ in range(len(runs[0]))]
    stacked = pd.concat(runs, keys=range(len(runs)))
    frame = stacked.loc[list(zip(chosen, range(len(chosen)), strict=True))].reset_index(drop=True)
    words = [f"Well, {draw.randrange(10**6)}." for _ in chosen]
    frame["output"] = [f"{word} {output}" for word, output in zip(words, frame["output"], strict=True)]
    return frame


def _runs() -> list[pd.DataFrame]:
    if not _CACHE:
        first = next(iter(_entries()))
        base = read_run(_base(read_manifest(first / MANIFEST_FILE))).samples
        _CACHE.append(base)
        for entry in _entries():
            tuned = read_run(entry / TUNED_FOLDER).samples.set_index("item_id")
            _CACHE.append(tuned.loc[base["item_id"]].reset_index()[base.columns])
    return _CACHE


_CACHE: list[pd.DataFrame] = []


def _entries() -> list[Path]:
    """The shipped entries on nano-1, those of full checkpoints first."""
    found = [path.parent.parent for path in (ROOT / "submissions").glob(f"*/{TUNED_FOLDER}/{RECORD_FILE}")]
    records = {entry: read_record(entry / TUNED_FOLDER) for entry in found}
    ours = [entry for entry, record in records.items() if (record.suite.name, record.suite.version) == ("nano", "1")]
    return sorted(ours, key=lambda entry: (records[entry].checkpoint.kind != "full", entry.name))


def _base(manifest: Manifest) -> Path:
    suite = f"{manifest.suite.id}-{manifest.suite.version}"
    return ROOT / "leaderboard" / "data" / "bases" / suite / manifest.base.weights_digest[:12]
