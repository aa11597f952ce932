import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.parquet import FREELY, MOST_TIMES, expanded_bytes, expansion_cap, open_parquet
from harness.records.samples import RunError
from tests.support.bombs import BOMBS

_MOST = 60_000_000


def expanded(path: Path) -> int:
    """What the file expands to by the counts, a row group at a time until it is too much."""
    file = open_parquet(path, _MOST)
    total = 0
    for group in range(file.num_row_groups):
        total += sum(expanded_bytes(chunk) for column in file.read_row_group(group).columns for chunk in column.chunks)
    return total


def refusal(path: Path) -> str:
    try:
        return "expands to more than it may" if expanded(path) > _MOST else ""
    except RunError as error:
        return str(error)


@pytest.mark.parametrize("name", BOMBS)
def test_what_expands_is_known_before_it_is_decoded(tmp_path: Path, name: str) -> None:
    path = tmp_path / "samples.parquet"
    path.write_bytes(BOMBS[name]())
    assert path.stat().st_size < 800_000
    before = pa.total_allocated_bytes()
    assert re.search("expands to more than|delta encoded", refusal(path))
    assert pa.total_allocated_bytes() - before < 5_000_000


def test_a_column_that_is_not_read_may_be_anything(tmp_path: Path) -> None:
    path = tmp_path / "samples.parquet"
    path.write_bytes(BOMBS["page"]())
    assert open_parquet(path, _MOST, ["another", "detail"]).metadata.num_rows == 1


def test_a_column_with_a_dot_in_its_name_is_counted(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a.b": ["x" * 1000]}), tmp_path / "t.parquet", use_dictionary=False)
    with pytest.raises(RunError, match="expands to more than"):
        open_parquet(tmp_path / "t.parquet", 500, ["a.b"])


@given(st.lists(st.lists(st.text(max_size=8) | st.none(), max_size=4) | st.none(), max_size=8))
def test_a_dictionary_counts_as_what_it_stands_for(rows: list[list[str | None] | None]) -> None:
    """Texts within lists, in a dictionary or not: never less than their bytes."""
    plain = pa.array(rows, pa.list_(pa.string()))
    encoded = pa.array(rows, pa.list_(pa.dictionary(pa.int32(), pa.string())))
    texts = sum(len((text or "").encode()) for row in rows for text in row or ())
    assert expanded_bytes(encoded) >= texts
    assert expanded_bytes(plain) >= texts


def test_a_small_file_may_expand_less_than_a_large_one(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"x" * 10)
    assert expansion_cap(tmp_path / "small", 10**12) == FREELY + 10 * MOST_TIMES
    assert expansion_cap(tmp_path / "small", 7) == 7


@pytest.mark.parametrize("at", [0.2, 0.5, 0.9])
def test_a_broken_page_is_named(tmp_path: Path, at: float) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"name": ["x" * 40]}), path, use_dictionary=False, compression="none")
    content = bytearray(path.read_bytes())
    start = pq.read_metadata(path).row_group(0).column(0).data_page_offset
    content[start + 1 : start + 6] = b"\xff" * 5 if at < 0.5 else b"\x8f\x8f\x8f\x8f\x8f"
    path.write_bytes(content)
    with pytest.raises(RunError, match="a page of column 'name' is broken"):
        open_parquet(path, 10**9)
