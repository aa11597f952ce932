"""The cache of a build: bytes by a key that covers everything they were made of. It may be deleted at any time.

A file holds the sha256 of its content before the content: one that was cut, edited or mixed up reads as absent and is
made again. A cache that cannot be written makes a build slow, never wrong.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path

import harness
import leaderboard

_UNUSED_SECONDS = 30 * 24 * 3600
# What decides a number without being code of ours.
_LIBRARIES = ("numpy", "pandas", "pyarrow", "pydantic", "scipy")


class Cache:
    """A folder of cached bytes, or none: ``Cache(None)`` remembers nothing."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.hits = self.misses = 0

    def get(self, key: str) -> bytes | None:
        """What was put under ``key`` (hex digits); None where nothing whole is there."""
        found = None if self.folder is None else _read(self._path(key))
        self.hits, self.misses = self.hits + (found is not None), self.misses + (found is None)
        return found

    def put(self, key: str, content: bytes) -> None:
        if self.folder is None:
            return
        path = self._path(key)
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
            partial.replace(path)

    def tidy(self) -> None:
        """Remove what no build has used for thirty days."""
        if self.folder is None or not self.folder.is_dir():
            return
        oldest = time.time() - _UNUSED_SECONDS
        for path in self.folder.glob("??/*"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def _path(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / key[:2] / key[2:]


def _read(path: Path) -> bytes | None:
    try:
        digest, _, content = path.read_bytes().partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() != digest:
            return None
        os.utime(path)
    except OSError:
        return None
    return content


# The wings that read, judge, score and print a stored run. Engines, trainers and commands decide no number of it.
_WINGS = ("answers", "checkpoints", "lmeval", "pictures", "records", "report", "scoring")


@cache
def code_digest() -> str:
    """sha256 over the modules that read, check, score and show an entry, and the versions of what they stand on."""
    digest = hashlib.sha256()
    core, board = Path(harness.__file__).parent, Path(leaderboard.__file__).parent
    files = [
        *core.glob("*.py"),
        *(file for wing in _WINGS for file in (core / wing).rglob("*.py")),
        *board.rglob("*.py"),
    ]
    for path in sorted(files, key=lambda file: file.as_posix()):
        digest.update(
            f"{path.relative_to(core.parent if path.is_relative_to(core) else board.parent).as_posix()}\n".encode()
        )
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for name in _LIBRARIES:
        digest.update(f"{name} {version(name)}\n".encode())
    return digest.hexdigest()
