"""Tables and logs of others, as ``retention compare`` reads them."""

import gzip
import json
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.records.tables import MAX_LINE
from tests.hostile.case import Case, Shop

_ROW = {"item_id": "a", "task": "sums", "family": "math", "outcome": "correct"}


def _file(name: str, content: bytes, shop: Shop, case: Case) -> str:
    path: Path = shop.folder(case) / name
    path.write_bytes(content)
    return str(path)


def _lines(*rows: dict[str, Any]) -> Callable[[Shop, Case], str]:
    return partial(_file, "table.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())


def _times(shop: Shop, case: Case) -> str:
    """A column of numbers that holds times."""
    path: Path = shop.folder(case) / "table.parquet"
    times = pa.array([1, 2], pa.timestamp("us", tz="UTC"))
    columns = {
        name: pa.array([f"{value} {k}" if name == "item_id" else value for k in range(2)])
        for name, value in _ROW.items()
    }
    pq.write_table(pa.table(columns | {"guess_rate": times}), path)
    return str(path)


def _case(name: str, threat: str, says: str, make: Callable[[Shop, Case], str]) -> Case:
    return Case(name, threat, "table", "refused", says, make)


def _sheet(shop: Shop, case: Case) -> str:
    """An Excel file of 20 KB with a sheet of 20 MB, all the same row."""
    path: Path = shop.folder(case) / "model_MMBench.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"<row><c><v>1</v></c></row>" * 800_000)
    return str(path)


CASES = [
    _case("table-huge-line", "bomb", "is longer than", partial(_file, "t.jsonl", b'{"a": "' + b"x" * (MAX_LINE + 10))),
    _case("table-nested", "bomb", "is broken JSON", partial(_file, "t.jsonl", b"[" * 1_000_000)),
    _case("table-gzip", "bomb", "is broken JSON", partial(_file, "t.jsonl", gzip.compress(b"0" * 100_000_000))),
    _case("table-zip", "bomb", "is broken JSON", partial(_file, "t.parquet", b"PK\x03\x04" + b"\0" * 64)),
    _case("table-sheet", "bomb", "bytes when it is expanded", _sheet),
    _case("table-columns", "bomb", "names more than 10,000 columns",
          partial(_file, "t.csv", b",".join([*map(str.encode, _ROW), *[b"x"] * 1_000_000]) + b"\n")),
    _case("table-nan", "yaml", "is not a number in [0, 1]", _lines(_ROW | {"score": float("nan")})),
    _case("table-infinity", "yaml", "is not a number >= 0", _lines(_ROW | {"n_output_tokens": float("inf")})),
    _case("table-endless-number", "yaml", "is broken JSON",
          partial(_file, "t.jsonl", b'{"item_id": ' + b"9" * 10_000 + b"}")),
    _case("table-half-a-character", "unicode", "is missing or not text", _lines(_ROW | {"item_id": "\ud800"})),
    _case("table-terminal-codes", "unicode", "is not correct, wrong or unparsed",
          _lines(_ROW | {"outcome": "\x1b[2J\u202e"})),
    _case("table-of-times", "bomb", "is not a number in [0, 1)", _times),
    _case("table-of-lists", "bomb", "is missing or not text", _lines(_ROW | {"task": [["x"] * 9] * 9})),
]  # fmt: skip
