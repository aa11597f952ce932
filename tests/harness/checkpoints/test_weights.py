"""Safetensors headers: what a library reads is read the same here, and everything else is refused within bounds."""

import contextlib
import json
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from harness.checkpoints.weights import HeaderError, Tensor, read_header


def file_of(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def entry(**fields: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **fields}


def written(path: Path, header: Any, data: bytes = b"") -> Path:
    path.write_bytes(file_of(json.dumps(header).encode(), data))
    return path


def test_a_header_of_the_library_is_read_as_the_library_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    arrays = {"b.weight": np.zeros((2, 3), np.float16), "a": np.arange(4), "empty": np.zeros((0, 5), np.float32)}
    save_file(arrays, path, metadata={"format": "np"})
    tensors = {tensor.name: tensor for tensor in read_header(path)}
    with safe_open(path, framework="numpy") as file:
        assert set(tensors) == set(file.keys())
        for name, tensor in tensors.items():
            assert list(tensor.shape) == file.get_slice(name).get_shape()
    assert tensors["b.weight"] == Tensor("b.weight", "F16", (2, 3), *(tensors["b.weight"].start + k for k in (0, 12)))


@pytest.mark.parametrize(
    ("header", "data", "why"),
    [
        (["w"], b"", "not a JSON object"),
        ({"w": entry()}, b"\0" * 8, "offsets end at 4, the data at 8"),
        ({"w": entry(), "v": entry(data_offsets=[2, 6])}, b"\0" * 6, "overlap or leave a gap at byte 4"),
        ({"w": entry(), "v": entry(data_offsets=[8, 12])}, b"\0" * 12, "overlap or leave a gap at byte 4"),
        ({"w": entry(data_offsets=[4, 0])}, b"", "data_offsets that do not match"),
        ({"w": entry(data_offsets=[-4, 0])}, b"", "not a pair of offsets"),
        ({"w": entry(data_offsets=[0, True])}, b"\0", "not a pair of offsets"),
        ({"w": entry(data_offsets="ab")}, b"", "not a pair of offsets"),
        ({"w": entry(shape=[2])}, b"\0" * 4, "data_offsets that do not match"),
        ({"w": entry(shape=[2**62, 2**62])}, b"\0" * 4, "data_offsets that do not match"),
        ({"w": entry(shape=[1] * 17)}, b"\0" * 4, "not a list of sizes"),
        ({"w": entry(shape=[-1])}, b"\0" * 4, "not a list of sizes"),
        ({"w": entry(shape=[10**30])}, b"\0" * 4, "a number that is not a size"),
        ({"w": entry(shape=[1.0])}, b"\0" * 4, "a number that is not a size"),
        ({"w": entry(shape=[float("nan")])}, b"\0" * 4, "a number that is not a size"),
        ({"w": entry(dtype="PICKLE")}, b"\0" * 4, "unknown dtype"),
        ({"w": entry(dtype=["F32"])}, b"\0" * 4, "unknown dtype"),
        ({"w": entry(dtype="F4", shape=[1], data_offsets=[0, 1])}, b"\0", "data_offsets that do not match"),
        ({"w": {"data_offsets": [0, 4]}}, b"\0" * 4, "must have exactly the fields"),
        ({"w": [0, 4]}, b"\0" * 4, "must have exactly the fields"),
        ({"w\n": entry()}, b"\0" * 4, "not printable"),
        ({"w" * 600: entry()}, b"\0" * 4, "longer than 512"),
        ({"__metadata__": {"a": 1}}, b"", "not a mapping of strings"),
        ({"__metadata__": "a"}, b"", "not a mapping of strings"),
    ],
)
def test_a_malformed_header_is_refused(tmp_path: Path, header: Any, data: bytes, why: str) -> None:
    with pytest.raises(HeaderError, match=why) as caught:
        read_header(written(tmp_path / "m", header, data))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "does not fit"),
        (b"\x02\0\0", "does not fit"),
        (struct.pack("<Q", 1 << 62) + b"{}", "does not fit"),
        (struct.pack("<Q", 3) + b"{}", "does not fit"),
        (file_of(b'{"w": 1, "w": 2}'), "has a duplicate key"),
        (file_of(b" {}"), "not a JSON object"),
        (file_of(b"{} x"), "not readable"),
        (file_of(b"{\xff}"), "not readable"),
        (file_of(b'{"w":' * 50_000 + b"1" + b"}" * 50_000), "not readable"),
        (file_of(b"{" * 200_000), "more than 100000 tensors"),
        (file_of(b'{"a":' + b"[" * 300_000), "more than 100000 tensors"),
        (file_of(b'{"a":[' + b"1," * 1_300_000 + b"1]}"), "more than 100000 tensors"),
        (struct.pack("<Q", 17 << 20) + b"{}" + b" " * (17 << 20), "does not fit"),
    ],
)
def test_a_header_that_is_no_header_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "m"
    path.write_bytes(content)
    with pytest.raises(HeaderError, match=why):
        read_header(path)


@pytest.mark.slow
def test_a_hundred_thousand_entries_are_the_end(tmp_path: Path) -> None:
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    path = written(tmp_path / "m", {f"t{number}": empty for number in range(100_000)})
    assert len(read_header(path)) == 100_000
    with pytest.raises(HeaderError, match="more than 100000 tensors"):
        read_header(written(tmp_path / "m", {f"t{number}": empty for number in range(100_001)}))


@pytest.mark.parametrize("part", [b'{"":{"":0,"":0}},', b'{"a":[],"b":[]},', b"{},", b'"",', b"[],", b"[0,[0]],"])
def test_memory_stays_bounded_whatever_fills_the_header(tmp_path: Path, part: bytes) -> None:
    path = tmp_path / "m"
    path.write_bytes(file_of(b'{"a":[' + part * ((15 << 20) // len(part)) + b"0]}"))
    tracemalloc.start()
    with contextlib.suppress(HeaderError):
        read_header(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 400 << 20


KEYS = st.sampled_from(["dtype", "shape", "data_offsets", "__metadata__", "w", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["F32", "U8", ""]) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, JSON, max_size=4) | JSON, st.binary(max_size=12))
def test_what_passes_here_the_library_reads_too(
    tmp_path_factory: pytest.TempPathFactory, header: Any, data: bytes
) -> None:
    """Any header gives tensors or the one error, and none passes that the library would refuse."""
    path = written(tmp_path_factory.getbasetemp() / "drawn.safetensors", header, data)
    try:
        tensors = read_header(path)
    except HeaderError:
        return
    try:
        with safe_open(path, framework="numpy") as file:
            assert set(file.keys()) == {tensor.name for tensor in tensors}
    except SafetensorError as error:
        raise AssertionError(f"{header}: {error}") from error
