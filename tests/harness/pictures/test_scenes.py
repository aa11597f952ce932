"""Scenes: landscapes that are the same everywhere, differ from each other, and can be put in order."""

import itertools
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from harness.items import split_of
from harness.pictures.puzzles import Grid, texture
from harness.pictures.scenes import HEIGHT, WIDTH, Scenes, draw, fill_ellipse, fill_rectangle, fill_triangle, noise

# The pixels of the first pictures as they were when the first suites that hold them were frozen.
KNOWN = "d302538ca0f0fe21"


def first(split: str, count: int, seed: int = 1) -> list[str]:
    return list(itertools.islice(Scenes(split, seed).names(), count))  # type: ignore[arg-type]


def digest(names: list[str]) -> str:
    return sha256("".join(sha256(draw(name).tobytes()).hexdigest() for name in names).encode()).hexdigest()[:16]


def test_pixels_are_known() -> None:
    assert digest(first("test", 10)) == KNOWN


def test_the_same_bytes_in_another_process() -> None:
    code = "from tests.harness.pictures.test_scenes import digest, first\nprint(digest(first('train', 5)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == digest(first("train", 5))


def test_a_name_belongs_to_one_split() -> None:
    names = {split: first(split, 50) for split in ("train", "dev", "test")}
    for split, found in names.items():
        assert {split_of(name) for name in found} == {split}
    assert not set(names["test"]) & set(first("test", 50, seed=2))


def test_scenes_have_natural_size_and_differ() -> None:
    source = Scenes("dev", 3)
    opened = [source.open(name) for name in first("dev", 8, seed=3)]
    assert {pixels.shape for _, pixels in opened} == {(HEIGHT, WIDTH, 3)}
    assert len({found for found, _ in opened}) == 8
    assert all(found == sha256(pixels.tobytes()).hexdigest() for found, pixels in opened)


def test_nearly_all_scenes_can_be_decided() -> None:
    faults = [texture(draw(name), Grid(3, 3)).fault for name in first("dev", 60)]
    assert faults.count(None) >= 54


def test_noise_is_smooth_and_covers_its_range() -> None:
    import random

    values = noise(random.Random(1), 200, 300, 5)
    assert values.shape == (200, 300)
    assert values.min() >= 0
    assert values.max() <= 255
    assert np.ptp(values) > 200
    assert abs(np.diff(values, axis=0)).max() <= 255 // 32 + 2
    assert abs(np.diff(values, axis=1)).max() <= 255 // 32 + 2


@pytest.mark.parametrize("centre", [(60, 50), (0, 0), (WIDTH - 1, HEIGHT - 1), (-30, 20), (WIDTH + 40, HEIGHT + 40)])
def test_shapes_fill_what_they_say_and_nothing_off_the_canvas(centre: tuple[int, int]) -> None:
    x, y = centre
    across, down = np.arange(WIDTH) - x, (np.arange(HEIGHT) - y)[:, None]
    for fill, inside in (
        (
            lambda canvas: fill_ellipse(canvas, centre, (20, 10), (9, 8, 7)),
            across**2 * 100 + down**2 * 400 <= 40_000,
        ),
        (
            lambda canvas: fill_rectangle(canvas, x - 5, y - 4, x + 6, y + 7, (9, 8, 7)),
            (across >= -5) & (across <= 6) & (down >= -4) & (down <= 7),
        ),
        (
            lambda canvas: fill_triangle(canvas, centre, 12, y + 24, (9, 8, 7)),
            (down >= 0) & (down <= 24) & (2 * abs(across) <= down),
        ),
    ):
        canvas = np.zeros((3, HEIGHT, WIDTH), dtype=np.int16)
        fill(canvas)
        assert np.array_equal(canvas[0] == 9, inside)
        assert np.array_equal(canvas[2], np.where(inside, 7, 0))
