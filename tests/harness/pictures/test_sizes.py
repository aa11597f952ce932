"""Sizes: the rule of the processor that a shown picture must pass unchanged, and the pixels that are shown."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness.engines.torchvision_ops import define_missing_ops
from harness.pictures.pixels import decode_png
from harness.pictures.sizes import LEAST, MOST, TOKEN, in_whole_tokens, resized


@pytest.mark.parametrize(
    ("size", "shown"),
    [((640, 480), (644, 476)), ((427, 640), (420, 644)), ((3000, 2000), (1204, 812)), ((200, 100), (644, 336))],
)
def test_a_picture_is_shown_in_whole_tokens(size: tuple[int, int], shown: tuple[int, int]) -> None:
    assert in_whole_tokens(*size) == shown


@given(st.integers(30, 4000), st.integers(30, 4000))
def test_it_is_the_rule_of_the_processor_which_leaves_its_result_alone(width: int, height: int) -> None:
    define_missing_ops()
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

    if max(width, height) > 180 * min(width, height):
        return
    shown = in_whole_tokens(width, height)
    assert shown == smart_resize(height, width, TOKEN, LEAST, MOST)[::-1]
    assert in_whole_tokens(*shown) == shown


def test_the_shown_picture_has_the_size_and_bytes_that_follow_from_its_pixels() -> None:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGBA").save(file, "PNG")
    shown = resized(file.getvalue(), (56, 28))
    assert decode_png(shown).shape == (28, 56, 3)
    assert shown == resized(file.getvalue(), (56, 28))
    assert resized(shown, (56, 28)) == shown
