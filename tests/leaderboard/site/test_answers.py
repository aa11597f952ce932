"""Answers: read in one order, bounded without joining what differs, and shown as they were written."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.run import read_run
from leaderboard.site.answers import (
    HEAD,
    TAIL,
    WHOLE,
    AnswerTable,
    bounded,
    bounded_text,
    read_answers,
    said,
)
from tests.support.asked import AskedBoard, asked_board


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> AskedBoard:
    return asked_board(tmp_path_factory.mktemp("asked"), outputs=("short", "long " * 200, "long " * 201))


def test_answers_are_those_that_were_stored(made: AskedBoard) -> None:
    folder = made.board.rows[0].folders[1]
    stored = read_run(folder).samples.sort_values(["task", "item_id"])
    found = read_answers(folder)
    assert list(found.item_ids) == list(stored["item_id"])
    assert list(found.outputs) == list(stored["output"])
    assert list(found.outcomes) == list(stored["outcome"])


def test_a_table_tells_apart_what_differs_and_nothing_else(made: AskedBoard) -> None:
    rows = made.board.rows
    table = AnswerTable(rows[0].folders[0], [row.folders[1] for row in rows])
    runs = [read_answers(row.folders[1]) for row in rows]
    for task, place in table.base.places.items():
        codes, _ = table.texts(place)
        assert codes.shape == (len(rows), place.stop - place.start), task
        told = {}
        for number, run in enumerate(runs):
            for at in range(place.start, place.stop):
                assert told.setdefault(codes[number, at - place.start], run.outputs[at]) == run.outputs[at]
        assert len(set(told.values())) == len(told)
    assert [list(row) for row in table.solved] == [list(run.solved) for run in runs]


@given(st.lists(st.text(max_size=2000), max_size=5))
def test_what_is_bounded_stays_different(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    found = bounded(pa.array(texts, pa.string())).to_pylist()
    assert found == [bounded_text(text) for text in texts]
    assert len(set(found)) == len(set(texts))
    assert all(len(said(text)) <= max(WHOLE, HEAD + TAIL + 3) for text in found)


@given(st.text(alphabet="ab <&\n", min_size=WHOLE + 1, max_size=3000))
def test_a_long_answer_is_shown_by_its_ends(text: str) -> None:
    assert " … " in said(bounded_text(text))
    assert len(said(bounded_text(text))) <= HEAD + TAIL + 3


def test_no_entry_has_no_texts(made: AskedBoard) -> None:
    codes, texts = AnswerTable(made.board.rows[0].folders[0], []).texts(slice(0, 3))
    assert (codes.shape, len(texts)) == ((0, 3), 0)


def test_a_run_of_other_items_is_refused(made: AskedBoard, tmp_path: Path) -> None:
    other = asked_board(tmp_path, texts=("another?",))
    with pytest.raises(ValueError, match="answered other items than its base"):
        AnswerTable(made.board.rows[0].folders[0], [other.board.rows[0].folders[1]])
