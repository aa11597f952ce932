"""Answers: what runs said, sorted by task and item id; one run for its pages, all of a suite for those of questions.

A thousand runs of two thousand items are held as columns: outcomes as small numbers, outputs as Arrow strings of
bounded length, so that a board of that size takes seconds and some hundred megabytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.records import SAMPLES_FILE, Outcome
from harness.scoring import Bools
from leaderboard.documents import clean

# An answer up to this many characters is shown whole; of a longer one these many of its two ends.
WHOLE = 400
HEAD, TAIL = 160, 120
# Outcomes by their number; the second half are those marked off-list.
_STATES = tuple(map(str, Outcome))
OUTCOMES = (*_STATES, *(f"{state}, off-list" for state in _STATES))
_CORRECT = _STATES.index(Outcome.CORRECT)


@dataclass(frozen=True)
class Answers:
    """One run's answers, sorted by task and item id."""

    item_ids: tuple[str, ...]
    tasks: tuple[str, ...]
    outcomes: tuple[str, ...]
    outputs: tuple[str, ...]

    @cached_property
    def solved(self) -> Bools:
        return np.array([outcome == Outcome.CORRECT for outcome in self.outcomes], dtype=bool)

    @cached_property
    def places(self) -> dict[str, slice]:
        """Where each task's items lie."""
        found: dict[str, slice] = {}
        start = 0
        for name, group in groupby(self.tasks):
            found[name] = slice(start, start := start + len(list(group)))
        return found


@dataclass(frozen=True)
class Columns:
    """The same as columns: ids and tasks as Arrow strings, outcomes as places in :data:`OUTCOMES`."""

    item_ids: pa.Array
    tasks: pa.Array
    outcomes: NDArray[np.int8]
    outputs: pa.Array


def read_columns(folder: Path) -> Columns:
    """The answers of a run that was scored before: its file is known to be whole."""
    shown = ["item_id", "task", "outcome", "output"]
    # The file itself, as one of a data set would be looked at three times.
    with pq.ParquetFile(folder / SAMPLES_FILE, pre_buffer=False) as file:
        marked = "off_list" in file.schema_arrow.names
        table = file.read([*shown, *(["off_list"] if marked else [])], use_threads=False).combine_chunks()
    order = pc.sort_indices(table, sort_keys=[("task", "ascending"), ("item_id", "ascending")])
    table = table.take(order)
    ids, tasks, said, outputs = (_array(table[name]) for name in shown)
    outcomes = pc.index_in(said, value_set=pa.array(_STATES)).to_numpy(zero_copy_only=False).astype(np.int8)
    if marked:
        marks = pc.fill_null(table["off_list"], False).to_numpy(zero_copy_only=False)
        outcomes = outcomes + np.int8(len(_STATES)) * marks.astype(np.int8)
    return Columns(ids, tasks, outcomes, outputs)


def _array(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def read_answers(folder: Path) -> Answers:
    """The answers of a run as texts."""
    found = read_columns(folder)
    return Answers(
        tuple(found.item_ids.to_pylist()),
        tuple(found.tasks.to_pylist()),
        tuple(OUTCOMES[code] for code in found.outcomes),
        tuple(found.outputs.to_pylist()),
    )


# One base serves all entries of its tracks.
base_answers = lru_cache(maxsize=2)(read_answers)


@lru_cache(maxsize=1)
def tuned_answers(folder: Path, samples_sha256: str) -> Answers:
    """:func:`read_answers` of an entry's run, which its page and its explorer show one after the other."""
    return read_answers(folder)


class AnswerTable:
    """The answers of many runs to the items that one base answered.

    ``outcomes`` is runs x items, places in :data:`OUTCOMES`; the order of items is that of ``base``.
    """

    def __init__(self, base: Path, runs: Sequence[Path]) -> None:
        first = read_columns(base)
        self.base = base_answers(base)
        self.outcomes = np.zeros((len(runs), len(self.base.item_ids)), dtype=np.int8)
        self._outputs: list[pa.Array] = []
        for at, folder in enumerate(runs):
            found = read_columns(folder)
            if not found.item_ids.equals(first.item_ids):
                raise ValueError(f"{folder}: answered other items than its base")
            self.outcomes[at] = found.outcomes
            self._outputs.append(bounded(found.outputs))
        _return_memory()

    @property
    def solved(self) -> Bools:
        """Which items each run solved, runs x items."""
        right: Bools = self.outcomes == _CORRECT
        return right

    def texts(self, place: slice) -> tuple[NDArray[np.int32], pa.Array]:
        """What was said to the items of ``place``: runs x items, numbers of the texts that follow."""
        width = place.stop - place.start
        if not self._outputs:
            return np.zeros((0, width), dtype=np.int32), pa.array([], pa.large_string())
        # One array: of many chunks each would get a dictionary of its own, of all texts so far.
        said = pa.concat_arrays([each.slice(place.start, width).cast(pa.large_string()) for each in self._outputs])
        encoded = said.dictionary_encode()
        del said
        _return_memory()
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        return codes.reshape(len(self._outputs), width), encoded.dictionary


def _return_memory() -> None:
    """Give back what Arrow needed for a while, some hundred megabytes for a thousand entries, and would keep."""
    pa.default_memory_pool().release_unused()


def bounded(outputs: pa.Array) -> pa.Array:
    """Outputs of at most :data:`WHOLE` characters as they are; of longer ones their ends, and a digest that tells those
    apart that differ in between."""
    long = pc.greater(pc.utf8_length(outputs), WHOLE).to_numpy(zero_copy_only=False)
    if not long.any():
        return outputs
    texts = outputs.to_pylist()
    for at in np.flatnonzero(long):
        texts[at] = bounded_text(texts[at])
    return pa.array(texts, pa.string())


def bounded_text(text: str) -> str:
    """One output as :func:`bounded` leaves it."""
    if len(text) <= WHOLE:
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return text[: 2 * HEAD] + text[-2 * TAIL :] + digest


def said(text: str) -> str:
    """An answer on one line, from :func:`bounded_text`: whole where it is short, else its two ends."""
    return clean(text, WHOLE) if len(text) <= WHOLE else _joined(text[: 2 * HEAD], text[2 * HEAD : -16])


def shortened(text: str) -> str:
    """Both ends of an answer on one line: how it starts, and what it comes to."""
    # White space shrinks when it is cleaned, so that more than is kept has to be looked at.
    if len(text) > 4 * (HEAD + TAIL):
        return _joined(text[: 2 * HEAD], text[-2 * TAIL :])
    plain = clean(text, 4 * (HEAD + TAIL))
    if len(plain) <= HEAD + TAIL:
        return plain
    return f"{plain[:HEAD].rstrip()} … {plain[-TAIL:].lstrip()}"


def _joined(head: str, tail: str) -> str:
    return f"{clean(head, 2 * HEAD)[:HEAD].rstrip()} … {clean(tail, 2 * TAIL)[-TAIL:].lstrip()}"
