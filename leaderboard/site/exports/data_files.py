"""Data files: the board as tables and documents, with what a reader must know of each file.

``datapackage.json`` (Frictionless Data Package 2.0, datapackage.org) describes them to programs, and the site's page
``data.html`` to people.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness import __version__
from leaderboard.board import Board, Table, board_json, board_tables, published_schemas

_PROFILES = "https://datapackage.org/profiles/2.0"
_LICENCE = {"name": "Apache-2.0", "path": "https://www.apache.org/licenses/LICENSE-2.0", "title": "Apache License 2.0"}


@dataclass(frozen=True)
class DataFile:
    """One file: its path on the site, its content, what it is, its JSON Schema, and its lines if it is a table."""

    name: str
    data: bytes
    media_type: str
    sentence: str
    schema: str = ""
    table: Table[Any] | None = None

    @property
    def rows(self) -> int | None:
        return None if self.table is None else len(self.table.records)


@dataclass(frozen=True)
class PublishedData:
    """All data files of a site, and the tables that some of them hold."""

    files: tuple[DataFile, ...]
    tables: tuple[Table[Any], ...]

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Path and content of each file."""
        return ((file.name, file.data) for file in self.files)

    def pairs(self) -> tuple[tuple[Table[Any], DataFile, DataFile], ...]:
        """Each table with its CSV and its Parquet file."""
        return tuple((file.table, file, other) for file, other in pairwise(self.files) if file.table is other.table
                     if file.table is not None)  # fmt: skip

    def documents(self) -> tuple[DataFile, ...]:
        """The documents beside the tables."""
        return tuple(file for file in self.files if file.table is None and file.sentence)

    def schemas(self) -> tuple[DataFile, ...]:
        """The JSON Schemas."""
        return tuple(file for file in self.files if not file.sentence)


def published_data(board: Board, site: str | None) -> PublishedData:
    """Tables as CSV and Parquet, ``board.json``, their schemas, and ``datapackage.json`` over them."""
    tables = board_tables(board)
    schemas = published_schemas(tables)
    files = [file for table in tables for file in _of_table(table)]
    files.append(
        DataFile("board.json", board_json(board).encode(), "application/json",
                 "Everything: tracks, recipes, and entries with whole scorecards.", "schemas/board.json")
    )  # fmt: skip
    package = _package(files, board, site)
    files.append(
        DataFile("datapackage.json", package.encode(), "application/json",
                 "Files, columns, types and units for programs: a Frictionless Data Package.")
    )  # fmt: skip
    files += [DataFile(name, text.encode(), "application/schema+json", "") for name, text in schemas.items()]
    return PublishedData(tuple(files), tables)


def _of_table(table: Table[Any]) -> Iterator[DataFile]:
    schema = f"schemas/{table.name}.columns.json"
    yield DataFile(f"{table.name}.csv", table.to_csv().encode(), "text/csv", table.sentence, schema, table)
    yield DataFile(f"{table.name}.parquet", table.to_parquet(), "application/vnd.apache.parquet",
                   f"{table.sentence} Columns have types, and their units as metadata.", schema, table)  # fmt: skip


def _package(files: Sequence[DataFile], board: Board, site: str | None) -> str:
    document: dict[str, Any] = {
        "$schema": f"{_PROFILES}/datapackage.json",
        "name": "retentionbench-board",
        "title": "RetentionBench: learning gain and forgetting of fine-tuned models",
        "description": "What fine-tuning taught a model and what it made it forget. Rates and changes are shares: 1 is "
        "100 % of a rate and 100 points of a change.",
        "version": __version__,
        "licenses": [_LICENCE],
        "contributors": [{"title": "The RetentionBench authors"}],
        "keywords": ["fine-tuning", "forgetting", "benchmark", "language models"],
        "resources": [_resource(file) for file in files],
    }
    if site is not None:
        document["homepage"] = site
    if board.data_as_of:
        document["created"] = f"{board.data_as_of}T00:00:00Z"
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _resource(file: DataFile) -> dict[str, Any]:
    stem, _, suffix = file.name.rpartition(".")
    resource: dict[str, Any] = {
        "$schema": f"{_PROFILES}/dataresource.json",
        "name": stem if suffix == "csv" else f"{stem}-{suffix}",
        "path": file.name,
        "description": file.sentence,
        "format": suffix,
        "mediatype": file.media_type,
        "bytes": len(file.data),
        "hash": f"sha256:{hashlib.sha256(file.data).hexdigest()}",
    }
    if file.table is not None:
        resource |= {"type": "table", "schema": _table_schema(file.table)}
    if suffix == "csv":
        resource |= {"encoding": "utf-8", "dialect": {"lineTerminator": "\n"}}
    return resource


def _table_schema(table: Table[Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "$schema": f"{_PROFILES}/tableschema.json",
        "fields": [column.field() for column in table.columns],
        "primaryKey": list(table.key),
    }
    if table.name == "tasks":
        schema["foreignKeys"] = [
            {"fields": ["entry_id"], "reference": {"resource": "board", "fields": ["entry_id"]}},
        ]
    return schema
