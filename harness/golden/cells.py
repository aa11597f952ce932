"""Cells: a CSV, TSV or JSON lines file as rows of named cells, whichever program wrote it.

What spreadsheets do to a file is understood where it is unambiguous (a byte order mark, semicolons, Windows line ends,
a header in capitals) and named where it is not. A cell that starts with "=" is text like any other.
"""

import csv
import difflib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import RetentionError

COLUMNS = ("question", "answer", "options", "image", "group", "kind", "cluster")
REQUIRED = ("question", "answer")
# Columns in which a JSON file may have a list.
LISTS = ("answer", "options", "image")
MAX_FILE = 64 * 1024 * 1024
MAX_CELL = 131_072
_DELIMITERS = (",", ";", "\t")
_TABLES = (".csv", ".tsv", ".txt")
_LINES = (".jsonl", ".ndjson")
# How alike an unknown column is to a missing one before it is taken for a misspelling.
_ALIKE = 0.75
_BROKEN = ("\0", "\ufffd")

Cell = str | tuple[str, ...]


class GoldenError(RetentionError):
    """A file of questions that cannot be read as one; the message names the file, the row and the column."""


@dataclass(frozen=True)
class Line:
    """One row: ``place`` names it as the user finds it, "row 3" of a spreadsheet or "line 3" of JSON lines."""

    place: str
    cells: Mapping[str, Cell]

    def text(self, column: str) -> str:
        """The cell as text; empty where there is none."""
        cell = self.cells.get(column, "")
        return cell if isinstance(cell, str) else ""


@dataclass(frozen=True)
class Cells:
    """The rows of a file, the columns that were read, and those that no golden set has and that were not."""

    rows: tuple[Line, ...]
    columns: tuple[str, ...]
    unused: tuple[str, ...]


def read_cells(path: Path) -> Cells:
    """The rows of ``path`` in their order; ``GoldenError`` names what cannot be read, and the way out."""
    suffix = path.suffix.lower()
    if suffix not in _TABLES + _LINES:
        raise GoldenError(
            f"{path}: golden sets are .csv, .tsv or .jsonl files; save a spreadsheet as CSV UTF-8, and write other "
            "JSON as one object a line"
        )
    text = _text(path)
    found = _json_lines(path, text) if suffix in _LINES else _table(path, text)
    if not found.rows:
        raise GoldenError(f"{path}: no rows; each row is one question with its answer")
    return found


def _text(path: Path) -> str:
    if not path.is_file():
        raise GoldenError(f"{path}: no such file")
    if (size := path.stat().st_size) > MAX_FILE:
        raise GoldenError(f"{path}: {size:,} bytes is more than the {MAX_FILE:,} that a golden set may have")
    data = path.read_bytes()
    if data.startswith(b"PK\x03\x04"):
        raise GoldenError(f"{path}: a spreadsheet or an archive, not text; save it as CSV UTF-8")
    return _decoded(path, data)


def _decoded(path: Path, data: bytes) -> str:
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise GoldenError(
            f"{path}: line {line} is not UTF-8 (byte 0x{data[error.start]:02x}); save the file as UTF-8 (in Excel: "
            "CSV UTF-8)"
        ) from error
    for character in _BROKEN:
        if (place := text.find(character)) >= 0:
            line = text.count("\n", 0, place) + 1
            raise GoldenError(
                f"{path}: line {line} has the character U+{ord(character):04X}, which stands for text that was lost; "
                "save the file as UTF-8 again from where it was written"
            )
    return text


def _table(path: Path, text: str) -> Cells:
    head, _, rest = text.partition("\n")
    # Excel's own note of the delimiter, which is a row of the sheet to nobody else.
    stated = head.strip().casefold()
    told = stated[4:] if stated.startswith("sep=") and len(stated) == 5 else ""
    text, first = (rest, 2) if told else (text, 1)
    records = _records(path, text, told or _delimiter(text), first)
    _, header = next(records, (first, []))
    columns, unused = _columns(path, header)
    rows = (_line(path, f"row {number}", columns, cells) for number, cells in records if any(map(str.strip, cells)))
    return Cells(tuple(rows), tuple(filter(None, columns)), unused)


def _delimiter(text: str) -> str:
    """The delimiter by which the header has most of the known columns."""

    def known(delimiter: str) -> int:
        try:
            header = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
        except csv.Error:
            return 0
        return sum(_name(cell) in COLUMNS for cell in header)

    return max(_DELIMITERS, key=known)


def _records(path: Path, text: str, delimiter: str, first: int) -> Iterator[tuple[int, list[str]]]:
    """The records with their numbers as rows of a spreadsheet, in which a blank line is one too."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = first
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise GoldenError(
                f"{path}: row {number} cannot be read ({error}); a cell with a quotation mark, the delimiter or a "
                'line break stands in double quotes, and a double quote in it is written twice ("")'
            ) from error
        if cells is None:
            return
        yield number, cells
        number += 1


def _line(path: Path, place: str, columns: Sequence[str], cells: Sequence[str]) -> Line:
    if any(map(str.strip, cells[len(columns) :])):
        raise GoldenError(
            f"{path}: {place} has {len(cells)} cells, the header {len(columns)}; put a cell that contains the "
            "delimiter in double quotes"
        )
    return Line(place, {name: cell for name, cell in zip(columns, cells, strict=False) if name})


def _columns(path: Path, header: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """The known names in their places, empty where a column is none of them; and the names of these."""
    names = [_name(cell) for cell in header]
    _check_names(path, names)
    unused = [cell.strip() for cell, name in zip(header, names, strict=True) if name and name not in COLUMNS]
    return [name if name in COLUMNS else "" for name in names], tuple(unused)


def _check_names(path: Path, names: Sequence[str]) -> None:
    given = [name for name in names if name]
    if twice := [name for name in dict.fromkeys(given) if given.count(name) > 1]:
        raise GoldenError(f"{path}: column {twice[0]} is there twice; rename or remove one of them")
    for name in given:
        absent = [column for column in COLUMNS if column not in given]
        if name not in COLUMNS and (close := difflib.get_close_matches(name, absent, 1, _ALIKE)):
            raise GoldenError(f"{path}: unknown column {name}; did you mean {close[0]}? Rename it in the header")
    if missing := [name for name in REQUIRED if name not in given]:
        raise GoldenError(
            f"{path}: column {missing[0]} is missing; the first row names the columns, {', '.join(REQUIRED)} and "
            f"possibly {', '.join(COLUMNS[2:])}; it has {', '.join(given)[:200] or 'none'}"
        )


def _name(cell: str) -> str:
    return " ".join(cell.split()).casefold()


def _json_lines(path: Path, text: str) -> Cells:
    documents = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            documents.append((f"line {number}", _object(path, number, line)))
    names = list(dict.fromkeys(name for _, fields in documents for name in fields))
    if documents:
        _check_names(path, names)
    rows = (
        Line(place, {name: _cell(path, place, name, value) for name, value in fields.items() if name in COLUMNS})
        for place, fields in documents
    )
    unused = tuple(name for name in names if name not in COLUMNS)
    return Cells(tuple(rows), tuple(name for name in names if name in COLUMNS), unused)


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        # Numbers stay as they are written: 0.10 is an answer of three characters.
        found = json.loads(line, parse_int=str, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise GoldenError(
            f"{path}: line {number} is not valid JSON ({str(error)[:80]}); write one object a line"
        ) from (error)
    if not isinstance(found, dict):
        raise GoldenError(f"{path}: line {number} is no JSON object; write one object a line")
    named = {_name(name): value for name, value in found.items()}
    if len(named) != len(found):
        raise GoldenError(f"{path}: line {number} names a column twice; remove one of them")
    return named


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _cell(path: Path, place: str, column: str, value: Any) -> Cell:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and column in LISTS and all(isinstance(each, str) for each in value):
        return tuple(value)
    allowed = "a text, a number or a list of them" if column in LISTS else "a text or a number"
    raise GoldenError(f"{path}: {place}, column {column}: {json.dumps(value)[:60]} is not {allowed}")
