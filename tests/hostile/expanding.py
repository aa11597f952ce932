"""Parquet files that expand: samples of an entry, tables and details of lighteval."""

import io
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from harness.records.samples import SAMPLES_FILE
from tests.hostile.case import Case, Shop, put_samples
from tests.support.bombs import keys, nested, nothing, same_bytes, same_text, understated

Made = Callable[[], pa.Array]
_PAGE = 2_000_000


def _entry(name: str, says: str, rule: str, column: str, made: Callable[[int], pa.Array], lie: int = 0) -> Case:
    """An honest entry whose ``column`` is ``made`` for so many rows; its footer says 1 in place of ``lie``."""

    def make(shop: Shop, case: Case) -> str:
        table = pq.read_table(shop.honest / "tuned" / SAMPLES_FILE)
        place = table.column_names.index(column)
        sink = io.BytesIO()
        spoilt = table.set_column(place, column, made(len(table)))
        pq.write_table(spoilt, sink, compression="zstd", dictionary_pagesize_limit=_PAGE)
        content = understated(sink.getvalue(), lie) if lie else sink.getvalue()
        return str(put_samples(shop.copy(case), content))

    return Case(name, "bomb", "entry", "refused", says, make, rule)


def _table(name: str, says: str, columns: Callable[[], dict[str, pa.Array]], file: str = "t.parquet") -> Case:
    def make(shop: Shop, case: Case) -> str:
        path: Path = shop.folder(case) / file
        pq.write_table(pa.table(columns()), path, compression="zstd", dictionary_pagesize_limit=_PAGE)
        return str(path)

    return Case(name, "bomb", "table", "refused", says, make)


def _rows(count: int, **columns: pa.Array) -> dict[str, pa.Array]:
    """Columns of a table of ``count`` right answers."""
    texts = {"task": "sums", "family": "math", "outcome": "correct"}
    made = {name: pa.array([value] * count) for name, value in texts.items()}
    return {"item_id": pa.array(map(str, range(count))), **made, **columns}


def _details(count: int, metric: pa.Array) -> dict[str, pa.Array]:
    """Columns of lighteval's details."""
    nothing_said = pa.array([{"text": ["x"]}] * count)
    return {"doc": pa.array([{"query": "q"}] * count), "metric": metric, "model_response": nothing_said}


def _list_of_all(values: Made, count: int) -> Callable[[int], pa.Array]:
    """A list a row, all of them empty but the last, which has all of ``values``."""

    def made(rows: int) -> pa.Array:
        return pa.ListArray.from_arrays(pa.array([*[0] * rows, count], pa.int32()), values())

    return made


_MANY = 6_000_000

CASES = [
    _entry("parquet-map-dictionary", "expands to", "samples-form", "details", lambda rows: keys(rows, 900_000)),
    _entry("parquet-map-of-dictionaries", "wrong type", "samples-schema", "details", lambda rows: keys(rows, 9)),
    _entry("parquet-lists", "wrong type", "samples-schema", "logprobs",
           lambda rows: pa.array([[[0.5] * 9] * 9] * rows)),
    _entry("parquet-list-dictionary", "expands to", "samples-form", "logprobs",
           _list_of_all(lambda: same_text(900, 900_000), 900)),
    _entry("parquet-levels", "expands to", "samples-form", "logprobs",
           _list_of_all(lambda: pa.nulls(_MANY, pa.float64()), _MANY)),
    _entry("parquet-understated", "expands to", "samples-form", "logprobs",
           _list_of_all(lambda: pa.nulls(_MANY, pa.float64()), _MANY), _MANY + 179),
    _entry("parquet-text-in-numbers", "wrong type", "samples-schema", "score", lambda rows: same_text(rows, 9)),
    _table("table-dictionary", "the most that this table may have",
           lambda: _rows(900, output=same_text(900, 900_000))),
    _table("table-fixed-dictionary", "expands to", lambda: _rows(700, output=same_bytes(700, 500_000))),
    _table("table-deep-dictionary", "is missing or not text", lambda: _rows(1, output=nested(900, 900_000))),
    _table("table-map-dictionary", "is missing or not text", lambda: _rows(900, output=keys(900, 900_000))),
    _table("table-levels", "is missing or not text", lambda: _rows(1, output=nothing(_MANY * 4))),
    _table("details-dictionary", "when it is read", lambda: _details(900, keys(900, 900_000)), "details_sums.parquet"),
    _table("details-levels", "expands to", lambda: _details(1, nothing(_MANY * 4)), "details_sums.parquet"),
]  # fmt: skip
