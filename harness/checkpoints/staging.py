"""Staging: engines are given a folder of links to just the files that a checkpoint's digest covers.

A library that is given a user's folder reads what it likes in it: other weights, a Mistral configuration, a list of
pooling modules, code. In a staged folder there is nothing else to find, and both engines find the same.
"""

import atexit
import contextlib
import fcntl
import functools
import json
import os
import re
import shutil
import tempfile
import time
from pathlib import Path

from harness.checkpoints.configuration import is_configuration, without_claims
from harness.checkpoints.contents import ADAPTER_CONFIG, Contents
from harness.checkpoints.listing import contents_of
from harness.checkpoints.scan import code_is_not_needed, read_json

_PREFIX = "retention-staged-"
# A younger folder may not be held yet.
_SETTLED_SECONDS = 60
_PLAIN = re.compile(r"\A[\w.-]{1,100}\Z", re.ASCII)


def stage(folder: Path, contents: Contents) -> Path:
    """A temporary folder with links to the used files of ``folder``, the same one for each call of a process.

    A configuration is copied without what it only claims of its origin. The folder is removed when the process ends;
    a process that is started for an engine makes its own.
    """
    return _staged(folder.resolve(), contents.kind, contents.used, os.getpid())


def staged_folder(folder: Path) -> Path:
    """:func:`stage` for a checkpoint's folder that is known by its path alone."""
    return stage(folder, contents_of(folder))


def lasting_folder(prefix: str) -> Path:
    """A new temporary folder that lasts as long as this process."""
    return Path(tempfile.mkdtemp(prefix=prefix, dir=_root(os.getpid())))


@functools.cache
def _staged(folder: Path, kind: str, names: tuple[str, ...], process: int) -> Path:
    # Libraries show the last part of the path in their messages.
    made = lasting_folder("staged-") / _shown(folder)
    made.mkdir()
    without_code = code_is_not_needed(folder, kind)
    for name in names:
        _place(folder / name, made / name, without_code=without_code)
    return made


def _place(source: Path, target: Path, *, without_code: bool) -> None:
    """A link, or a copy without claims of the configurations that have some. PEFT needs to be told the base's name."""
    content = read_json(source) if is_configuration(source.name) and source.name != ADAPTER_CONFIG else {}
    cleaned = without_claims(content, auto_map=without_code)
    if cleaned == content:
        target.symlink_to(source)
    else:
        target.write_text(json.dumps(cleaned), encoding="utf-8")


@functools.cache
def _root(process: int) -> Path:
    _remove_stale()
    root = Path(tempfile.mkdtemp(prefix=_PREFIX))
    with contextlib.suppress(OSError):  # A file system without locks.
        # Held until the process ends, however it ends.
        fcntl.flock(os.open(root, os.O_RDONLY), fcntl.LOCK_EX)
    atexit.register(_remove, root, process)
    return root


def _remove_stale() -> None:
    """Remove what processes left that were killed: folders of ours that nobody holds any more."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
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


def _shown(folder: Path) -> str:
    return folder.name if _PLAIN.match(folder.name) else "model"
