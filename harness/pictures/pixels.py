"""Pixels: procedural shapes, cutting and joining tiles, and a PNG encoder with reproducible bytes.

An item's id covers the bytes of its image, so these must be the same on every machine. Therefore pixels are computed
only with integers and the four IEEE operations (``sin`` and ``exp`` round differently from one CPU to the next), and
PNG files are written uncompressed here (zlib and zlib-ng, whichever Pillow or CPython was built with, compress the same
pixels to different bytes).
"""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.errors import RetentionError
from harness.items import image_digest

Pixels = NDArray[np.uint8]

SHAPES = ("circle", "square", "triangle", "cross")

# A stored deflate block holds at most this many bytes.
_BLOCK = 65_535


class PixelError(RetentionError):
    """A picture that is drawn otherwise than when its item was made."""


def encode_png(pixels: Pixels) -> bytes:
    """The RGB array (height, width, 3) as a PNG file with stored, i.e. uncompressed, deflate blocks."""
    height, width, channels = pixels.shape
    if channels != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"expected uint8 RGB pixels, got {pixels.dtype} with {channels} channels")
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)  # each row starts with its filter type: 0, none
    rows[:, 1:] = pixels.reshape(height, 3 * width)
    raw = rows.tobytes()
    stream = bytearray(b"\x78\x01")
    for start in range(0, len(raw), _BLOCK):
        block = raw[start : start + _BLOCK]
        last = start + _BLOCK >= len(raw)
        stream += struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block
    stream += struct.pack(">I", zlib.adler32(raw))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", bytes(stream)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def decode_png(data: bytes) -> Pixels:
    """The RGB pixels of an encoded image (any format Pillow reads)."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def open_images(encoded: Iterable[bytes]) -> list[Image.Image]:
    """Images as lm-eval's own vision models take them, each with its file as ``encoded``.

    They are opened but not decoded: this harness sends the files as they are.
    """
    images: list[Image.Image] = []
    for data in encoded:
        image = Image.open(io.BytesIO(data))
        image.encoded = data  # type: ignore[attr-defined]
        images.append(image)
    return images


def check_images(encoded: Sequence[bytes], digests: Sequence[str] | None, where: str) -> Sequence[bytes]:
    """The images of a document, if they have the ``digests`` that it was made with; ``PixelError`` otherwise.

    Documents may be older than the code and the libraries that draw their pictures; None skips the check.
    """
    if digests and [image_digest(image) for image in encoded] != list(digests):
        raise PixelError(
            f"{where}: its picture is not the one that its id covers; run the command again with RETENTION_CACHE=off, "
            "and if that helps, delete the folder retentionbench/items in the user's cache"
        )
    return encoded


def shape_mask(kind: str, size: int, centre: tuple[int, int], radius: int) -> NDArray[np.bool_]:
    """Where an upright shape of this ``radius`` covers a ``size`` x ``size`` image; ``centre`` is (x, y)."""
    grid = np.arange(size, dtype=np.int64)
    dx, dy = grid[None, :] - centre[0], grid[:, None] - centre[1]
    if kind == "circle":
        return np.asarray(dx * dx + dy * dy <= radius * radius)
    if kind == "square":
        half = radius * 9 // 10
        return (abs(dx) <= half) & (abs(dy) <= half)
    if kind == "triangle":  # apex on top, base as wide as the circle
        return (abs(dy) <= radius) & (2 * abs(dx) <= dy + radius)
    if kind == "cross":
        arm = max(1, radius // 4)
        return ((abs(dx) <= arm) & (abs(dy) <= radius)) | ((abs(dy) <= arm) & (abs(dx) <= radius))
    raise ValueError(f"unknown shape {kind!r}; known: {', '.join(SHAPES)}")


def paint(pixels: NDArray[np.float64], mask: NDArray[np.bool_], colour: Sequence[int]) -> None:
    """Fill ``mask`` with one colour, in place."""
    pixels[mask] = colour


def grain(rng: random.Random, size: int, strength: int) -> NDArray[np.float64]:
    """Noise from -``strength`` to +``strength``; uses ``random``, whose stream is the same in every Python version."""
    noise = np.frombuffer(rng.randbytes(size * size * 3), dtype=np.uint8).reshape(size, size, 3)
    return (noise % np.uint8(2 * strength + 1)).astype(np.float64) - strength


def to_pixels(values: NDArray[np.float64]) -> Pixels:
    """Clip to 0..255 and drop the fraction."""
    return np.clip(values, 0, 255).astype(np.uint8)


def cut(pixels: Pixels, rows: int, columns: int) -> list[Pixels]:
    """Equal tiles in reading order; the image must fit the grid."""
    if pixels.shape[0] % rows or pixels.shape[1] % columns:
        raise ValueError(f"{pixels.shape[1]}x{pixels.shape[0]} does not cut into {columns}x{rows} equal tiles")
    return [tile for band in np.split(pixels, rows) for tile in np.split(band, columns, axis=1)]


def join(tiles: Sequence[Pixels], rows: int, columns: int) -> Pixels:
    """The image whose tiles, in reading order, are these."""
    bands = [np.concatenate(tiles[row * columns : (row + 1) * columns], axis=1) for row in range(rows)]
    return np.concatenate(bands)


def shuffle(pixels: Pixels, rows: int, columns: int, answer: Sequence[int]) -> Pixels:
    """Move the tile of place k to place ``answer[k - 1]``, so that ``answer`` restores the image."""
    tiles = cut(pixels, rows, columns)
    shown = list(tiles)
    for tile, place in zip(tiles, answer, strict=True):
        shown[place - 1] = tile
    return join(shown, rows, columns)


def restore(pixels: Pixels, rows: int, columns: int, answer: Sequence[int]) -> Pixels:
    """Undo ``shuffle``: place k gets the displayed tile ``answer[k - 1]``, tiles numbered from 1 row by row."""
    tiles = cut(pixels, rows, columns)
    return join([tiles[number - 1] for number in answer], rows, columns)


def draw_answer(rng: random.Random, tiles: int) -> tuple[int, ...]:
    """A uniform permutation of 1..``tiles`` other than the identity."""
    identity = list(range(1, tiles + 1))
    order = identity[:]
    while order == identity:
        rng.shuffle(order)
    return tuple(order)
