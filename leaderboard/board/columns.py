"""Columns: one definition of each, from which CSV, Parquet, JSON Schema, Table Schema and the data dictionary print.

Numbers are unrounded. The unit ``share`` is that of the scorecard: 1 is 100 % of a rate and 100 points of a change.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Generic, Literal, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from harness.scoring import METRICS
from leaderboard.documents import clean, spreadsheet_cell

Kind = Literal["string", "integer", "number", "date"]
Value = str | int | float | None
_Record = TypeVar("_Record")

_ARROW: Mapping[Kind, pa.DataType] = {
    "string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "date": pa.string()
}  # fmt: skip
# A range as definitions of metrics write it, where it has numbers for both ends or for one.
_BETWEEN = re.compile(r"(?P<low>-?[0-9]+) (?:to (?P<high>-?[0-9]+)|or more)\Z")
_UP_TO = re.compile(r"up to (?P<high>-?[0-9]+)\Z")
_DAY = "^20[0-9]{2}-[01][0-9]-[0-3][0-9]$"


@dataclass(frozen=True, kw_only=True)
class Column(Generic[_Record]):
    """One column: what it holds, and how it is read from a record (``of``; None is an absent value).

    ``low`` and ``high`` are the ends of its range, ``values`` all texts that it may hold; ``metric`` is the name of the
    definition (:data:`harness.scoring.METRICS`) of the number in it. ``required`` columns have no absent value.
    """

    name: str
    kind: Kind
    sentence: str
    of: Callable[[_Record], Value]
    unit: str = ""
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    metric: str = ""
    required: bool = False

    @property
    def range(self) -> str:
        """The range in words, empty where there is none."""
        if self.values:
            return ", ".join(self.values)
        if self.low is None and self.high is None:
            return ""
        if self.low is None:
            return f"up to {self.high:g}"
        return f"{self.low:g} or more" if self.high is None else f"{self.low:g} to {self.high:g}"

    @property
    def definition(self) -> str:
        """The place of the metric's definition on the page of metrics, empty where the column holds none."""
        return METRICS[self.metric].anchor if self.metric else ""

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of a value."""
        kind = "string" if self.kind == "date" else self.kind
        rule: dict[str, Any] = {"type": kind if self.required else [kind, "null"], "description": self.described}
        if self.values:
            rule["enum"] = [*self.values, *([] if self.required else [None])]
        if self.kind == "date":
            rule["pattern"] = _DAY
        rule |= {name: end for name, end in (("minimum", self.low), ("maximum", self.high)) if end is not None}
        return rule

    def field(self) -> dict[str, Any]:
        """The field descriptor of Frictionless Table Schema; ``unit`` and ``metric`` are properties of our own."""
        limits: dict[str, Any] = {"required": True} if self.required else {}
        if self.values:
            limits["enum"] = list(self.values)
        limits |= {name: end for name, end in (("minimum", self.low), ("maximum", self.high)) if end is not None}
        facts = {"unit": self.unit, "metric": self.metric, "constraints": limits}
        return {"name": self.name, "type": self.kind, "description": self.sentence} | {
            name: fact for name, fact in facts.items() if fact
        }

    @property
    def described(self) -> str:
        return f"{self.sentence} Unit: {self.unit}." if self.unit else self.sentence


def measured(
    name: str, metric: str, of: Callable[[_Record], Value], sentence: str = "", *, unit: str = "share"
) -> Column[_Record]:
    """A column of a metric: its sentence and its range are those of the definition."""
    defined = METRICS[metric]
    low, high = _ends(defined.range)
    kind: Kind = "integer" if defined.unit == "count" else "number"
    return Column(name=name, kind=kind, sentence=sentence or defined.sentence, of=of, unit=unit, low=low, high=high,
                  metric=metric)  # fmt: skip


def _ends(words: str) -> tuple[float | None, float | None]:
    if (found := _BETWEEN.match(words)) is not None:
        return float(found["low"]), None if found["high"] is None else float(found["high"])
    if (found := _UP_TO.match(words)) is not None:
        return None, float(found["high"])
    return None, None


@dataclass(frozen=True)
class Table(Generic[_Record]):
    """A table: what a line of it is, the columns that name it (``key``), and its records in their order."""

    name: str
    sentence: str
    key: tuple[str, ...]
    columns: tuple[Column[_Record], ...]
    records: tuple[_Record, ...]
    schema: str

    @property
    def shown_columns(self) -> tuple[Column[_Record], ...]:
        """Its columns for a reader: of those that each task has, the ones of the first task alone."""
        first = next((column.name.split(":")[1] for column in self.columns if column.name.startswith("task:")), "")
        return tuple(
            column
            for column in self.columns
            if not column.name.startswith("task:") or column.name.startswith(f"task:{first}:")
        )

    @cached_property
    def values(self) -> tuple[tuple[Value, ...], ...]:
        """The values of each column, one a record, as they were read."""
        return tuple(tuple(column.of(record) for record in self.records) for column in self.columns)

    def to_csv(self) -> str:
        """The table as CSV (RFC 4180 with line feeds); no cell that a spreadsheet would run."""
        sheet = io.StringIO()
        writer = csv.writer(sheet, lineterminator="\n")
        writer.writerow([spreadsheet_cell(column.name) for column in self.columns])
        # A board says the same few words many times over.
        written = cache(spreadsheet_cell)
        cells = (
            [written(value) if isinstance(value, str) else spreadsheet_cell(value) for value in values]
            for values in self.values
        )
        writer.writerows(zip(*cells, strict=True))
        return sheet.getvalue()

    def to_parquet(self) -> bytes:
        """The table with typed columns; each has its unit, metric and sentence as metadata."""
        fields = [
            pa.field(column.name, _ARROW[column.kind], nullable=not column.required, metadata=_metadata(column))
            for column in self.columns
        ]
        shown = cache(clean)
        values = ([shown(value) if isinstance(value, str) else value for value in each] for each in self.values)
        arrays = [pa.array(each, type=field.type) for each, field in zip(values, fields, strict=True)]
        about = {"schema": self.schema, "table": self.name, "sentence": self.sentence}
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=about)), sink, compression="zstd")
        return sink.getvalue()

    def json_schema(self) -> str:
        """The JSON Schema of a line as an object by column name, as ``to_dict("records")`` and ``to_pylist()`` give
        it."""
        rules = {column.name: column.json_schema() for column in self.columns}
        document = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"A line of {self.name}.csv and {self.name}.parquet",
            "description": self.sentence,
            "type": "object",
            "properties": rules,
            "required": list(rules),
            "additionalProperties": False,
        }
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _metadata(column: Column[Any]) -> dict[str, str]:
    facts = {"unit": column.unit, "metric": column.metric, "description": column.sentence, "range": column.range}
    return {name: fact for name, fact in facts.items() if fact}
