"""Releases: the board's tables frozen under a version, with checksums; written once and never again."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from harness.errors import CheckFailedError, RetentionError
from leaderboard.board import Board, board_json, board_tables
from leaderboard.documents import SUMS_FILE, read_sums, sums_bytes

_DAY = re.compile(r"\A20[0-9]{2}-[01][0-9]-[0-3][0-9]\Z", re.ASCII)
_VERSION = re.compile(r"\A[0-9A-Za-z][0-9A-Za-z.-]{0,31}\Z", re.ASCII)


def write_release(board: Board, version: str, releases: Path) -> Path:
    """Write ``board.json``, the tables as CSV and ``SHA256SUMS`` into ``releases/<version>/`` and return that folder.

    Raises ``CheckFailedError`` when the version is there already, and leaves nothing behind when writing fails.
    """
    if not _VERSION.match(version) or ".." in version:
        raise RetentionError(f"{version[:60]!r}: a version is letters, digits, dots and hyphens, such as 2026.1")
    folder, draft = releases / version, releases / f".{version}.partial"
    if folder.exists() or folder.is_symlink():
        raise CheckFailedError(f"{folder}: is released and never changes; choose another version")
    files = {"board.json": board_json(board).encode()}
    files |= {f"{table.name}.csv": table.to_csv().encode() for table in board_tables(board)}
    sums = sums_bytes({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        for name, data in [*files.items(), (SUMS_FILE, sums)]:
            (draft / name).write_bytes(data)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


@dataclass(frozen=True)
class Release:
    """A frozen board: its version, the sha256 of each of its files, and the date of its data (empty if not stated)."""

    version: str
    sums: dict[str, str]
    data_as_of: str = ""


def read_releases(folder: Path | None) -> tuple[Release, ...]:
    """The frozen boards below ``folder``, newest version first, from their lists of checksums."""
    if folder is None or not folder.is_dir():
        return ()
    newest_first = sorted(folder.glob(f"[!.]*/{SUMS_FILE}"), reverse=True)
    return tuple(Release(path.parent.name, read_sums(path), _data_as_of(path.parent)) for path in newest_first)


def _data_as_of(folder: Path) -> str:
    try:
        stated = json.loads((folder / "board.json").read_bytes())["data_as_of"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return stated if isinstance(stated, str) and _DAY.match(stated) else ""
