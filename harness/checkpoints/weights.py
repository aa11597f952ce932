"""Safetensors headers, read without a library and within bounds.

A file is the length of its header (8 bytes, little endian), a JSON object of ``{name: {dtype, shape, data_offsets}}``
and the data. Weights are untrusted, so the header is bounded before it is parsed (bytes, structural characters) and
fully checked afterwards: a library that maps the file reads wherever these numbers point.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_HEADER = 16 * 1024 * 1024
MAX_TENSORS = 100_000
_MAX_NAME = 512
_MAX_DIMENSIONS = 16
_MAX_DIGITS = 19
# Each of these starts a value, so their number bounds a parser's memory; a tensor has about a dozen.
_STRUCTURE = {b"{": MAX_TENSORS + 1_000, b"[": 2 * MAX_TENSORS + 1_000, b",": 12 * MAX_TENSORS}
_BITS = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}


class HeaderError(ValueError):
    """A header that is malformed, too large, or does not match the file."""


@dataclass(frozen=True)
class Tensor:
    """One tensor of a file; ``start`` and ``end`` are byte offsets after the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_header(path: Path) -> list[Tensor]:
    """The tensors of a file in the order of their data; ``HeaderError`` says what is wrong with its header.

    Needs at most some 200 MB of memory, whatever the file: the header's length and number of values are checked first.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(MAX_HEADER, size - 8):
            raise HeaderError(f"header length {length} does not fit the file of {size} bytes (at most {MAX_HEADER})")
        text = file.read(length)
    for mark, most in _STRUCTURE.items():
        if text.count(mark) > most:
            raise HeaderError(f"header has more than {MAX_TENSORS} tensors")
    tensors = _tensors(_parsed(text))
    end = 0
    for tensor in tensors:
        if tensor.start != end:
            raise HeaderError(f"offsets overlap or leave a gap at byte {end}")
        end = tensor.end
    if end != size - 8 - length:
        raise HeaderError(f"offsets end at {end}, the data at {size - 8 - length}")
    return tensors


def _parsed(text: bytes) -> dict[str, Any]:
    # Padding comes after the object; readers disagree on anything before it.
    if not text.startswith(b"{"):
        raise HeaderError("header is not readable (not a JSON object)")
    try:
        header = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_no_key_twice,
            parse_int=_integer,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except HeaderError:
        raise
    except (ValueError, RecursionError) as error:
        raise HeaderError(f"header is not readable ({type(error).__name__})") from error
    return dict(header)


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise HeaderError("header has a duplicate key")
    return content


def _integer(digits: str) -> int:
    return int(digits) if len(digits) <= _MAX_DIGITS else _refuse_number(digits)


def _refuse_number(_: str) -> int:
    raise HeaderError("header has a number that is not a size")


def _tensors(header: dict[str, Any]) -> list[Tensor]:
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise HeaderError("header's __metadata__ is not a mapping of strings")
    if len(header) > MAX_TENSORS:
        raise HeaderError(f"header has more than {MAX_TENSORS} tensors")
    return sorted((_tensor(name, entry) for name, entry in header.items()), key=lambda each: (each.start, each.end))


def _tensor(name: str, entry: Any) -> Tensor:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise HeaderError(f"tensor {name[:60]!a} must have exactly the fields dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not name.isprintable() or len(name) > _MAX_NAME:
        raise HeaderError(f"tensor name {name[:60]!a} is not printable or longer than {_MAX_NAME} characters")
    if not isinstance(dtype, str) or dtype not in _BITS:
        raise HeaderError(f"tensor {name[:60]!a} has the unknown dtype {str(dtype)[:20]!a}")
    if not _sizes(shape) or len(shape) > _MAX_DIMENSIONS:
        raise HeaderError(f"tensor {name[:60]!a} has a shape that is not a list of sizes")
    if not _sizes(offsets) or len(offsets) != 2:
        raise HeaderError(f"tensor {name[:60]!a} has data_offsets that are not a pair of offsets")
    if math.prod(shape) * _BITS[dtype] != 8 * (offsets[1] - offsets[0]):
        raise HeaderError(f"tensor {name[:60]!a} has data_offsets that do not match its shape and dtype")
    return Tensor(name, dtype, tuple(shape), offsets[0], offsets[1])


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) is int and each >= 0 for each in value)
