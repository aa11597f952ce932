"""Staging: engines are given a folder of links to just the files that a checkpoint's digest covers.

A library that is given a user's folder reads what it likes in it: other weights, a Mistral configuration, a list of
pooling modules, code. In a staged folder there is nothing else to find, and both engines find the same.
"""

import atexit
import functools
import os
import re
import shutil
import tempfile
from pathlib import Path

_PLAIN = re.compile(r"\A[\w.-]{1,100}\Z", re.ASCII)


def stage(folder: Path, names: tuple[str, ...]) -> Path:
    """A temporary folder with links to the files ``names`` of ``folder``, the same one for each call of a process.

    It is removed when the process ends; a process that is started for an engine makes its own.
    """
    return _staged(folder.resolve(), tuple(sorted(names)), os.getpid())


@functools.cache
def _staged(folder: Path, names: tuple[str, ...], process: int) -> Path:
    # Libraries show the last part of the path in their messages.
    made = Path(tempfile.mkdtemp(prefix="staged-", dir=_root(process))) / _shown(folder)
    made.mkdir()
    for name in names:
        (made / name).symlink_to(folder / name)
    return made


@functools.cache
def _root(process: int) -> Path:
    root = Path(tempfile.mkdtemp(prefix="retention-"))
    atexit.register(_remove, root, process)
    return root


def _remove(root: Path, process: int) -> None:
    if os.getpid() == process:  # And not one that was forked from it.
        shutil.rmtree(root, ignore_errors=True)


def _shown(folder: Path) -> str:
    return folder.name if _PLAIN.match(folder.name) else "model"
