"""Sources: the published data sets behind tasks, read from the hub at a pinned revision or from a data folder.

A task names its data set once, as a :class:`Source`. Rows come from the copy in the data folder (``--data-dir``,
``RETENTION_DATA``) if there is one, and otherwise from the Hugging Face hub. Where a copy differs from the hub's rows
in fields or file format, ``copy`` says how to read it, so that rows and item ids are the same either way: suites check
them against their frozen digests.
"""

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from harness.errors import RetentionError
from harness.items import files_digest

Row = dict[str, Any]
DATA_VARIABLE = "RETENTION_DATA"
# Seconds to wait for the hub's first response.
_PATIENCE = 10


class SourceError(RetentionError):
    """A data set that is neither in the data folder nor available from the hub, or whose copy cannot be read."""


@dataclass(frozen=True)
class Source:
    """One split of a data set: ``repo`` at ``revision`` (40 hex digits) on the hub, and ``folder`` in a data folder.

    ``copy`` turns that folder into rows with the hub's fields; without it, the .jsonl, .json, .csv and .parquet files
    named in ``files`` are read as they are. For ``gated`` sets the terms must be accepted on the hub. ``constants`` are
    added to every row: facts that the hub states only in the name of a configuration.
    """

    repo: str
    revision: str | None
    split: str
    folder: str
    config: str | None = None
    files: tuple[str, ...] = ()
    copy: Callable[[Path], Iterable[Row]] | None = None
    gated: bool = False
    constants: tuple[tuple[str, str], ...] = ()

    def rows(self) -> Iterator[Row]:
        """The rows in their published order; ``SourceError`` says what is missing and how to get it."""
        copy = self.local_copy()
        if copy is None:
            return self._from_hub()
        try:
            return iter([self._marked(row) for row in (self.copy(copy) if self.copy else self._read_files(copy))])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SourceError(
                f"{copy}: not a readable copy of {self.repo} ({type(error).__name__}: {error})"
            ) from error

    def local_copy(self) -> Path | None:
        """The folder of this set in the data folder, if both exist."""
        data = data_folder()
        return data / self.folder if data is not None and (data / self.folder).is_dir() else None

    def is_here(self) -> bool:
        """Whether the rows can be had: from the data folder, the hub, or the hub's cache."""
        return self.local_copy() is not None or hub_has(self.repo, self.revision)

    def pinned(self) -> Any:
        """What fixes the rows, as JSON: the digest of the copy's files, or the hub's revision; None if nothing does."""
        copy = self.local_copy()
        named = {"repo": self.repo, "config": self.config, "split": self.split, "constants": self.constants}
        if copy is None:
            return named | {"revision": self.revision} if self.revision else None
        # A copy that is converted may be read from any file in it.
        paths = sorted(copy.rglob("*")) if self.copy else [copy / name for name in self.files]
        try:
            files = {str(path.relative_to(copy)): _file_sha256(path) for path in paths if not path.is_dir()}
        except OSError:  # reading the rows says what is the matter
            return None
        return named | {"files": files_digest(files)}

    def _read_files(self, folder: Path) -> Iterator[Row]:
        for name in self.files:
            yield from read_rows(folder / name)

    def _from_hub(self) -> Iterator[Row]:
        import datasets

        use_hub_or_cache()
        try:
            found = datasets.load_dataset(self.repo, self.config, split=self.split, revision=self.revision)
        except Exception as error:  # The hub's client raises many kinds, of several libraries.
            raise SourceError(f"data set {self.repo}: {self.way_out(error)}") from error
        return (self._marked(row) for row in found)

    def _marked(self, row: Row) -> Row:
        return {**row, **dict(self.constants)}

    def way_out(self, error: Exception) -> str:
        """What to do where the hub cannot be reached and the data folder has no copy."""
        data = data_folder()
        where = f"{data} has no folder {self.folder}" if data else "no data folder is set"
        gate = f"; accept its terms at huggingface.co/datasets/{self.repo} and log in with `hf auth login`"
        return (
            f"{where}, and it could not be loaded from the hub ({type(error).__name__}){gate if self.gated else ''}; "
            f"connect to the hub, or give a folder that contains {self.folder}/ with --data-dir or {DATA_VARIABLE}"
        )


@dataclass(frozen=True)
class LocalFile:
    """A file of rows that is on no hub: ``path`` in the data folder, known by its sha256 alone.

    ``origin`` says, for the error where it is missing, where it comes from; ``constants`` are added to every row.
    """

    path: str
    sha256: str
    origin: str
    constants: tuple[tuple[str, str], ...] = ()

    def rows(self) -> Iterator[Row]:
        """The rows in their order; ``SourceError`` where the file is missing or another one."""
        path = self._found()
        try:
            return iter([{**row, **dict(self.constants)} for row in read_rows(path)])
        except (OSError, ValueError, TypeError) as error:
            raise SourceError(f"{path}: cannot be read ({type(error).__name__}: {error})") from error

    def is_here(self) -> bool:
        """Whether the data folder has a file of this path."""
        folder = data_folder()
        return folder is not None and (folder / self.path).is_file()

    def pinned(self) -> Any:
        """What fixes the rows, as JSON; ``SourceError`` where the file is missing or another one."""
        self._found()
        return {"file": self.path, "sha256": self.sha256, "constants": self.constants}

    def _found(self) -> Path:
        folder = data_folder()
        if folder is None or not self.is_here():
            where = f"{folder} has no {self.path}" if folder else "no data folder is set"
            raise SourceError(
                f"{where}, and this file is on no hub: it comes from {self.origin}; give a folder that contains "
                f"{self.path} with --data-dir or {DATA_VARIABLE}"
            )
        path = folder / self.path
        if (digest := _file_sha256(path)) != self.sha256:
            raise SourceError(f"{path}: sha256 {digest[:12]}, but the task names {self.sha256[:12]}; restore the file")
        return path


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class PictureSource(Source):
    """A split of a data set with pictures in the columns ``pictures``, of which a row has the encoded bytes, or None.

    ``files`` are the parquet files of the split in the hub's repository, by name or pattern.

    Its rows come through ``datasets`` either way, from the hub or from a copy of the hub's repository in the data
    folder: ``hf download REPO --repo-type dataset --local-dir DATA/FOLDER``.
    """

    pictures: tuple[str, ...] = ("image",)

    def rows(self) -> Iterator[Row]:
        for row in self.table():
            yield self._marked({**row, **{name: _encoded(row.get(name)) for name in self.pictures}})

    def local_copy(self) -> Path | None:
        """The folder of this set in the data folder, if it has the hub's parquet files."""
        folder = super().local_copy()
        found = folder is not None and any(any(folder.glob(name)) for name in self.files)
        return folder if found else None

    def pinned(self) -> Any:
        """What fixes the rows, as JSON: the state of the copy's files, which are too large to be read again, or the
        hub's revision."""
        copy = self.local_copy()
        named = {"repo": self.repo, "config": self.config, "split": self.split, "pictures": self.pictures}
        if copy is None:
            return named | {"revision": self.revision} if self.revision else None
        return named | {"files": self.files, "copy": _stamp(copy)}

    def table(self) -> Any:
        """The split as a ``datasets.Dataset`` that does not decode its pictures, as its files are now."""
        folder = self.local_copy()
        table = _table(self, folder, "" if folder is None else _stamp(folder))
        _opened[self] = (data_folder(), table)
        return table

    def picture(self, row: int, column: str) -> bytes:
        """The encoded picture in ``column`` of a row of the :meth:`table` that was opened last."""
        where, table = _opened.get(self, (None, None))
        table = self.table() if table is None or where != data_folder() else table
        found = _encoded(table[row][column])
        if found is None:
            raise SourceError(f"{self.repo}: row {row} of {self.split} has no picture in column {column}")
        return found


# Looking for changed files takes longer than reading a picture.
_opened: dict[PictureSource, tuple[Path | None, Any]] = {}


def _stamp(folder: Path) -> str:
    """What tells a copy from another one, and from itself after a change: paths, sizes and times of its files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in (".parquet", ".md"))
    facts = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


@lru_cache(maxsize=64)
def _table(source: PictureSource, folder: Path | None, stamp: str) -> Any:
    import datasets

    if folder is None:
        use_hub_or_cache()
    try:
        # Without the checks it loads the named files alone, and not all splits of a set to take one of them.
        only: dict[str, Any] = {"split": source.split, "data_files": {source.split: list(source.files)}}
        only["verification_mode"] = "no_checks"
        if folder is None:
            table = datasets.load_dataset(source.repo, revision=source.revision, **only)
        else:
            # Its own cache takes two folders of one name for the same set, whatever is in them.
            cache = Path(datasets.config.HF_DATASETS_CACHE) / f"copy-{stamp}"
            table = datasets.load_dataset(str(folder), cache_dir=str(cache), **only)
        for name in source.pictures:
            table = table.cast_column(name, datasets.Image(decode=False))
    except Exception as error:  # The hub's client raises many kinds, of several libraries.
        if folder is None:
            raise SourceError(f"data set {source.repo}: {source.way_out(error)}") from error
        brief = " ".join(str(error).split())[:200]
        raise SourceError(
            f"{folder}: not a readable copy of {source.repo}, split {source.split} ({type(error).__name__}: {brief}); "
            f"get one by `hf download {source.repo} --repo-type dataset --local-dir {folder}`"
        ) from error
    return table


def _encoded(value: Any) -> bytes | None:
    if value is None:
        return None
    found: bytes | None = value["bytes"]
    return Path(value["path"]).read_bytes() if found is None else found


def use_hub_or_cache() -> None:
    """Where the hub cannot be reached, its clients use only their cache from now on; it is asked once.

    Otherwise they would retry each request for half a minute, with a warning each time.
    """
    import datasets
    from huggingface_hub import constants

    if not constants.is_offline_mode() and not _hub_answers(constants.ENDPOINT):
        constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True


@cache
def _hub_answers(endpoint: str) -> bool:
    import httpx

    try:
        httpx.head(endpoint, timeout=_PATIENCE, follow_redirects=True)
    except httpx.HTTPError:
        return False
    return True


def hub_has(repo: str, revision: str | None) -> bool:
    """Whether a data set can be had without a data folder: the hub can be reached, or its cache has the revision."""
    import huggingface_hub
    from huggingface_hub import constants

    use_hub_or_cache()
    if not constants.is_offline_mode():
        return True
    try:
        huggingface_hub.snapshot_download(repo, repo_type="dataset", revision=revision, local_files_only=True)
    except Exception:  # The hub's client raises many kinds, and each says that it is not there.
        return False
    return True


def data_folder() -> Path | None:
    """The folder that ``RETENTION_DATA`` names, or None if unset; ``SourceError`` if it does not exist."""
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise SourceError(f"{DATA_VARIABLE} or --data-dir {named}: no such folder")
    return folder


@lru_cache(maxsize=2)
def hub_file(repo: str, revision: str, archive: str, wanted: str) -> Path:
    """The file ``archive`` of data set ``repo`` at ``revision``; ``wanted`` is its counterpart in a data folder.

    Raises ``SourceError`` where neither the hub nor its cache has it.
    """
    import huggingface_hub

    use_hub_or_cache()
    try:
        return Path(huggingface_hub.hf_hub_download(repo, archive, repo_type="dataset", revision=revision))
    except Exception as error:  # The hub's client raises many kinds, of several libraries.
        folder = data_folder()
        raise SourceError(
            f"data set {repo}: {f'{folder} has no {wanted}' if folder else 'no data folder is set'}, and {archive} "
            f"could not be loaded from the hub ({type(error).__name__}); connect to the hub, or give a folder that "
            f"contains {wanted} with --data-dir or {DATA_VARIABLE}"
        ) from error


def test_split(documents: Iterable[Row]) -> dict[str, Any]:
    """Documents in the form that a task's ``custom_dataset`` returns: a ``datasets.Dataset`` named "test"."""
    from datasets import Dataset

    return {"test": Dataset.from_list(list(documents))}


def tidy(text: str) -> str:
    """``text`` with white space normalised, since copies of a set differ in it: none at the ends of lines or the text.

    Indentation and line breaks stay, since they carry meaning in code and tables.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def one_line(text: str) -> str:
    """``text`` on one line, with single spaces between its words."""
    return " ".join(text.split())


def read_rows(path: Path) -> Iterator[Row]:
    """Rows of a .jsonl, .json (a list, or an object of rows), .csv or .parquet file."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        yield from pq.read_table(path).to_pylist()
    elif path.suffix == ".jsonl":
        with path.open(encoding="utf-8") as file:
            yield from (json.loads(line) for line in file if line.strip())
    elif path.suffix == ".json":
        content = json.loads(path.read_text(encoding="utf-8"))
        yield from content.values() if isinstance(content, dict) else content
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)
    else:
        raise ValueError(f"{path.name}: unknown file type")
