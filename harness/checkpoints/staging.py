"""Staging: engines are given a folder of links to just the files that a checkpoint's digest covers.

A library that is given a user's folder reads what it likes in it: other weights, a Mistral configuration, a list of
pooling modules, code. In a staged folder there is nothing else to find, and both engines find the same.
"""

import functools
import json
import os
import re
from pathlib import Path

from harness.checkpoints.configuration import is_configuration, without_claims
from harness.checkpoints.contents import ADAPTER_CONFIG, Contents
from harness.checkpoints.listing import contents_of
from harness.checkpoints.scan import code_is_not_needed, read_json
from harness.temporary import lasting_folder

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


def _shown(folder: Path) -> str:
    return folder.name if _PLAIN.match(folder.name) else "model"
