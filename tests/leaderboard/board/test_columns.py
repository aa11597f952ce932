"""Columns: one definition gives the CSV, the Parquet file with its units, the JSON Schema and the field descriptor."""

import csv
import io
import json

import jsonschema
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scoring import METRICS
from leaderboard.board.columns import Column, Table, Value, measured

Record = dict[str, Value]
COLUMNS: tuple[Column[Record], ...] = (
    Column(name="name", kind="string", sentence="Its name.", of=lambda r: r["name"], required=True),
    Column(name="day", kind="date", sentence="Its day.", of=lambda r: r["day"]),
    Column(name="steps", kind="integer", sentence="Its steps.", of=lambda r: r["steps"], unit="steps", low=0.0),
    measured("gain_share", "gain", lambda r: r["gain"]),
    Column(name="verdict", kind="string", sentence="Its verdict.", of=lambda r: r["word"], values=("forgot", "kept")),
)
RECORDS: tuple[Record, ...] = (
    {"name": "one", "day": "2026-11-29", "steps": 3, "gain": -0.123456789012, "word": "forgot"},
    {"name": "=cmd|'/c calc'!A1", "day": None, "steps": None, "gain": None, "word": None},
)


def table(records: tuple[Record, ...] = RECORDS) -> Table[Record]:
    return Table("things", "A line is a thing.", ("name",), COLUMNS, records, "things-1")


def test_a_column_of_a_metric_has_its_sentence_and_range() -> None:
    gain = COLUMNS[3]
    assert (gain.sentence, gain.low, gain.high) == (METRICS["gain"].sentence, -1.0, 1.0)
    assert (gain.range, gain.definition) == ("-1 to 1", METRICS["gain"].anchor)


@pytest.mark.parametrize(
    ("metric", "ends"),
    [("n", (1.0, None)), ("normalised_gain", (None, 1.0)), ("retention", (None, None)), ("n10", (None, None))],
)
def test_a_range_in_words_is_taken_as_far_as_it_has_numbers(metric: str, ends: tuple[float | None, ...]) -> None:
    column: Column[Record] = measured("x", metric, lambda r: None)
    assert (column.low, column.high) == ends


def test_csv_is_unrounded_has_empty_cells_for_absent_values_and_no_formula() -> None:
    head, first, second = csv.reader(io.StringIO(table().to_csv()))
    assert head == ["name", "day", "steps", "gain_share", "verdict"]
    assert first == ["one", "2026-11-29", "3", "-0.123456789012", "forgot"]
    assert second == ["'=cmd|'/c calc'!A1", "", "", "", ""]


def test_parquet_has_types_nulls_and_each_columns_unit() -> None:
    read = pq.read_table(io.BytesIO(table().to_parquet()))
    assert read.column("gain_share").to_pylist() == [-0.123456789012, None]
    assert str(read.schema.field("steps").type) == "int64"
    field = read.schema.field("gain_share")
    assert field.metadata[b"unit"] == b"share"
    assert field.metadata[b"metric"] == b"gain"
    assert read.schema.metadata[b"schema"] == b"things-1"
    assert not read.schema.field("name").nullable
    assert table().to_parquet() == table().to_parquet()


def test_the_schema_takes_the_lines_and_refuses_others() -> None:
    judge = jsonschema.Draft202012Validator(json.loads(table().json_schema()))
    lines = pq.read_table(io.BytesIO(table().to_parquet())).to_pylist()
    for line in lines:
        judge.validate(line)
    for wrong in ({"gain_share": 79.75}, {"verdict": "lost"}, {"name": None}, {"steps": -1}, {"day": "today"}):
        assert not judge.is_valid({**lines[0], **wrong})


def test_a_field_descriptor_says_type_unit_and_limits() -> None:
    assert COLUMNS[2].field() == {
        "name": "steps", "type": "integer", "description": "Its steps.", "unit": "steps", "constraints": {"minimum": 0},
    }  # fmt: skip


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5), st.floats(-1, 1))
def test_whatever_texts_there_are_csv_and_parquet_have_the_same_lines(names: list[str], gain: float) -> None:
    made = table(tuple({"name": name, "day": None, "steps": 0, "gain": gain, "word": None} for name in names))
    sheet = pd.read_csv(io.StringIO(made.to_csv()), keep_default_na=False)
    stored = pq.read_table(io.BytesIO(made.to_parquet())).to_pandas()
    assert len(sheet) == len(stored) == len(names)
    assert list(sheet.gain_share) == list(stored.gain_share) == [gain] * len(names)
