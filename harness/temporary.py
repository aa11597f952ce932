"""Temporary folders that outlive no process for long: removed when it ends, or by the next one if it was killed.

All of a process lie in one folder that it holds a lock on; the lock ends with the process, however that ends.
"""

import atexit
import contextlib
import fcntl
import functools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "retention-staged-"
# A younger folder may not be held yet.
_SETTLED_SECONDS = 60


def lasting_folder(prefix: str) -> Path:
    """A new temporary folder that lasts as long as this process, or until it is removed."""
    return Path(tempfile.mkdtemp(prefix=prefix, dir=_root(os.getpid())))


@contextlib.contextmanager
def passing_folder(beside: Path | None = None) -> Iterator[Path]:
    """A temporary folder for the length of a ``with``, next to ``beside`` where its files are to be moved there."""
    if beside is None:
        folder = lasting_folder("passing-")
    else:
        prefix = f".{beside.name}-"
        _remove_stale(beside.parent, prefix)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=beside.parent))
    handle = _held(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if handle is not None:
            os.close(handle)


@functools.cache
def _root(process: int) -> Path:
    _remove_stale(Path(tempfile.gettempdir()), _PREFIX)
    root = Path(tempfile.mkdtemp(prefix=_PREFIX))
    _held(root)
    atexit.register(_remove, root, process)
    return root


def _held(folder: Path) -> int | None:
    """A descriptor that locks ``folder`` until it is closed or the process ends; None where there are no locks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        os.close(handle)
        return None
    return handle


def _remove_stale(parent: Path, prefix: str) -> None:
    """Remove what processes left that were killed: folders of ours that nobody holds any more."""
    with contextlib.suppress(OSError):
        for path in sorted(parent.iterdir()):
            if path.name.startswith(prefix):
                _remove_unheld(path)


def _remove_unheld(path: Path) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            status = os.fstat(handle)
            if status.st_uid == os.getuid() and status.st_mtime < time.time() - _SETTLED_SECONDS:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(handle)


def _remove(root: Path, process: int) -> None:
    if os.getpid() == process:  # And not one that was forked from it.
        shutil.rmtree(root, ignore_errors=True)
