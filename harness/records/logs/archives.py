"""What a zip archive really expands to: the sizes that it states of its parts are whatever its author wrote."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from harness.records.logs.log_path import MAX_EXPANDED, check_archive
from harness.records.parquet import expansion_cap
from harness.records.samples import RunError, brief

_CHUNK = 1024**2
_LOCAL_HEADER = 30
_ZSTANDARD = 93


def check_expansion(path: Path) -> None:
    """Decompress each part of an archive, keeping nothing; ``RunError`` where it is broken or beyond the bound."""
    most = expansion_cap(path, MAX_EXPANDED)
    check_archive(path, most)
    size = 0
    try:
        with path.open("rb") as file, zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                for held in _chunks(file, member):
                    size += held
                    if size > most:
                        raise RunError(f"{path}: expands to more than the {most:,} bytes that such a log may have")
    except RunError:
        raise
    except Exception as error:  # zlib, zipfile and zstandard have an error each, and struct one for what is cut off.
        raise RunError(f"{path}: a broken {path.suffix} file ({brief(error)[:80]}); is it complete?") from error


def _chunks(file: BinaryIO, member: zipfile.ZipInfo) -> Iterator[int]:
    """The sizes of what one part expands to, a chunk at a time."""
    file.seek(member.header_offset)
    name, extra = struct.unpack("<HH", file.read(_LOCAL_HEADER)[-4:])
    file.seek(name + extra, io.SEEK_CUR)
    data = file.read(member.compress_size)
    if member.compress_type == zipfile.ZIP_DEFLATED:
        yield from _inflated(data)
    elif member.compress_type == _ZSTANDARD:
        yield from _zstandard(data)
    else:
        yield len(data)


def _inflated(data: bytes) -> Iterator[int]:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    while data and not stream.eof:
        yield len(stream.decompress(data, _CHUNK))
        data = stream.unconsumed_tail


def _zstandard(data: bytes) -> Iterator[int]:
    # Inspect's own library for it comes with it.
    import zstandard

    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as stream:
        while chunk := stream.read(_CHUNK):
            yield len(chunk)
