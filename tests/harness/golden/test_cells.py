"""Whatever program wrote a file of questions, its rows are read or the row at fault is named."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.golden.cells import GoldenError, read_cells
from harness.sources import tidy

PLAIN = "question,answer\nWhat is 1+1?,2\n"


def written(folder: Path, text: str | bytes, name: str = "q.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def questions(path: Path) -> list[str]:
    return [line.text("question") for line in read_cells(path).rows]


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        b"sep=;\n" + PLAIN.replace(",", ";").encode(),
        PLAIN.replace("question,answer", " QUESTION , Answer ").encode(),
        PLAIN.encode() + b"\n,\n",
        PLAIN.encode().rstrip(),
    ],
    ids=["plain", "bom", "utf-16", "crlf", "semicolons", "tabs", "sep", "header", "blank-rows", "no-last-newline"],
)
def test_what_spreadsheets_do_to_a_file_is_understood(tmp_path: Path, data: bytes) -> None:
    (row,) = read_cells(written(tmp_path, data)).rows
    assert row.cells == {"question": "What is 1+1?", "answer": "2"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column question is missing; the first row names the columns"),
        ("a,b\n1,2\n", "column question is missing; .*it has a, b"),
        ("question\nx\n", "column answer is missing"),
        ("question,answer\n", "no rows"),
        ("question,anwser\nx,y\n", "unknown column anwser; did you mean answer"),
        ("question,answer,Optoins\nx,y,z\n", "unknown column optoins; did you mean options"),
        ("question,answer,answer\nx,y,z\n", "column answer is there twice"),
        ("question,answer\nx,y\na,b,c\n", "row 3 has 3 cells, the header 2; put a cell"),
        ('question,answer\nx,y\n"a,b\n', "row 3 cannot be read .*double quotes"),
        (b"question,answer\nx,y\n\xe9t\xe9?,z\n", r"line 3 is not UTF-8 \(byte 0xe9\); save the file as UTF-8"),
        ("question,answer\nx\0,y\n", r"line 2 has the character U\+0000"),
        ("question,answer\nx,caf\ufffd\n", r"line 2 has the character U\+FFFD"),
        (b"PK\x03\x04rest", "a spreadsheet or an archive"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(GoldenError, match=message) as raised:
        read_cells(path)
    assert str(raised.value).startswith(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1 is not valid JSON"),
        ('{"question": "x", "answer": "y"}\n[1]\n', "line 2 is no JSON object"),
        ('{"question": "x", "answer": true}', "line 1, column answer: true is not a text, a number or a list of them"),
        ('{"question": ["x"], "answer": "y"}', "line 1, column question: .* is not a text or a number"),
        ('{"question": "x", "answer": NaN}', "line 1 is not valid JSON .*NaN"),
        ('{"question": "x", "Question": "y", "answer": "z"}', "line 1 names a column twice"),
        ('{"question": "x", "answr": "y"}', "unknown column answr; did you mean answer"),
        ("\n", "no rows"),
    ],
)
def test_a_wrong_line_of_json_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(GoldenError, match=message):
        read_cells(written(tmp_path, text, "q.jsonl"))


def test_json_numbers_stay_as_they_are_written(tmp_path: Path) -> None:
    (row,) = read_cells(written(tmp_path, '{"question": "x", "answer": 0.10, "options": [1, "0.10"]}', "q.jsonl")).rows
    assert row.cells == {"question": "x", "answer": "0.10", "options": ("1", "0.10")}
    assert row.place == "line 1"


def test_other_files_and_other_columns(tmp_path: Path) -> None:
    with pytest.raises(GoldenError, match="no such file"):
        read_cells(tmp_path / "none.csv")
    with pytest.raises(GoldenError, match=r"golden sets are \.csv, \.tsv or \.jsonl files"):
        read_cells(written(tmp_path, PLAIN, "q.xlsx"))
    read = read_cells(written(tmp_path, "id,question,answer,,question_id\n1,x,y,,7\n"))
    assert read.unused == ("id", "question_id")


def test_rows_are_counted_as_a_spreadsheet_does(tmp_path: Path) -> None:
    text = 'question,answer\n"two\nlines",1\n\n=SUM(A1),2\n'
    rows = read_cells(written(tmp_path, text)).rows
    assert [(row.place, row.text("question")) for row in rows] == [("row 2", "two\nlines"), ("row 4", "=SUM(A1)")]


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufffd"), min_size=1).filter(tidy)


@given(st.lists(st.tuples(CELL, CELL), min_size=1), st.sampled_from([",", ";", "\t"]), st.sampled_from(["\n", "\r\n"]))
def test_every_text_survives_the_file(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], delimiter: str, end: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("question", "answer"), *rows])
    path = written(tmp_path_factory.mktemp("csv"), text.getvalue())
    assert [tuple(line.cells.values()) for line in read_cells(path).rows] == rows
    lines = "".join(json.dumps(dict(zip(("question", "answer"), row, strict=True))) + "\n" for row in rows)
    assert questions(written(path.parent, lines, "q.jsonl")) == [question for question, _ in rows]
