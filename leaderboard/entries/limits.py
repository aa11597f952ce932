"""Limits on an entry's files, checked before anything reads them in full.

A parquet file of a megabyte can expand to terabytes: pages that compress a thousandfold, or a dictionary with one long
text that every row refers to. So a file is first read in a sandbox that may be killed, with texts kept
dictionary-encoded, and only files known to stay small are read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow.parquet as pq

from harness.errors import RetentionError
from harness.records import expanded_bytes as expanded
from harness.records import open_parquet
from harness.sandbox import Failure, Limits, Sandbox

MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_RECORD_BYTES = 1024 * 1024
MAX_ROWS = 100_000
MAX_EXPANDED_BYTES = 64 * 1024 * 1024
_MAX_COLUMNS = 64
_MAX_ROW_GROUPS = 1_000
_MOST_FILES = 50
_LIMITS = Limits(memory=512 * 1024 * 1024, cpu_seconds=10, wall_seconds=60)


class LimitError(RetentionError):
    """Content that exceeds the limits of an entry."""


def check_samples(path: Path) -> None:
    """Raise ``LimitError`` unless the parquet file at ``path`` can be read within the limits."""
    found = _sandbox().call("expanded_bytes", str(path))
    if isinstance(found, Failure):
        message = found.message.removeprefix("LimitError: ").removeprefix("RunError: ")
        raise LimitError(message if found.kind == "error" else f"cannot be read within the limits ({found.kind})")


@cache
def _sandbox() -> Sandbox:
    return Sandbox("leaderboard.entries.limits", ["expanded_bytes"], _LIMITS)


def expanded_bytes(path: str) -> int:
    """Bytes of all values of a parquet file, each text counted once for every row that has it. Runs in the sandbox."""
    with pq.ParquetFile(path, memory_map=False, pre_buffer=False) as file:
        shape = file.metadata
        if shape.num_rows > MAX_ROWS:
            raise LimitError(f"{shape.num_rows} rows, more than {MAX_ROWS}")
        if shape.num_columns > _MAX_COLUMNS or shape.num_row_groups > _MAX_ROW_GROUPS:
            raise LimitError(f"{shape.num_columns} columns in {shape.num_row_groups} groups of rows")
        stated = sum(shape.row_group(group).total_byte_size for group in range(shape.num_row_groups))
        if stated > MAX_EXPANDED_BYTES:
            raise _too_large(stated)
    total = 0
    encoded = open_parquet(Path(path), MAX_EXPANDED_BYTES)
    for index in range(encoded.num_row_groups):
        for column in encoded.read_row_group(index, use_threads=False).columns:
            total += sum(map(expanded, column.chunks))
            if total > MAX_EXPANDED_BYTES:
                raise _too_large(total)
    return total


def _too_large(size: int) -> LimitError:
    return LimitError(f"expands to {size // 1024**2} MB, more than {MAX_EXPANDED_BYTES // 1024**2} MB")


def check_files(folder: Path, expected: frozenset[str], optional: frozenset[str] = frozenset()) -> Iterator[str]:
    """What is wrong with the files of ``folder``, as ``name: reason``; nothing is opened."""
    if folder.is_symlink():
        yield f"{folder.name}: a symbolic link is not accepted"
        return
    if not folder.is_dir():
        yield f"{folder.name}: no such folder"
        return
    folders = {name.rpartition("/")[0] for name in expected} - {""}
    found: set[str] = set()
    for seen, path in enumerate(folder.rglob("*")):
        if seen == _MOST_FILES:
            yield f"{folder.name}: more than {_MOST_FILES} files"
            return
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            yield f"{name}: a symbolic link is not accepted"
            found.add(name)
        elif path.is_dir():
            if name not in folders:
                yield f"{name}: unexpected folder"
        elif not path.is_file():
            yield f"{name}: not a plain file"
            found.add(name)
        elif name not in expected | optional:
            yield f"{name}: unexpected file; an entry has {', '.join(sorted(expected))}"
        else:
            found.add(name)
            cap = MAX_RECORD_BYTES if name.endswith((".json", ".jinja")) else MAX_FILE_BYTES
            if path.stat().st_size > cap:
                yield f"{name}: larger than {cap // 1024**2} MB"
    for name in sorted(expected - found, key=str.lower):
        yield f"{name}: is missing"


# Characters kept of a long output that is truncated; the first of these that makes the file small enough is used.
KEPT_CHARACTERS = (8192, 4096, 2048, 1024, 512, 256)
_MARKED = re.compile(r"\n\[\.\.\. ([0-9]{1,9}) characters left out, sha256 [0-9a-f]{16} \.\.\.\]\n", re.ASCII)


@dataclass(frozen=True)
class Cut:
    """The lengths of a truncated output's parts, in characters: before its mark, after it, and what was left out."""

    head: int
    tail: int
    left_out: int

    @property
    def kept(self) -> int:
        return self.head + self.tail

    @property
    def length(self) -> int:
        """Of the whole output."""
        return self.kept + self.left_out


def cut_of(output: str) -> Cut | None:
    """Where an output says that it was truncated; None for one that does not."""
    found = _MARKED.search(output)
    return None if found is None else Cut(found.start(), len(output) - found.end(), int(found[1]))


def is_cut(output: str) -> bool:
    return cut_of(output) is not None


def without_mark(output: str) -> str:
    """An output without the mark of truncation."""
    return _MARKED.sub(" ", output)
