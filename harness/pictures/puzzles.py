"""Puzzles: how a picture becomes a jigsaw: cropping, unique solvability, orders, and the displayed images.

Pure integer arithmetic: the same picture, grid and seed give the same puzzle on every machine.
"""

import random
from dataclasses import dataclass
from itertools import combinations
from math import factorial, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.pictures.pixels import Pixels, cut, draw_answer, encode_png, shuffle

# Pixels of one visual token of Qwen2-VL and its successors: patches of 14, merged two by two.
PATCH = 28
# A tile has at least this many patches along each side; smaller ones show too little to recognise.
_LEAST_PATCHES = 2

# Decidability, in grey levels of 0..255, each tile seen at 64x64 pixels: a tile whose standard deviation of luminance
# is below FLAT says nothing of its place, and of two tiles whose mean absolute difference is at most ALIKE nobody can
# say which belongs where.
FLAT = 8
ALIKE = 15
_SEEN = 64

Layout = Literal["whole", "tiles"]


@dataclass(frozen=True)
class Grid:
    """Equal tiles in ``rows`` and ``columns``, numbered from 1 row by row."""

    rows: int
    columns: int

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1 or self.tiles < 2:
            raise ValueError(f"a grid of {self.name} tiles is not a jigsaw: it needs at least two")

    @property
    def tiles(self) -> int:
        return self.rows * self.columns

    @property
    def name(self) -> str:
        """Rows first: "3x1" is three tiles one below the other."""
        return f"{self.rows}x{self.columns}"

    @property
    def guess_rate(self) -> float:
        """Chance of the exact order, 1/m!; the model does not know that the unshuffled order never occurs."""
        return 1 / factorial(self.tiles)


@dataclass(frozen=True)
class Texture:
    """How well the tiles of a picture can be told apart: the least deviation, and the least difference of two."""

    deviation: float
    difference: float

    @property
    def fault(self) -> str | None:
        """Why a puzzle of these tiles has no unique solution, or None."""
        if self.deviation < FLAT:
            return "flat tile"
        return "near-equal tiles" if self.difference <= ALIKE else None


def fit(pixels: Pixels, grid: Grid, patch: int = PATCH) -> Pixels | None:
    """The centre of the picture, cropped so that tiles are multiples of ``patch``; None if it is too small.

    Nothing is resampled: 640x480 is cropped to 588x420 for 3x3 (tiles of 196x140). Cuts fall on the borders of visual
    tokens, so that no token sees two tiles.
    """
    height, width = (
        size // (patch * parts) * (patch * parts)
        for size, parts in zip(pixels.shape[:2], (grid.rows, grid.columns), strict=True)
    )
    if height < _LEAST_PATCHES * patch * grid.rows or width < _LEAST_PATCHES * patch * grid.columns:
        return None
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]


def texture(pixels: Pixels, grid: Grid) -> Texture:
    """Measure the tiles of the uncropped picture, so that the result does not depend on the patch size.

    Luminance is ITU-R 601, as in Pillow; the sums are exact, so that every machine decides the same.
    """
    picture = Image.fromarray(pixels)
    size = (_SEEN * grid.columns, _SEEN * grid.rows)
    colour, luminance = (
        np.asarray(each.resize(size, Image.Resampling.BICUBIC)) for each in (picture, picture.convert("L"))
    )
    tiles = [tile.astype(np.int16) for tile in cut(colour, grid.rows, grid.columns)]
    shades = [tile.astype(np.int64) for tile in cut(luminance, grid.rows, grid.columns)]
    differences = (int(abs(one - other).sum(dtype=np.int64)) for one, other in combinations(tiles, 2))
    return Texture(min(map(_deviation, shades)), min(differences) / tiles[0].size)


def _deviation(values: NDArray[np.int64]) -> float:
    count = values.size
    return sqrt(count * int((values * values).sum()) - int(values.sum()) ** 2) / count


def orders(grid: Grid, count: int, seed: int, digest: str) -> list[tuple[int, ...]]:
    """``count`` distinct orders for the picture with this digest, drawn by ``seed``; never the identity.

    The first is uniform over all other orders, and does not depend on ``count``. ``ValueError`` if there are fewer.
    """
    if count > factorial(grid.tiles) - 1:
        raise ValueError(f"a jigsaw of {grid.name} has only {factorial(grid.tiles) - 1} shuffled orders, not {count}")
    rng = random.Random(f"jigsaw:{grid.name}:{seed}:{digest}")
    drawn: dict[tuple[int, ...], None] = {}
    while len(drawn) < count:
        drawn[draw_answer(rng, grid.tiles)] = None
    return list(drawn)


def show(pixels: Pixels, grid: Grid, order: tuple[int, ...], layout: Layout = "whole") -> list[bytes]:
    """The images for the model, as PNG files: one shuffled picture, or the displayed tiles in their order."""
    shuffled = shuffle(pixels, grid.rows, grid.columns, order)
    shown = [shuffled] if layout == "whole" else cut(shuffled, grid.rows, grid.columns)
    return [encode_png(np.ascontiguousarray(each)) for each in shown]
