"""Sources: the published data sets that tasks ask from, read from the hub at one revision or from a data folder.

A task names its set once, as a :class:`Source`. Its rows come from the copy in the data folder (``--data-dir``,
``RETENTION_DATA``) where there is one, and from the Hugging Face hub otherwise. A copy that has other fields or another
file format than the hub's rows says how to read it (``copy``), so that everything above sees one shape and item ids are
the same either way: suites check them against their frozen digests.
"""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from harness.errors import RetentionError

Row = dict[str, Any]
DATA_VARIABLE = "RETENTION_DATA"
# Seconds in which the hub has to answer at all.
_PATIENCE = 10


class SourceError(RetentionError):
    """A data set that is neither in the data folder nor to be had from the hub, or whose copy cannot be read."""


@dataclass(frozen=True)
class Source:
    """One split of a data set: ``repo`` at ``revision`` (40 hex digits) on the hub, and ``folder`` in a data folder.

    ``copy`` turns that folder into rows with the hub's fields; without it every .jsonl, .json, .csv and .parquet file
    named in ``files`` is read as it is. ``gated`` sets need their terms accepted on the hub. ``constants`` are added to
    every row: what the hub says by the name of a configuration alone.
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
        """The rows in the order in which they are published; ``SourceError`` says what is missing and the way out."""
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
        """The folder of this set in the data folder, if both are there."""
        data = data_folder()
        return data / self.folder if data is not None and (data / self.folder).is_dir() else None

    def _read_files(self, folder: Path) -> Iterator[Row]:
        for name in self.files:
            yield from read_rows(folder / name)

    def _from_hub(self) -> Iterator[Row]:
        import datasets

        use_hub_or_cache()
        try:
            found = datasets.load_dataset(self.repo, self.config, split=self.split, revision=self.revision)
        except Exception as error:  # The hub's client raises many kinds, of several libraries.
            raise SourceError(f"data set {self.repo}: {self._way_out(error)}") from error
        return (self._marked(row) for row in found)

    def _marked(self, row: Row) -> Row:
        return {**row, **dict(self.constants)}

    def _way_out(self, error: Exception) -> str:
        data = data_folder()
        where = f"{data} has no folder {self.folder}" if data else "no data folder is set"
        gate = f"; accept its terms at huggingface.co/datasets/{self.repo} and log in with `hf auth login`"
        return (
            f"{where}, and the hub did not give it ({type(error).__name__}){gate if self.gated else ''}; "
            f"connect to the hub, or name a folder that holds {self.folder}/ with --data-dir or {DATA_VARIABLE}"
        )


@cache
def use_hub_or_cache() -> None:
    """Ask the hub one quick question; where it does not answer, its clients look into their cache alone from now on.

    Left to themselves they repeat each request for half a minute, a line of warning a time.
    """
    import datasets
    import httpx
    from huggingface_hub import constants

    if constants.is_offline_mode():
        return
    try:
        httpx.head(constants.ENDPOINT, timeout=_PATIENCE, follow_redirects=True)
    except httpx.HTTPError:
        constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True


def data_folder() -> Path | None:
    """The folder that ``RETENTION_DATA`` names, or None; ``SourceError`` when it names none."""
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise SourceError(f"{DATA_VARIABLE} or --data-dir {named}: no such folder")
    return folder


@lru_cache(maxsize=2)
def hub_file(repo: str, revision: str, archive: str, wanted: str) -> Path:
    """The file ``archive`` of data set ``repo`` at ``revision``; ``wanted`` is what stands for it in a data folder.

    Raises ``SourceError`` where neither the hub nor its cache has it.
    """
    import huggingface_hub

    use_hub_or_cache()
    try:
        return Path(huggingface_hub.hf_hub_download(repo, archive, repo_type="dataset", revision=revision))
    except Exception as error:  # The hub's client raises many kinds, of several libraries.
        folder = data_folder()
        raise SourceError(
            f"data set {repo}: {f'{folder} has no {wanted}' if folder else 'no data folder is set'}, and the hub did "
            f"not give {archive} ({type(error).__name__}); connect to the hub, or name a folder that holds {wanted} "
            f"with --data-dir or {DATA_VARIABLE}"
        ) from error


def test_split(documents: Iterable[Row]) -> dict[str, Any]:
    """Documents as what a task's ``custom_dataset`` returns: a ``datasets.Dataset`` named "test"."""
    from datasets import Dataset

    return {"test": Dataset.from_list(list(documents))}


def tidy(text: str) -> str:
    """``text`` with its white space as every copy of a set has it: no blanks at the ends of lines or of the whole.

    Indentation and single line breaks stay, since they carry meaning in code and tables.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def one_line(text: str) -> str:
    """``text`` on one line, with single blanks between its words."""
    return " ".join(text.split())


def read_rows(path: Path) -> Iterator[Row]:
    """Rows of a .jsonl, .json (a list), .csv or .parquet file."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        yield from pq.read_table(path).to_pylist()
    elif path.suffix == ".jsonl":
        with path.open(encoding="utf-8") as file:
            yield from (json.loads(line) for line in file if line.strip())
    elif path.suffix == ".json":
        yield from json.loads(path.read_text(encoding="utf-8"))
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)
    else:
        raise ValueError(f"{path.name}: unknown kind of file")
