"""Question files: what the items of a suite ask, for pages that show questions and must not load a task.

``SUITE.parquet`` has a row an item (:class:`AskedItem`); ``SUITE.pictures.parquet`` beside it has the pictures by the
sha256 of their bytes, and may be missing. Tasks whose questions may not be published have no rows, and are named with
their licence. An item's id covers all that its row says, and is held against it when the file is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from harness.errors import RetentionError, first_problem
from harness.items import content_id
from harness.records.samples import Digest
from harness.records.strict import StrictModel

_KEY = b"retentionbench_questions"
_VERSION = 1
_ITEMS = pa.schema([
    ("item_id", pa.string()),
    ("task", pa.string()),
    ("question", pa.string()),
    ("options", pa.list_(pa.string())),
    ("gold", pa.string()),
    ("images", pa.list_(pa.string())),
    ("pictures", pa.list_(pa.string())),
])  # fmt: skip
_PICTURES = pa.schema([("sha256", pa.string()), ("data", pa.binary())])


class QuestionFileError(RetentionError):
    """A question file that cannot be read, or does not say what its items' ids cover."""


class AskedItem(StrictModel):
    """What one item asks: its text, its ``options`` (none where an answer is free) and its ``gold`` answer.

    ``images`` are the sha256 of the image files as the model gets them, ``pictures`` those of the copies that a page
    shows.
    """

    item_id: Digest
    task: str
    question: str
    options: tuple[str, ...] = ()
    gold: str
    images: tuple[Digest, ...] = ()
    pictures: tuple[Digest, ...] = ()


class TaskTerms(StrictModel):
    """Under which ``licence`` the questions of a task are, from which published ``sources`` they come (none where they
    are generated), and whether they are ``published``."""

    licence: str | None
    sources: tuple[str, ...] = ()
    published: bool


class QuestionFile(StrictModel):
    """The questions of one suite: its id and digest, the terms of each task, and the items of those published."""

    suite: str
    digest: Digest
    tasks: dict[str, TaskTerms]
    items: tuple[AskedItem, ...] = ()


def pictures_path(path: Path) -> Path:
    """Where the pictures of a question file lie."""
    return path.with_suffix(".pictures.parquet")


def write_question_file(path: Path, content: QuestionFile, pictures: Mapping[str, bytes]) -> None:
    """Write a question file and its pictures (bytes by their sha256); the same content gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = {"version": _VERSION, **content.model_dump(mode="json", exclude={"items"})}
    schema = _ITEMS.with_metadata({_KEY: json.dumps(head, sort_keys=True).encode()})
    rows = [item.model_dump(mode="json") for item in content.items]
    # Ids do not compress, texts do.
    _write(path, pa.Table.from_pylist(rows, schema=schema), "zstd")
    if pictures:
        encoded = [{"sha256": name, "data": data} for name, data in sorted(pictures.items())]
        _write(pictures_path(path), pa.Table.from_pylist(encoded, schema=_PICTURES), "none")
    else:
        pictures_path(path).unlink(missing_ok=True)


def _write(path: Path, table: pa.Table, compression: str) -> None:
    partial = path.with_name(f"{path.name}.partial")
    pq.write_table(table, partial, compression=compression, write_statistics=False, use_dictionary=False)
    partial.replace(path)


def read_question_file(path: Path) -> QuestionFile:
    """Read a question file; ``QuestionFileError`` where an item is not what its id covers."""
    try:
        table = pq.read_table(path)
        head: dict[str, Any] = json.loads((table.schema.metadata or {})[_KEY])
        if head.pop("version", None) != _VERSION:
            raise QuestionFileError(f"{path}: of another version than {_VERSION}{_AGAIN}")
        content = QuestionFile.model_validate_json(json.dumps({**head, "items": table.to_pylist()}))
    except ValidationError as error:
        raise QuestionFileError(f"{path}: {first_problem(error)}{_AGAIN}") from error
    except (OSError, KeyError, ValueError, TypeError, AttributeError, pa.ArrowException) as error:
        raise QuestionFileError(f"{path}: not a question file ({type(error).__name__}){_AGAIN}") from error
    for item in content.items:
        check_asked(item, f"{path}")
        if not content.tasks.get(item.task, _UNKNOWN).published:
            raise QuestionFileError(f"{path}: item {item.item_id[:12]} is of task {item.task}, not published by it")
    return content


_AGAIN = "; write it again with `retention maintain questions SUITE`"
_UNKNOWN = TaskTerms(licence=None, published=False)


def check_asked(item: AskedItem, where: str) -> None:
    """Raise ``QuestionFileError`` unless the item's id is that of its text, options, gold answer and images."""
    if content_id(item.task, item.question, item.gold, item.options, item.images) != item.item_id:
        raise QuestionFileError(
            f"{where}: item {item.item_id[:12]} of task {item.task}: its id does not cover this question{_AGAIN}"
        )
    if len(item.pictures) != len(item.images):
        raise QuestionFileError(
            f"{where}: item {item.item_id[:12]} of task {item.task}: {len(item.images)} images, but "
            f"{len(item.pictures)} pictures{_AGAIN}"
        )


def read_pictures(path: Path) -> dict[str, bytes]:
    """The pictures of the question file ``path`` by their sha256, each held against it; none where there are none."""
    file = pictures_path(path)
    if not file.is_file():
        return {}
    try:
        table = pq.read_table(file, schema=_PICTURES)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise QuestionFileError(f"{file}: not a file of pictures ({type(error).__name__}){_AGAIN}") from error
    return dict(_checked(zip(table["sha256"].to_pylist(), table["data"].to_pylist(), strict=True), file))


def _checked(pictures: Iterable[tuple[str, bytes]], file: Path) -> Iterable[tuple[str, bytes]]:
    for name, data in pictures:
        if data is None or hashlib.sha256(data).hexdigest() != name:
            raise QuestionFileError(f"{file}: picture {str(name)[:12]} has other bytes than its name says{_AGAIN}")
        yield name, data
