"""A path that may be a log: what is known of it before it is read, each fact looked up once and within bounds."""

import hashlib
import json
import zipfile
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.records.samples import RunError, brief, file_sha256
from harness.records.tables import check_size, json_lines

# A JSON document is parsed as a whole, and takes several times its size in memory.
MAX_DOCUMENT = 1024**3
# What an archive (.eval, .xlsx) may expand to, and how many files it may hold.
MAX_EXPANDED = 4 * 1024**3
MAX_MEMBERS = 5_000_000
_HEAD = 4096


class LogPath:
    """A file or folder that someone named; nothing of it is trusted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def is_folder(self) -> bool:
        return self.path.is_dir()

    @property
    def suffix(self) -> str:
        return self.path.suffix.lower()

    @cached_property
    def head(self) -> bytes:
        """The first bytes of a file; empty for a folder and where there is nothing."""
        if not self.path.is_file():
            return b""
        with self.path.open("rb") as file:
            return file.read(_HEAD)

    @cached_property
    def first_row(self) -> dict[str, Any]:
        """The first object of a JSON lines file; empty where there is none."""
        if self.suffix not in (".jsonl", ".ndjson") or not self.path.is_file():
            return {}
        try:
            return next(iter(json_lines(self.path)), {})
        except RunError:
            return {}

    @cached_property
    def document(self) -> Any:
        """The content of a ``.json`` file; None where it is no such file, too large or not JSON."""
        if self.suffix != ".json" or not self.path.is_file() or self.path.stat().st_size > MAX_DOCUMENT:
            return None
        try:
            return json.loads(self.path.read_bytes())
        except (ValueError, RecursionError):
            return None

    @property
    def fields(self) -> set[str]:
        """The names at the top of a JSON document that is an object."""
        return set(self.document) if isinstance(self.document, dict) else set()

    @cached_property
    def columns(self) -> list[str]:
        """The columns of a parquet file; empty for anything else."""
        if not self.head.startswith(b"PAR1"):
            return []
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return [str(name) for name in pq.read_schema(self.path).names]
        except (OSError, ValueError, pa.ArrowException):
            return []


def read_document(path: Path) -> Any:
    """The JSON document in ``path``; ``RunError`` where it is too large or broken."""
    check_size(path)
    if (size := path.stat().st_size) > MAX_DOCUMENT:
        raise RunError(f"{path}: {size:,} bytes is more than the {MAX_DOCUMENT:,} that a JSON document may have")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path}: broken JSON ({brief(error)[:80]}); is the file complete?") from error


def check_archive(path: Path, most: int = MAX_EXPANDED) -> None:
    """Raise ``RunError`` where an archive is broken, or says that it expands to more than ``most`` bytes."""
    check_size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        raise RunError(f"{path}: a broken {path.suffix} file ({brief(error)[:80]}); is it complete?") from error
    if len(members) > MAX_MEMBERS or (size := sum(member.file_size for member in members)) > most:
        held = f"{len(members):,} parts" if len(members) > MAX_MEMBERS else f"{size:,} bytes when it is expanded"
        raise RunError(f"{path}: {held} is more than such a log may have ({most:,} bytes)")


def files_below(folder: Path, pattern: str, what: str) -> list[Path]:
    """The files of ``pattern`` in ``folder``, or else in the only folder below it that has some (a model's)."""
    if direct := sorted(folder.glob(pattern)):
        return direct
    below = {child: sorted(child.glob(pattern)) for child in sorted(folder.iterdir()) if child.is_dir()}
    holding = {child: files for child, files in below.items() if files}
    if len(holding) > 1:
        names = ", ".join(ascii(child.name)[1:-1] for child in list(holding)[:4])
        raise RunError(f"{folder}: {what} of {len(holding)} models ({names}); name the folder of one")
    return next(iter(holding.values()), [])


def has_below(folder: Path, pattern: str) -> bool:
    """Whether ``folder``, or a folder in it, has a file of ``pattern``."""
    return any(folder.glob(pattern)) or any(folder.glob(f"*/{pattern}"))


def files_sha256(files: Iterable[Path]) -> str:
    """sha256 hex over the sha256 of each file, in their order."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(bytes.fromhex(file_sha256(file)))
    return digest.hexdigest()
