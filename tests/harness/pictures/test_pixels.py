"""Pictures: what is encoded decodes to the same, and what is shuffled is restored."""

import io
import random
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness.pictures.pixels import (
    SHAPES,
    cut,
    decode_png,
    draw_answer,
    encode_png,
    grain,
    join,
    restore,
    shape_mask,
    shuffle,
)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (64, 64), (3, 70), (200, 150)])
def test_png_round_trip(height: int, width: int) -> None:
    pixels = noise(height, width)
    data = encode_png(pixels)
    assert np.array_equal(decode_png(data), pixels)
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (width, height))


def test_png_bytes_are_known() -> None:
    """The bytes a stored 1x1 PNG has by the specification, put together here from its parts."""
    raw = b"\x00\x0a\x14\x1e"
    idat = b"\x78\x01" + b"\x01" + struct.pack("<HH", 4, 0xFFFF - 4) + raw + struct.pack(">I", zlib.adler32(raw))
    data = encode_png(np.array([[[10, 20, 30]]], dtype=np.uint8))
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert data[41 : 41 + len(idat)] == idat


def test_png_refuses_other_arrays() -> None:
    with pytest.raises(ValueError, match="uint8 RGB"):
        encode_png(np.zeros((2, 2, 4), dtype=np.uint8))


@given(rows=st.integers(1, 4), columns=st.integers(1, 4), tile=st.integers(1, 5), data=st.data())
def test_shuffle_then_restore_is_the_identity(rows: int, columns: int, tile: int, data: st.DataObject) -> None:
    pixels = noise(rows * tile, columns * (tile + 1))
    answer = data.draw(st.permutations(range(1, rows * columns + 1)))
    shown = shuffle(pixels, rows, columns, answer)
    assert np.array_equal(restore(shown, rows, columns, answer), pixels)


def test_answer_names_the_displayed_tile_that_belongs_in_each_place() -> None:
    picture = np.arange(4, dtype=np.uint8).reshape(2, 2, 1).repeat(3, axis=2)  # places hold 0 1 / 2 3
    shown = shuffle(picture, 2, 2, (2, 4, 1, 3))
    # Place 1 (value 0) is shown as tile 2, place 2 as tile 4, place 3 as tile 1, place 4 as tile 3.
    assert shown[:, :, 0].tolist() == [[2, 0], [3, 1]]


def test_cut_and_join() -> None:
    pixels = noise(6, 8)
    tiles = cut(pixels, 3, 2)
    assert [tile.shape for tile in tiles] == [(2, 4, 3)] * 6
    assert np.array_equal(tiles[1], pixels[:2, 4:])
    assert np.array_equal(join(tiles, 3, 2), pixels)
    with pytest.raises(ValueError, match="8x6 does not cut into 3x2"):
        cut(pixels, 2, 3)


@given(st.integers(2, 9), st.integers())
def test_draw_answer_is_a_permutation_but_never_the_identity(tiles: int, seed: int) -> None:
    answer = draw_answer(random.Random(seed), tiles)
    assert sorted(answer) == list(range(1, tiles + 1))
    assert list(answer) != sorted(answer)


def test_draw_answer_is_uniform() -> None:
    rng = random.Random(0)
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(5_000):
        answer = draw_answer(rng, 3)
        counts[answer] = counts.get(answer, 0) + 1
    assert len(counts) == 5
    assert all(850 < count < 1_150 for count in counts.values())


@pytest.mark.parametrize("kind", SHAPES)
def test_shapes_are_upright_and_inside_their_radius(kind: str) -> None:
    mask = shape_mask(kind, 41, (20, 20), 15)
    assert np.array_equal(mask, mask[:, ::-1])
    assert mask[20, 20]
    rows, columns = np.nonzero(mask)
    assert rows.min() >= 5
    assert rows.max() <= 35
    assert columns.min() >= 5
    assert columns.max() <= 35


def test_shapes_cover_different_areas() -> None:
    areas = {kind: int(shape_mask(kind, 41, (20, 20), 15).sum()) for kind in SHAPES}
    assert areas["circle"] == sum((x - 20) ** 2 + (y - 20) ** 2 <= 225 for x in range(41) for y in range(41))
    assert len(set(areas.values())) == len(SHAPES)
    with pytest.raises(ValueError, match="known: circle"):
        shape_mask("star", 41, (20, 20), 15)


def test_grain_stays_in_its_strength() -> None:
    values = grain(random.Random("grain"), 64, 5)
    assert values.min() == -5
    assert values.max() == 5
    assert abs(values.mean()) < 0.2
