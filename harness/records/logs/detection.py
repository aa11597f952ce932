"""Which tool wrote what lies at a path, and its reader."""

from pathlib import Path
from typing import Protocol

from harness.records.logs import (
    every_eval_ever,
    helm,
    inspect_log,
    lighteval,
    lmeval,
    lmms_eval,
    opencompass,
    vlmevalkit,
)
from harness.records.logs.choices import Choices, Selection
from harness.records.logs.log_path import LogPath
from harness.records.logs.unreadable import why_unreadable
from harness.records.samples import RunError
from harness.records.tables import Table


class Reader(Protocol):
    """What a module of this package offers for the logs of one tool."""

    def recognises(self, log: LogPath) -> bool: ...

    def read(self, log: LogPath, choices: Choices) -> Table: ...


READERS: tuple[Reader, ...] = (
    lmeval,
    lmms_eval,
    every_eval_ever,
    inspect_log,
    lighteval,
    helm,
    opencompass,
    vlmevalkit,
)


def is_log(path: Path) -> bool:
    """Whether ``path`` is a log of a tool that is read here, or a folder of its logs."""
    return _reader_of(LogPath(path)) is not None


def read_log(path: Path, filter: Selection = None, metric: Selection = None) -> Table:
    """Read the log of another tool as a table, with notes on what it lacks and what was assumed instead.

    ``filter`` says whose answers count where a log has several extractions, ``metric`` which number is 1 for a correct
    answer: one name for all tasks, or names by task. Raises ``RunError``, which names the file and the way out, also
    where ``path`` is nothing that can be read.
    """
    log = LogPath(path)
    reader = _reader_of(log)
    if reader is None:
        raise RunError(why_unreadable(log) or f"{path}: not the log of a tool that is known here")
    return reader.read(log, Choices.of(filter, metric))


def check_readable(path: Path) -> None:
    """Raise ``RunError`` where ``path`` is a file or folder of another tool that holds no answers, by its name."""
    if why := why_unreadable(LogPath(path)):
        raise RunError(why)


def _reader_of(log: LogPath) -> Reader | None:
    return next((reader for reader in READERS if reader.recognises(log)), None)
