"""Item cache: the documents of a task, kept between runs, so that a suite is loaded without drawing its pictures again.

Documents are kept under a digest of all they follow from: the data, the parameters, the code and the libraries. A
picture is kept as its digest alone, and drawn when it is shown. The cache is a convenience: what is damaged, or whose
item ids do not follow from its content, is made again. It lies in the folder ``RETENTION_CACHE``, by default
``retentionbench/items`` in the user's cache; ``RETENTION_CACHE=off`` does without.
"""

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.items import canonical_json, content_id, files_digest, image_digest

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

CACHE_VARIABLE = "RETENTION_CACHE"
_FORMAT = 1
# Files among the tasks that items are made by and of.
_READ = frozenset({".py", ".json", ".csv"})
_NOTE = b"note"
# Files in the cache; the oldest are dropped. A task of ten thousand items takes 1 to 3 MB.
_MOST = 400
# What may change a picture's pixels or a computed answer.
_LIBRARIES = ("numpy", "pillow", "scipy", "molmass", "sympy")
_CODE = ("items.py", "sources.py", "plugin.py", "item_cache.py", "answers", "pictures")


_WANTED: ContextVar[int | None] = ContextVar("_WANTED", default=None)
_USED: ContextVar[bool] = ContextVar("_USED", default=True)


@dataclass(frozen=True)
class Made:
    """A task's documents, and a note on how they were made, which is kept with them."""

    documents: "Dataset"
    note: str = ""


def cached(task: str, origin: Mapping[str, Any] | None, make: Callable[[], Made]) -> Made:
    """The documents of ``task`` as ``make`` makes them, from the cache if they were made from ``origin`` before.

    ``origin`` is all that they follow from besides code and libraries, as JSON; None if it is not known.
    """
    path = None if origin is None else _path(task, origin)
    kept = None if path is None else _read(path, task)
    if kept is None:
        kept = make()
        if path is not None:
            _write(path, task, kept)
    return Made(_first(kept.documents), kept.note)


@contextlib.contextmanager
def first_documents(count: int | None) -> Iterator[None]:
    """Within this context a task has its first ``count`` documents alone: to load few is quicker than to load all."""
    token = _WANTED.set(count)
    try:
        yield
    finally:
        _WANTED.reset(token)


@contextlib.contextmanager
def without_cache() -> Iterator[None]:
    """Within this context all documents are made anew, and none are kept."""
    token = _USED.set(False)
    try:
        yield
    finally:
        _USED.reset(token)


@cache
def code_digest(folder: Path) -> str | None:
    """sha256 over the Python files in ``folder`` and below it, and the texts and lists that they read; None if there
    are none to be read."""
    found = sorted(path for path in folder.rglob("*") if path.suffix in _READ and path.is_file())
    try:
        files = {path.relative_to(folder).as_posix(): _sha256(path.read_bytes()) for path in found}
    except OSError:
        return None
    return files_digest(files) if files else None


def _first(documents: "Dataset") -> "Dataset":
    wanted = _WANTED.get()
    return documents if wanted is None or wanted >= len(documents) else documents.select(range(wanted))


def _path(task: str, origin: Mapping[str, Any]) -> Path | None:
    folder = _folder()
    made_by = _made_by()
    if folder is None or made_by is None:
        return None
    key = {"format": _FORMAT, "task": task, "origin": origin, "by": made_by}
    return folder / f"{_sha256(canonical_json(key))}.arrow"


def _folder() -> Path | None:
    named = os.environ.get(CACHE_VARIABLE)
    if named == "off" or not _USED.get():
        return None
    if named:
        return Path(named).expanduser()
    root = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(root) if root else Path.home() / ".cache") / "retentionbench" / "items"
    except RuntimeError:  # no home directory
        return None


@cache
def _made_by() -> dict[str, str] | None:
    """The code and the libraries of this process; None if the code cannot be read."""
    here = Path(__file__).parent
    places = [here / name for name in _CODE]
    files = [path for place in places for path in (sorted(place.glob("*.py")) if place.is_dir() else [place])]
    try:
        code = files_digest({path.relative_to(here).as_posix(): _sha256(path.read_bytes()) for path in files})
    except OSError:
        return None
    return {"code": code, "python": f"{sys.version_info.major}.{sys.version_info.minor}", **_versions()}


def _versions() -> dict[str, str]:
    from PIL import features

    found = {"jpeg": f"{features.version('jpg')} {features.version_feature('libjpeg_turbo')}"}
    for name in _LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _read(path: Path, task: str) -> Made | None:
    """What is kept in ``path``; None if there is nothing, or nothing that can be relied on."""
    import pyarrow as pa
    from datasets import Dataset
    from datasets.table import InMemoryTable

    try:
        written, _, content = path.read_bytes().partition(b"\n")
        digest = written.decode()
        if digest != _sha256(content):
            return None
        table = pa.ipc.open_stream(content).read_all()
        table = table.slice(0, _WANTED.get())
        table.validate(full=True)
        if not _consistent(task, table):
            return None
        note = (table.schema.metadata or {}).get(_NOTE, b"").decode()
        # Without a fingerprint, datasets would compute one over the whole table.
        return Made(Dataset(InMemoryTable(table), fingerprint=f"{digest[:16]}n{len(table)}"), note)
    except Exception:  # a cache that cannot be read is made again, whatever is the matter with it
        return None


def _write(path: Path, task: str, made: Made) -> None:
    import pyarrow as pa

    table = made.documents.data.table
    if made.documents._indices is not None or not _consistent(task, table):
        return
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), _NOTE: made.note.encode()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    content = sink.getvalue().to_pybytes()
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(_sha256(content).encode() + b"\n" + content)
        partial.replace(path)
        _drop_oldest(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()


def _drop_oldest(folder: Path) -> None:
    files = sorted(folder.glob("*.arrow"), key=lambda path: path.stat().st_mtime)
    for path in files[:-_MOST]:
        path.unlink()


def _consistent(task: str, table: "pa.Table") -> bool:
    """Whether each document's item id follows from its content, as a suite's digest relies on."""
    if not {"item_id", "question", "answer"} <= set(table.column_names):
        return False
    wanted = [
        name for name in ("question", "answer", "options", "images", "image_digests") if name in table.schema.names
    ]
    rows = table.select(wanted).to_pylist()
    ids = table.column("item_id").to_pylist()
    return all(_id(task, row) == item_id for row, item_id in zip(rows, ids, strict=True))


def _id(task: str, row: Mapping[str, Any]) -> str:
    digests: Iterable[str] = row.get("image_digests") or map(image_digest, row.get("images") or ())
    return content_id(task, row["question"], row["answer"], row.get("options") or (), digests)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
