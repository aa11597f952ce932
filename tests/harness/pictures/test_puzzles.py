"""Puzzles: what is cropped, what can be decided, which orders are drawn, and what is shown."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness.pictures.pixels import cut, decode_png, restore
from harness.pictures.puzzles import ALIKE, FLAT, Grid, fit, orders, show, texture

DIGEST = "ab" * 32


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("size", "grid", "patch", "fitted"),
    [
        ((480, 640), Grid(3, 3), 28, (420, 588)),
        ((427, 640), Grid(3, 3), 28, (420, 588)),
        ((336, 504), Grid(3, 3), 28, (336, 504)),
        ((480, 640), Grid(2, 2), 28, (448, 616)),
        ((480, 640), Grid(1, 3), 28, (476, 588)),
        ((480, 640), Grid(3, 1), 28, (420, 616)),
        ((480, 640), Grid(3, 3), 32, (480, 576)),
        ((168, 168), Grid(3, 3), 28, (168, 168)),
        ((167, 640), Grid(3, 3), 28, None),
        ((640, 111), Grid(2, 2), 28, None),
    ],
)
def test_cuts_fall_on_the_borders_of_visual_tokens(
    size: tuple[int, int], grid: Grid, patch: int, fitted: tuple[int, int] | None
) -> None:
    pixels = picture(*size)
    found = fit(pixels, grid, patch)
    assert (None if found is None else found.shape[:2]) == fitted
    if found is not None:
        assert all(side % patch == 0 for side in cut(found, grid.rows, grid.columns)[0].shape[:2])
        top, left = (size[0] - found.shape[0]) // 2, (size[1] - found.shape[1]) // 2
        assert np.array_equal(found, pixels[top : top + found.shape[0], left : left + found.shape[1]])


@given(
    rows=st.integers(1, 3),
    columns=st.integers(1, 3),
    seed=st.integers(0, 10**6),
    digest=st.text("0123456789abcdef", min_size=4),
)
def test_shuffle_then_restore_is_the_identity(rows: int, columns: int, seed: int, digest: str) -> None:
    if rows * columns == 1:
        return
    grid = Grid(rows, columns)
    pixels = picture(2 * rows, 3 * columns)
    (order,) = orders(grid, 1, seed, digest)
    (shown,) = show(pixels, grid, order)
    assert not np.array_equal(decode_png(shown), pixels)
    assert np.array_equal(restore(decode_png(shown), rows, columns, order), pixels)


def test_tiles_one_by_one_are_the_displayed_tiles_in_their_order() -> None:
    grid, order = Grid(2, 2), (2, 4, 1, 3)
    pixels = picture(8, 8)
    (whole,) = show(pixels, grid, order)
    tiles = show(pixels, grid, order, "tiles")
    assert [decode_png(tile).tolist() for tile in tiles] == [tile.tolist() for tile in cut(decode_png(whole), 2, 2)]
    # Displayed tile 2 belongs top left.
    assert np.array_equal(decode_png(tiles[1]), pixels[:4, :4])


def test_orders_depend_on_seed_picture_and_grid_alone() -> None:
    drawn = orders(Grid(3, 3), 6, 1, DIGEST)
    assert drawn == orders(Grid(3, 3), 6, 1, DIGEST)
    assert orders(Grid(3, 3), 2, 1, DIGEST) == drawn[:2], "more orders of a picture leave the first ones alone"
    others = (orders(Grid(3, 3), 6, 2, DIGEST), orders(Grid(3, 3), 6, 1, "cd" * 32), orders(Grid(1, 9), 6, 1, DIGEST))
    assert all(other != drawn for other in others)
    # Pinned, so that a change of the stream cannot pass unseen.
    assert drawn[0] == (2, 7, 1, 4, 8, 5, 6, 3, 9)


def test_orders_are_different_and_never_the_identity() -> None:
    assert sorted(orders(Grid(1, 3), 5, 0, DIGEST)) == [
        order for order in itertools.permutations((1, 2, 3)) if order != (1, 2, 3)
    ]
    with pytest.raises(ValueError, match="1x3 has only 5 shuffled orders, not 6"):
        orders(Grid(1, 3), 6, 0, DIGEST)


def test_first_orders_are_uniform() -> None:
    rng = random.Random(0)
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(5_000):
        (order,) = orders(Grid(3, 1), 1, 0, str(rng.random()))
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 5
    assert all(850 < count < 1_150 for count in counts.values())


def test_guess_rates() -> None:
    assert Grid(3, 3).guess_rate == 1 / 362_880
    assert (Grid(2, 2).guess_rate, Grid(1, 3).guess_rate) == (1 / 24, 1 / 6)
    for rows, columns in ((1, 1), (0, 3), (-1, -2)):
        with pytest.raises(ValueError, match="not a jigsaw"):
            Grid(rows, columns)


def test_a_flat_tile_and_near_equal_tiles_cannot_be_decided() -> None:
    grid = Grid(3, 3)
    # Coarse noise: every tile differs from every other, and from itself elsewhere.
    pixels = np.repeat(np.repeat(picture(18, 18), 10, axis=0), 10, axis=1)
    assert texture(pixels, grid).fault is None
    flat = pixels.copy()
    flat[60:120, 60:120] = 128
    assert texture(flat, grid).deviation < FLAT
    assert texture(flat, grid).fault == "flat tile"
    twins = pixels.copy()
    twins[:60, :60] = twins[120:, 120:]
    assert texture(twins, grid).difference <= ALIKE
    assert texture(twins, grid).fault == "near-equal tiles"
    assert texture(twins, Grid(2, 2)).fault is None


def test_texture_is_what_its_definition_says() -> None:
    """Against floating point on the same reduced picture."""
    pixels = np.repeat(np.repeat(picture(9, 12, seed=3), 30, axis=0), 30, axis=1)
    reduced = Image.fromarray(pixels).resize((192, 192), Image.Resampling.BICUBIC)
    grey = Image.fromarray(pixels).convert("L").resize((192, 192), Image.Resampling.BICUBIC)
    tiles = [tile.astype(float) for tile in cut(np.asarray(reduced), 3, 3)]
    found = texture(pixels, Grid(3, 3))
    assert found.deviation == pytest.approx(min(tile.std() for tile in cut(np.asarray(grey, dtype=float), 3, 3)))
    assert found.difference == pytest.approx(min(abs(a - b).mean() for a, b in itertools.combinations(tiles, 2)))
