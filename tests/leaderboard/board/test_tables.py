"""Tables: entries, tasks and recipes with the numbers of the scorecards, and every column defined."""

import io
import re
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from harness.scoring import METRICS
from leaderboard.board.board import Board, load_board
from leaderboard.board.columns import Table
from leaderboard.board.recipes import recipes
from leaderboard.board.tables import board_tables
from tests.support.synthetic_board import rich_board


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    made, events = rich_board(tmp_path_factory.mktemp("board"))
    return load_board(made.submissions, made.bases, events)


@pytest.fixture(scope="module")
def tables(board: Board) -> dict[str, Table[Any]]:
    return {table.name: table for table in board_tables(board)}


def read(table: Table[Any]) -> pd.DataFrame:
    return pq.read_table(io.BytesIO(table.to_parquet())).to_pandas()


def test_every_entry_is_a_line_with_the_numbers_of_its_scorecard(board: Board, tables: dict[str, Table[Any]]) -> None:
    lines = pq.read_table(io.BytesIO(tables["board"].to_parquet())).to_pylist()
    assert [line["entry_id"] for line in lines] == [row.entry_id for row in board.rows]
    for line, row in zip(lines, board.rows, strict=True):
        card, method = row.card, row.manifest.method
        assert line["gain_share"] == card.learned.gain
        assert (line["gain_share_low"], line["gain_share_high"]) == card.learned.gain_ci
        assert line["retention_share"] == card.retention_macro
        assert line["balance_share"] == card.balance
        assert (line["rank_low"], line["rank_high"]) == (row.placing.rank or (None, None))
        assert (line["family"], line["algorithm"], line["learning_rate"]) == (
            method.family, method.algorithm, method.learning_rate,
        )  # fmt: skip
        assert (line["steps"], line["kl_coefficient"]) == (method.steps, method.kl_coefficient)
        assert line["weights"] == "full"
        assert line["run_date"] == row.created[:10]
        for name, task in card.tasks.items():
            assert line[f"task:{name}:delta_share"] == task.delta
            assert line[f"task:{name}:verdict"] == task.verdict


def test_every_task_of_every_entry_is_a_line(board: Board, tables: dict[str, Table[Any]]) -> None:
    frame = read(tables["tasks"]).set_index(["entry_id", "task"])
    assert frame.index.is_unique
    assert len(frame) == sum(len(row.card.tasks) for row in board.rows)
    for row in board.rows:
        for name, task in row.card.tasks.items():
            line = frame.loc[(row.entry_id, name)]
            transitions = line[["learned_items", "kept_items", "forgotten_items", "never_items"]]
            assert tuple(transitions) == (task.n01, task.n11, task.n10, task.n00)
            assert transitions.sum() == line["items"]
            assert line["forgotten_share"] == task.forgotten_rate == task.n10 / task.n
            assert line["base_share"] + line["delta_share"] == pytest.approx(line["tuned_share"])


def test_every_recipe_is_a_line_with_its_seeds(board: Board, tables: dict[str, Table[Any]]) -> None:
    found = [recipe for track in board.tracks for recipe in recipes(track)]
    frame = read(tables["recipes"])
    assert list(frame.recipe) == [recipe.slug for recipe in found]
    assert list(frame.gain_share) == [recipe.gain.mean for recipe in found]
    assert sum(frame.entries) == len(board.rows)
    for line, recipe in zip(frame.itertuples(), found, strict=True):
        assert line.entry_ids.split() == [row.entry_id for row in recipe.rows]
        entries = read(tables["board"]).query("recipe == @line.recipe and track == @line.track")
        assert set(entries.entry_id) == set(line.entry_ids.split())


def test_every_column_is_defined_and_names_the_unit_of_what_is_no_text(tables: dict[str, Table[Any]]) -> None:
    for table in tables.values():
        names = [column.name for column in table.columns]
        assert len(names) == len(set(names))
        assert set(table.key) <= {column.name for column in table.columns if column.required}
        for column in table.columns:
            assert column.sentence.endswith("."), column.name
            assert re.fullmatch(r"[a-z_0-9]+(:.+:[a-z_]+)?", column.name)
            assert (column.unit == "share") == bool(re.search(r"_share(_low|_high)?$", column.name)), column.name
            if column.metric:
                assert column.metric in METRICS


def test_the_number_of_a_share_is_one_and_not_a_hundred(tables: dict[str, Table[Any]]) -> None:
    frame = read(tables["board"])
    assert frame.gain_share.abs().max() <= 1
    assert frame.retention_share.abs().max() < 2


def test_tasks_of_another_suite_are_absent() -> None:
    empty = {table.name: table for table in board_tables(Board((), ()))}
    assert not [column for column in empty["board"].columns if column.name.startswith("task:")]
    assert empty["board"].to_csv().count("\n") == 1
    assert read(empty["recipes"]).empty


def test_a_reader_is_shown_one_task_of_those_that_are_alike(tables: dict[str, Table[Any]]) -> None:
    shown = [column.name for column in tables["board"].shown_columns]
    assert len({name.split(":")[1] for name in shown if name.startswith("task:")}) == 1
    assert [name for name in shown if not name.startswith("task:")] == [
        column.name for column in tables["board"].columns if not column.name.startswith("task:")
    ]
