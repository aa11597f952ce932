"""Parquet files that expand: small to write, large to read, each in another way."""

import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Column = tuple[str, pa.Array]


def written(column: Column, **options: Any) -> bytes:
    """A parquet file of one column."""
    sink = io.BytesIO()
    pq.write_table(pa.table(dict([column])), sink, **{"compression": "zstd", **options})
    return sink.getvalue()


def keys(count: int, letters: int) -> pa.Array:
    """Maps of one key each, the same long text in a dictionary within the map."""
    kind = pa.dictionary(pa.int32(), pa.string())
    names = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array(["x" * letters]))
    made = pa.MapArray.from_arrays(pa.array(range(count + 1), pa.int32()), names, pa.array([1.0] * count))
    return made.cast(pa.map_(kind, pa.float64()))


def same_text(count: int, letters: int) -> pa.Array:
    """One long text, to which every row refers."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array(["x" * letters]))


def same_bytes(count: int, length: int) -> pa.Array:
    """One value of a fixed length, to which every row refers once it is written."""
    return pa.array([b"x" * length], pa.binary(length)).take(pa.array([0] * count, pa.int32()))


def nested(count: int, letters: int) -> pa.Array:
    """Lists of lists of the same long text."""
    inner = pa.ListArray.from_arrays(pa.array(range(count + 1), pa.int32()), same_text(count, letters))
    return pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), inner)


def nothing(count: int) -> pa.Array:
    """One row, a list of ``count`` values of which none is there: a level that repeats."""
    return pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), pa.nulls(count, pa.float64()))


def understated(content: bytes, number: int) -> bytes:
    """``content`` with ``number`` replaced by 1 in its footer, in as many bytes."""
    footer = int.from_bytes(content[-8:-4], "little") + 8
    value, long = number << 1, []
    while value:
        long.append(value & 127 | (128 if value > 127 else 0))
        value >>= 7
    one = bytes([2 | 128, *[128] * (len(long) - 2), 0])
    head, foot = content[:-footer], content[-footer:]
    if bytes(long) not in foot:
        raise ValueError(f"{number} is not in the footer")
    return head + foot.replace(bytes(long), one)


# By name: a file whose column ``details`` expands to more than 60 MB.
BOMBS: dict[str, Callable[[], bytes]] = {
    "fixed": lambda: written(("details", same_bytes(700, 100_000)), dictionary_pagesize_limit=2_000_000),
    "keys": lambda: written(("details", keys(700, 100_000)), dictionary_pagesize_limit=2_000_000),
    "texts": lambda: written(("details", same_text(700, 100_000)), dictionary_pagesize_limit=2_000_000),
    "lists": lambda: written(("details", nested(700, 100_000)), dictionary_pagesize_limit=2_000_000),
    "page": lambda: written(("details", pa.array(["x" * 70_000_000])), use_dictionary=False),
    "levels": lambda: written(("details", nothing(5_000_000))),
    "understated levels": lambda: understated(written(("details", nothing(5_000_000))), 5_000_000),
    "prolonged": lambda: written(
        ("details", pa.array([f"{'x' * 100_000}{number}" for number in range(700)])),
        use_dictionary=False,
        column_encoding={"details": "DELTA_BYTE_ARRAY"},
    ),
    "groups": lambda: written(("details", same_text(700, 100_000)), row_group_size=10),
}
