"""Shortening: truncate the long outputs of a run that is too large for the repository to their head and tail.

Verdicts stay the same: every truncated output is judged again, and one whose judgement would change is kept in full. A
mark replaces the removed text, with the sha256 of the full output; the record names the full file (``full_log``).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from harness.errors import RetentionError
from harness.records import (
    RECORD_FILE,
    SAMPLES_FILE,
    FullLog,
    Run,
    Sample,
    iter_samples,
    read_run,
    write_record,
    write_samples,
)
from leaderboard.entries import KEPT_CHARACTERS, MAX_EXPANDED_BYTES, MAX_FILE_BYTES

if TYPE_CHECKING:
    from leaderboard.entries.judges import Recomputer
from leaderboard.entries import is_cut

_MARK = "\n[... {count} characters left out, sha256 {digest} ...]\n"
_CHUNK = 2048


class ShorteningError(RetentionError):
    """A run that cannot be shortened enough to fit."""


def too_large(samples: Path) -> bool:
    """Whether a samples file exceeds the repository's limits, on disk or in memory."""
    if samples.stat().st_size > MAX_FILE_BYTES:
        return True
    shape = pq.read_metadata(samples)
    expanded = sum(shape.row_group(group).total_byte_size for group in range(shape.num_row_groups))
    return bool(expanded > MAX_EXPANDED_BYTES // 2)


def cut(output: str, kept: int) -> str:
    """The first ``kept / 4`` and the last ``3 * kept / 4`` characters of ``output``, if that is shorter.

    Answers are at the end, so most of the kept text is too.
    """
    left_out = len(output) - kept
    digest = hashlib.sha256(output.encode("utf-8", errors="surrogatepass")).hexdigest()[:16]
    short = (
        output[: kept // 4] + _MARK.format(count=left_out, digest=digest) + output[len(output) - (kept - kept // 4) :]
    )
    return short if left_out > 0 and len(short) < len(output) else output


def shorten(source: Path, target: Path, recomputer: Recomputer, cap: int = MAX_FILE_BYTES) -> FullLog:
    """Write the run folder ``source`` into ``target`` with as much of its outputs as ``cap`` bytes allow.

    Returns the record's reference to the full file. Raises ``ShorteningError`` if 256 characters per output are still
    too many, or if outputs cannot be judged again because their task's data is missing.
    """
    run = read_run(source)
    for kept in KEPT_CHARACTERS:
        outputs = _cut_safely(run, kept, recomputer)
        samples = _with(iter_samples(source / SAMPLES_FILE), outputs)
        sha256 = write_samples(target / SAMPLES_FILE, _chunks(samples), judge=run.record.judge)
        expanded = sum(len(output.encode("utf-8", errors="surrogatepass")) for output in outputs)
        if (target / SAMPLES_FILE).stat().st_size <= cap and expanded <= MAX_EXPANDED_BYTES // 2:
            log = FullLog(
                samples_sha256=run.record.samples_sha256,
                size=(source / SAMPLES_FILE).stat().st_size,
                cut=sum(map(is_cut, outputs)),
            )
            write_record(target, run.record.model_copy(update={"samples_sha256": sha256, "full_log": log}))
            return log
    (target / SAMPLES_FILE).unlink()
    raise ShorteningError(
        f"{source / SAMPLES_FILE}: larger than {cap / 1024**2:.0f} MB even with outputs truncated to "
        f"{KEPT_CHARACTERS[-1]} characters; ask the maintainers where to store this suite's runs ({RECORD_FILE} and "
        "the rest are fine)"
    )


def _cut_safely(run: Run, kept: int, recomputer: Recomputer) -> list[str]:
    whole = run.samples["output"].tolist()
    short = [cut(output, kept) for output in whole]
    found = recomputer.recompute(run.samples.assign(output=short))
    if found.unavailable:
        task, reason = next(iter(found.unavailable.items()))
        raise ShorteningError(f"outputs of task {task} cannot be truncated, as they cannot be judged again: {reason}")
    changed = {each.item_id for each in found.differences}
    return [
        long if item_id in changed else brief
        for item_id, long, brief in zip(run.samples["item_id"], whole, short, strict=True)
    ]


def _with(samples: Iterable[Sample], outputs: Iterable[str]) -> Iterator[Sample]:
    for sample, output in zip(samples, outputs, strict=True):
        yield sample if sample.output == output else sample.model_copy(update={"output": output})


def _chunks(samples: Iterator[Sample]) -> Iterator[list[Sample]]:
    while chunk := list(itertools.islice(samples, _CHUNK)):
        yield chunk
