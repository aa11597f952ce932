"""Limits: what a small file stands for is found out before it is read, and only plain files are opened."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leaderboard.entries import limits
from leaderboard.entries.limits import LimitError, check_files, check_samples

WANTED = frozenset({"manifest.yaml", "SHA256SUMS", "tuned/run.json"})


def written(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path, compression="zstd")
    assert path.stat().st_size < limits.MAX_FILE_BYTES
    return path


def test_an_ordinary_file_passes(tmp_path: Path) -> None:
    check_samples(written(tmp_path / "s.parquet", output=pa.array(["a", None, "b" * 1000] * 100)))


def test_one_long_text_named_by_every_row_is_counted_as_often(tmp_path: Path) -> None:
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(50_000, dtype=np.int32)), pa.array(["x" * 100_000]))
    path = written(tmp_path / "s.parquet", output=text)
    with pytest.raises(LimitError, match="expands to 4768 MB"):
        check_samples(path)


def test_a_column_that_compresses_a_thousandfold_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    table = pa.table({"output": pa.array(["\0" * 2**20] * 200)})
    pq.write_table(table, path, compression="zstd", use_dictionary=False)
    assert path.stat().st_size < 2**20
    with pytest.raises(LimitError, match="expands to 200 MB"):
        check_samples(path)


def test_a_footer_that_lies_is_stopped_by_the_sandbox(tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    table = pa.table({"output": pa.array([bytes(2**20) + bytes([k]) for k in range(200)], type=pa.binary())})
    pq.write_table(table, path, compression="zstd", use_dictionary=False)
    stated = pq.read_metadata(path).row_group(0).total_byte_size
    data = path.read_bytes()
    lied = data.replace(_varint(stated), _varint(1000, len(_varint(stated))))
    assert lied != data
    path.write_bytes(lied)
    with pytest.raises(LimitError):
        check_samples(path)


def _varint(number: int, length: int = 0) -> bytes:
    """A number as the footer writes it (zigzag, seven bits a byte), padded to ``length``."""
    number *= 2
    out = bytearray()
    while number > 0x7F or len(out) < length - 1:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\xff" * 100 + b"PAR1", b"x" * 1000])
def test_no_parquet_is_said_in_a_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.parquet").write_bytes(content)
    with pytest.raises(LimitError) as caught:
        check_samples(tmp_path / "s.parquet")
    assert "\n" not in str(caught.value)


def test_too_many_rows_and_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="100001 rows"):
        check_samples(written(tmp_path / "s.parquet", a=pa.array(np.zeros(100_001, dtype=np.int8))))
    with pytest.raises(LimitError, match="65 columns"):
        check_samples(written(tmp_path / "s.parquet", **{f"c{k}": pa.array([1]) for k in range(65)}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "entry"
    (made / "tuned").mkdir(parents=True)
    for name in WANTED:
        (made / name).write_text("x")
    return made


def found(folder: Path) -> set[str]:
    return set(check_files(folder, WANTED))


def test_the_files_of_an_entry_and_no_others(folder: Path) -> None:
    assert found(folder) == set()
    (folder / "manifest.yaml").unlink()
    (folder / "tuned" / "notes.py").write_text("print()")
    (folder / "extra").mkdir()
    assert found(folder) == {
        "manifest.yaml: is missing",
        "tuned/notes.py: unexpected file; an entry has SHA256SUMS, manifest.yaml, tuned/run.json",
        "extra: unexpected folder",
    }


def test_links_pipes_and_case_are_told_apart(folder: Path) -> None:
    (folder / "manifest.yaml").unlink()
    (folder / "manifest.yaml").symlink_to("/etc/hostname")
    (folder / "tuned" / "run.json").unlink()
    os.mkfifo(folder / "tuned" / "run.json")
    (folder / "MANIFEST.yaml").write_text("x")
    lines = found(folder)
    assert {"manifest.yaml: a symbolic link is not accepted", "tuned/run.json: not a plain file"} <= lines
    assert any(line.startswith("MANIFEST.yaml: unexpected file") for line in lines)


def test_a_linked_folder_is_not_entered(folder: Path, tmp_path: Path) -> None:
    (folder / "tuned" / "run.json").unlink()
    (folder / "tuned").rmdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "run.json").write_text("x")
    (folder / "tuned").symlink_to(tmp_path / "elsewhere")
    assert found(folder) == {"tuned: a symbolic link is not accepted", "tuned/run.json: is missing"}
    (tmp_path / "link").symlink_to(folder)
    assert found(tmp_path / "link") == {"link: a symbolic link is not accepted"}
    assert found(tmp_path / "nothing") == {"nothing: no such folder"}


def test_a_thousand_files_are_not_walked(folder: Path) -> None:
    for number in range(100):
        (folder / f"{number}").write_text("x")
    assert any("more than 50 files" in line for line in found(folder))


def test_sizes_are_capped_by_kind(folder: Path) -> None:
    with (folder / "tuned" / "run.json").open("ab") as file:
        file.truncate(limits.MAX_RECORD_BYTES + 1)
    assert found(folder) == {"tuned/run.json: larger than 1 MB"}
