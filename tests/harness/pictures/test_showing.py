"""Copies for pages: of the same size, close to the picture, small, and never larger than without loss."""

import io

import numpy as np
import pytest
from PIL import Image

from harness.pictures.pixels import PixelError
from harness.pictures.showing import shown_copy


def encoded(pixels: np.ndarray, form: str, **how: object) -> bytes:  # type: ignore[type-arg]
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **how)
    return file.getvalue()


def opened(data: bytes) -> np.ndarray:  # type: ignore[type-arg]
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=float)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_a_copy_has_the_size_and_nearly_the_pixels_of_its_picture(form: str) -> None:
    across = np.linspace(0, 255, 64)
    pixels = np.stack([np.add.outer(across, across) / 2, np.tile(across, (64, 1)), np.full((64, 64), 90.0)], axis=2)
    data = encoded(pixels.astype(np.uint8), form, **({"lossless": True} if form == "WEBP" else {}))
    copy = opened(shown_copy(data))
    assert copy.shape == (64, 64, 3)
    assert np.abs(copy - opened(data)).mean() < 4


def test_flat_pictures_are_copied_without_loss() -> None:
    data = encoded(np.full((40, 40, 3), (10, 200, 30), dtype=np.uint8), "PNG")
    assert np.array_equal(opened(shown_copy(data)), opened(data))


def test_a_copy_is_a_fraction_of_a_picture_with_grain() -> None:
    rng = np.random.default_rng(1)
    pixels = (120 + rng.normal(0, 6, (64, 64, 3))).clip(0, 255).astype(np.uint8)
    data = encoded(pixels, "PNG")
    assert len(shown_copy(data)) < len(data) / 3


def test_the_same_picture_gives_the_same_copy() -> None:
    data = encoded(np.random.default_rng(2).integers(0, 255, (24, 24, 3), dtype=np.uint8), "PNG")
    assert shown_copy(data) == shown_copy(data)


def test_what_is_no_picture_is_named() -> None:
    with pytest.raises(PixelError, match="a picture of 3 bytes cannot be opened"):
        shown_copy(b"GIF")
