"""Shortening: a run that is too large for the repository keeps the head and the tail of its long outputs.

Verdicts stay: every output that is cut is judged again, and one whose judgement would change is kept whole. A mark
stands where text was left out, with the sha256 of the whole output; the record names the whole file (``full_log``).
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
from leaderboard.entries import MAX_EXPANDED_BYTES, MAX_FILE_BYTES

if TYPE_CHECKING:
    from leaderboard.entries.judges import Recomputer
from leaderboard.entries import is_cut

# Characters that stay of a long output; the first of these that makes the file small enough is taken.
KEPT = (8192, 4096, 2048, 1024, 512, 256)
_MARK = "\n[... {count} characters left out, sha256 {digest} ...]\n"
_CHUNK = 2048


class ShorteningError(RetentionError):
    """A run whose outputs cannot be cut so far that it fits."""


def too_large(samples: Path) -> bool:
    """Whether a samples file may not be in the repository as it is, for its size or for what it holds when read."""
    if samples.stat().st_size > MAX_FILE_BYTES:
        return True
    shape = pq.read_metadata(samples)
    held = sum(shape.row_group(group).total_byte_size for group in range(shape.num_row_groups))
    return bool(held > MAX_EXPANDED_BYTES // 2)


def cut(output: str, kept: int) -> str:
    """``output`` with its first quarter of ``kept`` characters and its last three, where that is shorter.

    Answers stand at the end, so most of what is kept is there.
    """
    left_out = len(output) - kept
    digest = hashlib.sha256(output.encode("utf-8", errors="surrogatepass")).hexdigest()[:16]
    short = (
        output[: kept // 4] + _MARK.format(count=left_out, digest=digest) + output[len(output) - (kept - kept // 4) :]
    )
    return short if left_out > 0 and len(short) < len(output) else output


def shorten(source: Path, target: Path, recomputer: Recomputer, cap: int = MAX_FILE_BYTES) -> FullLog:
    """Write the run folder ``source`` into ``target`` with as much of its outputs as ``cap`` bytes allow.

    Returns what the record now says of the whole file. Raises ``ShorteningError`` when 256 characters an output are
    still too many, or when outputs cannot be judged again because their task's data is not here.
    """
    run = read_run(source)
    for kept in KEPT:
        outputs = _cut_safely(run, kept, recomputer)
        sha256 = write_samples(target / SAMPLES_FILE, _chunks(_with(iter_samples(source / SAMPLES_FILE), outputs)))
        held = sum(len(output.encode("utf-8", errors="surrogatepass")) for output in outputs)
        if (target / SAMPLES_FILE).stat().st_size <= cap and held <= MAX_EXPANDED_BYTES // 2:
            log = FullLog(
                samples_sha256=run.record.samples_sha256,
                size=(source / SAMPLES_FILE).stat().st_size,
                cut=sum(map(is_cut, outputs)),
            )
            write_record(target, run.record.model_copy(update={"samples_sha256": sha256, "full_log": log}))
            return log
    (target / SAMPLES_FILE).unlink()
    raise ShorteningError(
        f"{source / SAMPLES_FILE}: larger than {cap / 1024**2:.0f} MB even with outputs cut to {KEPT[-1]} characters; "
        f"ask the maintainers for another place for this suite's runs ({RECORD_FILE} and the rest are fine)"
    )


def _cut_safely(run: Run, kept: int, recomputer: Recomputer) -> list[str]:
    whole = run.samples["output"].tolist()
    short = [cut(output, kept) for output in whole]
    found = recomputer.recompute(run.samples.assign(output=short))
    if found.unavailable:
        task, reason = next(iter(found.unavailable.items()))
        raise ShorteningError(f"outputs of task {task} cannot be cut, as they cannot be judged again: {reason}")
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
