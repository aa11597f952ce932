"""Pictures encoded again have the same pixels in no more bytes than a plain PNG."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from harness.pictures.lossless import smallest, suffix
from harness.pictures.pixels import PixelError

SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 12), st.sampled_from((3, 4)))


@given(arrays(np.uint8, SHAPES), st.sampled_from(("PNG", "WEBP", "TIFF")))
def test_every_pixel_is_kept(pixels: np.ndarray, form: str) -> None:  # type: ignore[type-arg]
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **({"lossless": True, "exact": True} if form == "WEBP" else {}))
    made = smallest(file.getvalue())
    assert suffix(made) in ("png", "webp")
    shown = Image.open(io.BytesIO(made))
    assert np.array_equal(np.asarray(shown.convert("RGBA")), np.asarray(Image.fromarray(pixels).convert("RGBA")))


def test_a_photograph_is_shown_as_it_was_decoded() -> None:
    file = io.BytesIO()
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (24, 24, 3), dtype=np.uint8))
    noise.save(file, "JPEG", quality=40)
    shown = Image.open(io.BytesIO(smallest(file.getvalue()))).convert("RGB")
    assert np.array_equal(np.asarray(shown), np.asarray(Image.open(io.BytesIO(file.getvalue()))))


def test_what_is_no_picture_is_named() -> None:
    with pytest.raises(PixelError, match="a picture of 3 bytes cannot be opened"):
        smallest(b"GIF")
