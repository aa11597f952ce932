"""Parquet files of strangers: how large their pages are when decoded, known before anything decodes them.

A file of a hundred kilobytes can expand to any size: one page that compresses ten thousandfold, a page that repeats one
level a billion times, a text or a value of a fixed length that every row refers to in a dictionary, at any depth of a
column, or that each value prolongs (delta encoding). What the footer says of all this may be wrong, so the headers of
the pages are read; they are what a decoder goes by (parquet-format, ``PageHeader`` in Thrift's compact protocol). Texts
are then kept encoded in dictionaries until :func:`expanded_bytes` has counted them.
"""

import mmap
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.records.samples import RunError, brief

# A file may expand to the first, and to so many times its own size beyond it. Outputs of a model compress twentyfold.
FREELY = 256 * 1024**2
MOST_TIMES = 200
# Of a value in memory beside its text: an index, the levels of its nesting, an offset.
_PER_VALUE = 16
_MOST_PAGES = 1_000_000
_DEEPEST = 8
_DATA, _DICTIONARY, _DATA_2 = 0, 2, 3
# Encoding 7 of parquet-format: each value has the beginning of the one before.
_DELTA_BYTE_ARRAY = 7


def open_parquet(path: Path, most: int, columns: Collection[str] | None = None) -> pq.ParquetFile:
    """The file at ``path`` with its texts kept in dictionaries, if ``columns`` of it (all) decode to ``most`` bytes.

    ``RunError`` otherwise; what a broken file makes pyarrow raise is not caught. The texts that dictionaries stand for
    are not counted here: :func:`expanded_bytes` does.
    """
    shape = pq.read_metadata(path)
    texts: set[str] = set()
    total = 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for group in range(shape.num_row_groups):
            for index in range(shape.num_columns):
                chunk = shape.row_group(group).column(index)
                if columns is not None and not _is_of(chunk.path_in_schema, columns):
                    continue
                if is_text := chunk.physical_type == "BYTE_ARRAY":
                    texts.add(chunk.path_in_schema)
                # Values of a fixed length stand in dictionaries too, and only texts can be kept in them.
                each = _PER_VALUE + max(0, shape.schema.column(index).length)
                for page in _pages(content, chunk, path):
                    total += page.size + each * page.values
                    if total > most:
                        raise RunError(f"{path}: expands to more than the {most:,} bytes that a file of its kind may")
                    if is_text and page.encoding == _DELTA_BYTE_ARRAY:
                        raise RunError(
                            f"{path}: column {chunk.path_in_schema[:40]!a} is delta encoded, so that its size is not "
                            "known before it is read; write the file again, with dictionary or plain encoding"
                        )
    return pq.ParquetFile(path, read_dictionary=sorted(texts), memory_map=False, pre_buffer=False)


def _is_of(path: str, columns: Collection[str]) -> bool:
    """Whether the leaf ``path`` is, or is within, one of ``columns``, whose names may have dots too."""
    return path in columns or any(path.startswith(f"{name}.") for name in columns)


def expansion_cap(path: Path, most: int) -> int:
    """How many bytes the file at ``path`` may expand to: ``most``, and less for a small file."""
    return min(most, FREELY + MOST_TIMES * path.stat().st_size)


def expanded_bytes(values: pa.Array) -> int:
    """Bytes of ``values`` once no dictionary is left in them, at any depth: each text for every value that has it."""
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return expanded_bytes(values.storage)
    if pa.types.is_dictionary(kind):
        return int(values.indices.nbytes) + _referred(values)
    if pa.types.is_map(kind):
        return 4 * len(values) + expanded_bytes(values.keys) + expanded_bytes(values.items)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return 8 * len(values) + expanded_bytes(values.flatten())
    if pa.types.is_struct(kind):
        return len(values) + sum(map(expanded_bytes, values.flatten()))
    return int(values.nbytes)


def _referred(values: pa.DictionaryArray) -> int:
    words = values.dictionary
    if pa.types.is_nested(words.type) or pa.types.is_dictionary(words.type):
        return len(values) * expanded_bytes(words)
    if not (pa.types.is_binary(words.type) or pa.types.is_string(words.type) or _is_large(words.type)):
        return len(values) * 16
    return int(pc.sum(pc.binary_length(words).take(values.indices)).as_py() or 0)


def _is_large(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_large_binary(kind))


@dataclass(frozen=True)
class _Page:
    size: int
    values: int
    encoding: int


def _pages(content: mmap.mmap, chunk: Any, path: Path) -> Iterator[_Page]:
    """The pages that a decoder reads of a column chunk: until it has its values, or is at its end."""
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < (chunk.dictionary_page_offset or 0) < start:
        start = chunk.dictionary_page_offset
    at, end, seen, count = start, min(start + chunk.total_compressed_size, len(content)), 0, 0
    try:
        while at < end and seen < chunk.num_values:
            if (count := count + 1) > _MOST_PAGES:
                raise ValueError(f"more than {_MOST_PAGES:,} pages")
            header, at = _Compact(content, at).read_struct(0)
            kind, size, stored = (_number(header.get(field, 0)) for field in (1, 2, 3))
            fields = header.get({_DATA: 5, _DICTIONARY: 7, _DATA_2: 8}.get(kind, 0), {})
            fields = fields if isinstance(fields, dict) else {}
            values = _number(fields.get(1, 0))
            yield _Page(size, values, _number(fields.get(4 if kind == _DATA_2 else 2, 0)))
            seen += values if kind in (_DATA, _DATA_2) else 0
            at += stored
    except (ValueError, IndexError) as error:
        raise RunError(f"{path}: a page of column {chunk.path_in_schema[:40]!a} is broken ({brief(error)})") from error


def _number(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError("a size in its header is not a number >= 0")
    return value


class _Compact:
    """Reads one struct in Thrift's compact protocol: whole numbers and structs by field id, all else skipped."""

    def __init__(self, content: mmap.mmap, at: int) -> None:
        self._content, self._at = content, at

    def read_struct(self, depth: int) -> tuple[dict[int, Any], int]:
        if depth > _DEEPEST:
            raise ValueError("its header is nested too deeply")
        found: dict[int, Any] = {}
        field = 0
        while byte := self._byte():
            delta, kind = byte >> 4, byte & 15
            field = field + delta if delta else self._signed()
            found[field] = self._value(kind, depth)
        return found, self._at

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2):
            return None
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._signed()
        if kind == 7:
            return self._skip(8)
        if kind == 8:
            return self._skip(self._unsigned())
        if kind == 12:
            return self.read_struct(depth + 1)[0]
        raise ValueError(f"its header has a field of type {kind}")

    def _skip(self, count: int) -> None:
        self._at += count

    def _byte(self) -> int:
        byte = self._content[self._at]
        self._at += 1
        return byte

    def _unsigned(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 128:
            value |= (byte & 127) << shift
            if (shift := shift + 7) > 63:
                raise ValueError("a number in its header does not end")
        return value | byte << shift

    def _signed(self) -> int:
        value = self._unsigned()
        return value >> 1 ^ -(value & 1)
