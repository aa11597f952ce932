"""Scenes: procedural landscapes, the second domain of pictures, in pure integer arithmetic.

A scene has cues to the order of its parts: a sky that brightens towards the horizon and the sun, clouds, ridges one
behind the other, fields whose rows meet at a vanishing point, a winding path, and objects that are larger the nearer
they are. The same seed and index give the same bytes on every machine.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.items import Split, split_of
from harness.pictures.pixels import Pixels

WIDTH, HEIGHT = 504, 336

# Red, green and blue planes (3, height, width). 16 bits are enough for every product below (at most 255 * 128) and
# twice as fast as 32.
Canvas = NDArray[np.int16]
Plane = NDArray[np.int16]
Colour = Sequence[int]


@dataclass(frozen=True)
class Scenes:
    """The landscapes of one split: ``names`` is infinite, and a picture is generated from its name.

    A picture's split follows from its name, so no picture is in two splits.
    """

    split: Split = "test"
    seed: int = 0

    def names(self) -> Iterator[str]:
        index = 0
        while True:
            name = f"scene:{self.seed}:{index}"
            if split_of(name) == self.split:
                yield name
            index += 1

    def open(self, name: str) -> tuple[str, Pixels]:
        """The sha256 (hex) of a picture's pixels, and the pixels."""
        pixels = draw(name)
        return sha256(pixels.tobytes()).hexdigest(), pixels

    def pinned(self) -> Any:
        """What fixes the pictures besides the code that draws them, as JSON."""
        return {"split": self.split, "seed": self.seed}


def draw(name: str) -> Pixels:
    """The landscape of this name, 504x336 pixels."""
    rng = random.Random(name)
    canvas, horizon, sun = backdrop(rng)
    _things(canvas, rng, horizon, sun)
    return develop(canvas, rng)


def backdrop(rng: random.Random) -> tuple[Canvas, int, int]:
    """A landscape without objects, the row of its horizon and the column of its sun."""
    horizon = rng.randint(HEIGHT * 2 // 5, HEIGHT * 3 // 5)
    canvas = np.empty((3, HEIGHT, WIDTH), dtype=np.int16)
    sun = (rng.randrange(WIDTH), rng.randint(horizon // 6, horizon))
    _sky(canvas, rng, horizon, sun)
    _ridges(canvas, rng, horizon, sun[0])
    vanishing = (rng.randrange(WIDTH // 6, WIDTH * 5 // 6), horizon - rng.randint(4, 20))
    _fields(canvas, rng, horizon, vanishing)
    _path(canvas, rng, horizon, vanishing[0])
    return canvas, horizon, sun[0]


def develop(canvas: Canvas, rng: random.Random) -> Pixels:
    """The canvas as a picture (height, width, 3), with a little grain."""
    grain = np.frombuffer(rng.randbytes(HEIGHT * WIDTH), dtype=np.uint8).reshape(HEIGHT, WIDTH)
    canvas += (grain >> 4).astype(np.int16) - 8
    return np.ascontiguousarray(np.clip(canvas, 0, 255).astype(np.uint8).transpose(1, 2, 0))


def noise(rng: random.Random, height: int, width: int, fineness: int) -> Plane:
    """Values 0..255 that change smoothly over 2**``fineness`` pixels: random on a lattice, bilinear in between.

    ``fineness`` is at most 7.
    """
    cell = 1 << fineness
    down, across = height // cell + 2, width // cell + 2
    lattice = np.frombuffer(rng.randbytes(down * across), dtype=np.uint8).reshape(down, across).astype(np.int16)
    return _between(_between(lattice, cell, fineness)[:height].T, cell, fineness)[:width].T


def _between(values: Plane, cell: int, fineness: int) -> Plane:
    """Each row, and ``cell`` - 1 interpolated rows before the next."""
    steps = np.arange(cell, dtype=np.int16)[None, :, None]
    one, next_one = values[:-1, None], values[1:, None]
    rows: Plane = one * np.int16(cell) + (next_one - one) * steps
    return np.right_shift(rows, np.int16(fineness)).reshape(-1, values.shape[1])


def fill_ellipse(canvas: Canvas, centre: tuple[int, int], radii: tuple[int, int], colour: Colour) -> None:
    """Fill an ellipse, in place, clipped to the canvas. ``centre`` is (x, y)."""
    (x, y), (across, down) = centre, radii
    rows, columns = _within(y - down, y + down, HEIGHT), _within(x - across, x + across, WIDTH)
    inside = _squares(columns, x) * (down * down) + _squares(rows, y)[:, None] * (across * across)
    np.copyto(canvas[:, rows, columns], _planes(colour), where=inside <= (across * down) ** 2)


def fill_rectangle(canvas: Canvas, left: int, top: int, right: int, bottom: int, colour: Colour) -> None:
    """Fill from (left, top) to (right, bottom), inclusive, in place."""
    canvas[:, _within(top, bottom, HEIGHT), _within(left, right, WIDTH)] = _planes(colour)


def fill_triangle(canvas: Canvas, apex: tuple[int, int], base: int, bottom: int, colour: Colour) -> None:
    """Fill an upright triangle whose base reaches ``base`` pixels to either side at ``bottom``, in place."""
    x, y = apex
    rows, columns = _within(y, bottom, HEIGHT), _within(x - base, x + base, WIDTH)
    inside = abs(_AXIS[columns] - x) * max(1, bottom - y) <= (_AXIS[rows] - y)[:, None] * base
    np.copyto(canvas[:, rows, columns], _planes(colour), where=inside)


_AXIS = np.arange(max(WIDTH, HEIGHT), dtype=np.int64)


def _within(first: int, last: int, size: int) -> slice:
    """The pixels from ``first`` to ``last``, inclusive, that are on the canvas."""
    return slice(min(max(first, 0), size), min(max(last + 1, 0), size))


def _squares(pixels: slice, origin: int) -> NDArray[np.int64]:
    distances = _AXIS[pixels] - origin
    return distances * distances


def _sky(canvas: Canvas, rng: random.Random, horizon: int, sun: tuple[int, int]) -> None:
    """Two colours from top to horizon, a glow around the sun, and clouds."""
    height = horizon + 60
    top = _colour(rng, (20, 110), (70, 140), (140, 230)).astype(np.int32)
    low = _colour(rng, (190, 250), (150, 225), (120, 230)).astype(np.int32)
    y = np.arange(height, dtype=np.int32)[:, None]
    sky = ((top * (height - y) + low * y) // height).astype(np.int16)
    cover = noise(rng, height, WIDTH, 6) + (noise(rng, height, WIDTH, 4) >> 1)
    cloud = np.clip(cover - rng.randint(150, 210), 0, 120)
    canvas[:, :height] = (sky * (128 - cloud) + rng.randint(150, 250) * cloud) >> 7
    reach = rng.randint(120, 260)
    dx, dy = np.arange(WIDTH, dtype=np.int32) - sun[0], np.arange(height, dtype=np.int32) - sun[1]
    near = np.maximum(reach * reach - (dx * dx)[None, :] - (dy * dy)[:, None], 0) * 16 // (reach * reach // 8)
    canvas[:, :height] += (near.astype(np.int16) * _colour(rng, (60, 110), (40, 90), (0, 60))) >> 7
    fill_ellipse(canvas, sun, (rng.randint(12, 22),) * 2, (255, 245, rng.randint(180, 235)))


def _ridges(canvas: Canvas, rng: random.Random, horizon: int, sun: int) -> None:
    """Ridges one behind the other, the farther the paler, each lit from the side of the sun."""
    count = rng.randint(2, 3)
    haze, near = _colour(rng, (120, 190), (130, 190), (150, 210)), _colour(rng, (20, 90), (50, 110), (30, 90))
    for place in range(1, count + 1):
        height = (count + 1 - place) * rng.randint(16, 34)
        large, small = (noise(rng, 1, WIDTH + 8, fineness)[0].astype(np.int32) for fineness in (6, 4))
        line = large * height // 128 + small * height // 900
        top = max(0, horizon - int(line.max()))
        slope = np.clip(line[8:] - line[:-8], -9, 9) * (1 if sun < WIDTH // 2 else -1)
        shade = ((noise(rng, horizon + 1 - top, WIDTH, 3) - 128) >> 3) - slope.astype(np.int16)
        ridge = (haze * (count + 1 - place) + near * place) // (count + 1) + shade
        covered = np.arange(top, horizon + 1)[:, None] >= horizon - line[None, :WIDTH]
        np.copyto(canvas[:, top : horizon + 1], ridge, where=covered)


def _fields(canvas: Canvas, rng: random.Random, horizon: int, vanishing: tuple[int, int]) -> None:
    """The ground: fields side by side, their furrows and edges running together at the vanishing point."""
    height = HEIGHT - horizon
    y = np.arange(horizon, HEIGHT, dtype=np.int32)[:, None]
    # How far right of the vanishing point a pixel's line meets the bottom edge: the same all along a furrow.
    right = (np.arange(WIDTH, dtype=np.int32)[None, :] - vanishing[0]) * (HEIGHT - vanishing[1])
    foot = (right // (y - vanishing[1])).astype(np.int16)
    colours = np.concatenate([_colour(rng, (60, 200), (90, 190), (20, 90))[:, 0] for _ in range(32)], axis=1)
    field = np.clip(foot // rng.randint(150, 260) + 16, 0, 31)
    furrow = rng.randint(14, 26)
    shade = np.where(foot % furrow < furrow // 3, np.int16(-rng.randint(18, 40)), np.int16(0))
    shade += ((y - horizon) * 40 // height - 20).astype(np.int16)
    shade += (noise(rng, height, WIDTH, 3) + noise(rng, height, WIDTH, 5) - 256) >> 2
    canvas[:, horizon:] = colours[:, field] + shade


def _path(canvas: Canvas, rng: random.Random, horizon: int, vanishing: int) -> None:
    """A path or a stream that winds towards the horizon and gets narrower."""
    height = HEIGHT - horizon
    depth = np.arange(height, dtype=np.int32)
    bend = (noise(rng, height, 1, 6)[:, 0].astype(np.int32) - 128) * depth // height
    middle = vanishing + (rng.randrange(WIDTH) - vanishing) * depth // height + bend
    half = 1 + rng.randint(24, 48) * depth // height
    covered = abs(np.arange(WIDTH, dtype=np.int32)[None, :] - middle[:, None]) <= half[:, None]
    colour = _planes(rng.choice(((196, 176, 140), (90, 130, 180), (120, 115, 110))))
    rough = (noise(rng, height, WIDTH, 2) - 128) >> 3
    np.copyto(canvas[:, horizon:], colour + rough, where=covered)


def _colour(rng: random.Random, *ranges: tuple[int, int]) -> Canvas:
    return _planes([rng.randint(low, high) for low, high in ranges])


def _planes(colour: Colour) -> Canvas:
    return np.array(colour, dtype=np.int16).reshape(3, 1, 1)


def _things(canvas: Canvas, rng: random.Random, horizon: int, sun: int) -> None:
    """Trees and houses on the ground, the nearer the larger and painted last; now and then balloons in the sky."""
    for _ in range(rng.randint(0, 2)):
        place = (rng.randrange(WIDTH), rng.randint(24, max(25, horizon - 60)))
        radius = rng.randint(14, 30)
        one, other = ((rng.randint(150, 250), rng.randint(20, 220), rng.randint(20, 220)) for _ in range(2))
        paint_balloon(canvas, place, radius, one, other)
    # One thing in each ninth of the width, so that no column of the picture stays bare, and some more anywhere.
    columns = [WIDTH * k // 9 + rng.randrange(WIDTH // 9) for k in range(9)]
    columns += [rng.randrange(WIDTH) for _ in range(rng.randint(3, 8))]
    feet = sorted((rng.randint(horizon + 4, HEIGHT + 10), x) for x in columns)
    for foot, x in feet:
        size = 10 + (foot - horizon) * rng.randint(40, 70) // (HEIGHT - horizon)
        (paint_house if rng.randrange(4) == 0 else paint_tree)(canvas, rng, x, foot, size, x < sun)


def paint_tree(canvas: Canvas, rng: random.Random, x: int, foot: int, size: int, lit_right: bool) -> None:
    """A tree standing at (x, foot): about 3/2 ``size`` high, and as wide as that at most."""
    trunk = (rng.randint(60, 100), rng.randint(40, 70), rng.randint(20, 45))
    fill_rectangle(canvas, x - size // 10, foot - size * 3 // 4, x + size // 10, foot, trunk)
    green = (rng.randint(20, 170), rng.randint(70, 130), rng.randint(15, 60))
    light = tuple(min(255, part + 45) for part in green)
    side = 1 if lit_right else -1
    if rng.randrange(3) == 0:
        for step in range(3):
            bottom, base = foot - size // 4 - step * size // 3, size * (5 - step) // 10
            fill_triangle(canvas, (x, bottom - size // 2), base, bottom, green)
            fill_triangle(canvas, (x + side * base // 4, bottom - size // 3), base // 3, bottom, light)
        return
    for _ in range(rng.randint(4, 7)):
        centre = (x + rng.randint(-size // 3, size // 3), foot - size + rng.randint(-size // 4, size // 4))
        radius = max(2, size * rng.randint(20, 36) // 100)
        fill_ellipse(canvas, centre, (radius, radius), green)
        fill_ellipse(canvas, (centre[0] + side * radius // 3, centre[1] - radius // 3), (radius // 2 + 1,) * 2, light)


def paint_house(canvas: Canvas, rng: random.Random, x: int, foot: int, size: int, lit_right: bool) -> None:
    """A house standing at (x, foot): 5/4 ``size`` high and 19/12 ``size`` wide."""
    wall = (rng.randint(140, 240), rng.randint(120, 220), rng.randint(100, 200))
    dark = tuple(part * 2 // 3 for part in wall)
    half, top = size * 2 // 3, foot - size * 3 // 4
    fill_rectangle(canvas, x - half, top, x + half, foot, wall)
    fill_rectangle(
        canvas, *((x - half, top, x - half // 3, foot) if lit_right else (x + half // 3, top, x + half, foot)), dark
    )
    roof = (rng.randint(110, 190), rng.randint(40, 90), rng.randint(30, 80))
    fill_triangle(canvas, (x, top - size // 2), half + size // 8, top, roof)
    pane, door = (rng.randint(60, 255), rng.randint(60, 230), rng.randint(40, 120)), (70, 45, 30)
    for place in (-half * 2 // 3, half * 2 // 3):
        fill_rectangle(canvas, x + place - size // 9, top + size // 8, x + place + size // 9, top + size * 3 // 8, pane)
    fill_rectangle(canvas, x - size // 9, foot - size * 2 // 5, x + size // 9, foot, door)


def paint_balloon(canvas: Canvas, centre: tuple[int, int], radius: int, one: Colour, other: Colour) -> None:
    """A balloon with its basket, striped in two colours; it reaches 9/5 of its radius below its centre."""
    x, y = centre
    fill_ellipse(canvas, (x, y), (radius, radius * 6 // 5), one)
    fill_ellipse(canvas, (x, y), (radius * 3 // 5, radius * 6 // 5), other)
    fill_ellipse(canvas, (x, y), (radius // 5, radius * 6 // 5), one)
    fill_rectangle(canvas, x - radius // 4, y + radius * 7 // 5, x + radius // 4, y + radius * 9 // 5, (90, 60, 35))
