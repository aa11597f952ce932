"""Data schemas: an independent validator takes the documents by them, and refuses what is not one."""

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow.parquet as pq
import pytest

from leaderboard.board.board import Board, load_board
from leaderboard.board.data_schemas import published_schemas
from leaderboard.board.json_documents import board_json, entry_json
from leaderboard.board.tables import board_tables
from tests.support.synthetic_board import rich_board


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made, events = rich_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases, events)


@pytest.fixture(scope="module")
def schemas(board: Board) -> dict[str, Any]:
    return {name: json.loads(text) for name, text in published_schemas(board_tables(board)).items()}


def judge(schema: dict[str, Any]) -> Any:
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_every_schema_is_one(schemas: dict[str, Any]) -> None:
    assert {Path(name).parent.name for name in schemas} == {"schemas"}
    for schema in schemas.values():
        judge(schema)


def test_the_board_is_as_its_schema_says(board: Board, schemas: dict[str, Any]) -> None:
    document, rules = json.loads(board_json(board)), judge(schemas["schemas/board.json"])
    rules.validate(document)
    entry = document["tracks"][0]["entries"][0]
    for wrong in ({"rank": [1]}, {"evidence": "trusted"}, {"scorecard": {}}, {"run_date": "today"}, {"more": 1}):
        changed = json.loads(json.dumps(document))
        changed["tracks"][0]["entries"][0] = {**entry, **wrong}
        assert not rules.is_valid(changed)
    assert not rules.is_valid({**document, "schema": "retentionbench-board-1"})


def test_every_entry_is_as_its_schema_says(board: Board, schemas: dict[str, Any]) -> None:
    rules = judge(schemas["schemas/entry.json"])
    for track in board.tracks:
        for row in track.rows:
            rules.validate(json.loads(entry_json(track, row)))
    entry = json.loads(entry_json(board.tracks[0], board.tracks[0].rows[0]))
    assert not rules.is_valid({**entry, "events": [{"kind": "submitted"}]})


def test_every_line_of_every_table_is_as_its_schema_says(board: Board, schemas: dict[str, Any]) -> None:
    for table in board_tables(board):
        rules = judge(schemas[f"schemas/{table.name}.columns.json"])
        for line in pq.read_table(io.BytesIO(table.to_parquet())).to_pylist():
            rules.validate(line)
