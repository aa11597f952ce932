"""Renaming: a copy of a checkpoint's folder whose tensors have the names that their model gives them.

Engines look tensors up by name, each in its own way; given the names that transformers uses they all find them. Side
files are linked, and so are files of tensors in which nothing changes.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from harness.checkpoints.parameters import WeightsReport
from harness.checkpoints.scan import read_json
from harness.checkpoints.weights import Tensor, read_header

_CHUNK = 16 * 1024 * 1024


def write_renamed(source: Path, target: Path, report: WeightsReport) -> None:
    """Make the folder ``target``: the files of ``source``, with tensors renamed and left out as ``report`` says."""
    target.mkdir(parents=True)
    names, left_out = dict(report.renamed), frozenset(report.left_out)
    for path in source.iterdir():
        if path.name.endswith(".safetensors.index.json"):
            _write_index(path, target / path.name, names, left_out)
        elif path.suffix == ".safetensors" and _changes(path, names, left_out):
            _write_tensors(path, target / path.name, names, left_out)
        elif path.is_file():
            (target / path.name).symlink_to(path.resolve())


def _changes(path: Path, names: Mapping[str, str], left_out: frozenset[str]) -> bool:
    return any(tensor.name in names or tensor.name in left_out for tensor in read_header(path))


def _write_index(path: Path, target: Path, names: Mapping[str, str], left_out: frozenset[str]) -> None:
    index = read_json(path)
    shards = {names.get(name, name): shard for name, shard in index["weight_map"].items() if name not in left_out}
    target.write_text(json.dumps(index | {"weight_map": shards}), encoding="utf-8")


def _write_tensors(path: Path, target: Path, names: Mapping[str, str], left_out: frozenset[str]) -> None:
    kept = [tensor for tensor in read_header(path) if tensor.name not in left_out]
    header = json.dumps(dict(_entries(kept, names))).encode()
    header += b" " * (-len(header) % 8)
    with path.open("rb") as source, target.open("wb") as copy:
        begin = 8 + int.from_bytes(source.read(8), "little")
        copy.write(len(header).to_bytes(8, "little") + header)
        for start, end in _runs(kept):
            _copy(source, begin + start, end - start, copy)


def _entries(kept: list[Tensor], names: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    yield "__metadata__", {"format": "pt"}
    start = 0
    for tensor in kept:
        end = start + tensor.end - tensor.start
        yield (
            names.get(tensor.name, tensor.name),
            {
                "dtype": tensor.dtype,
                "shape": tensor.shape,
                "data_offsets": [start, end],
            },
        )
        start = end


def _runs(kept: list[Tensor]) -> Iterator[tuple[int, int]]:
    """The ranges of bytes that the tensors take, those that follow each other as one."""
    start = end = 0
    for tensor in kept:
        if tensor.start != end:
            yield start, end
            start = tensor.start
        end = tensor.end
    yield start, end


def _copy(source: BinaryIO, start: int, size: int, target: BinaryIO) -> None:
    source.seek(start)
    while size:
        part = source.read(min(size, _CHUNK))
        target.write(part)
        size -= len(part)
