"""Identity: are two sets of files the same weights? Side files do not matter, nor how tensors are spread over files."""

import os
from collections.abc import Sequence
from pathlib import Path

from harness.checkpoints.digests import cached_sha256
from harness.checkpoints.weights import HeaderError, Tensor, read_header

_CHUNK = 16 * 1024 * 1024


def same_weights(first: Sequence[Path], second: Sequence[Path]) -> bool | None:
    """Whether the safetensors files of both sides hold the same tensors; None where the second cannot be read.

    The files of ``first`` are a checkpoint's, whose digests are known by now; those of ``second`` are read once.
    """
    if all(map(os.path.samefile, first, second)) and len(first) == len(second):
        return True
    try:
        theirs = _places(second)
    except (HeaderError, OSError):
        return None
    mine = _places(first)
    if {name: (each.dtype, each.shape) for name, (_, each, _) in mine.items()} != {
        name: (each.dtype, each.shape) for name, (_, each, _) in theirs.items()
    }:
        return False
    if sorted(cached_sha256(list(first))) == sorted(cached_sha256(list(second))):
        return True
    order = sorted(mine, key=lambda name: mine[name][1].end - mine[name][1].start)
    return all(_same_bytes(mine[name], theirs[name]) for name in order)


def same_tensors(paths: Sequence[Path], one: str, other: str) -> bool:
    """Whether two tensors of the same files are equal."""
    places = _places(paths)
    (_, mine, _), (_, theirs, _) = places[one], places[other]
    return (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape) and _same_bytes(places[one], places[other])


_Place = tuple[Path, Tensor, int]


def _places(paths: Sequence[Path]) -> dict[str, _Place]:
    """Each tensor with its file and where its bytes begin."""
    found: dict[str, _Place] = {}
    for path in paths:
        with path.open("rb") as file:
            begin = 8 + int.from_bytes(file.read(8), "little")
        found |= {tensor.name: (path, tensor, begin + tensor.start) for tensor in read_header(path)}
    return found


def _same_bytes(mine: _Place, theirs: _Place) -> bool:
    left = mine[1].end - mine[1].start
    with mine[0].open("rb") as first, theirs[0].open("rb") as second:
        first.seek(mine[2])
        second.seek(theirs[2])
        while left:
            part = first.read(min(left, _CHUNK))
            if part != second.read(len(part)):
                return False
            left -= len(part)
    return True
