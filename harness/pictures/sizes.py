"""Sizes: pictures shown in whole visual tokens, so that a processor of that token size leaves them as they are.

Coordinates in pixels mean those that a model sees. Where a picture is shown at a size that the processor does not
change, these are known with the item, and are the same for every model: both sides are multiples of the token's side
(28 pixels on Qwen2-VL and Qwen2.5-VL), and the area is within the limits that those models' cards recommend.
"""

import io
import math
from collections.abc import Callable

import numpy as np
from PIL import Image

from harness.pictures.pixels import encode_png

TOKEN = 28
# 256 to 1280 tokens.
LEAST = 256 * TOKEN * TOKEN
MOST = 1280 * TOKEN * TOKEN


def in_whole_tokens(width: int, height: int) -> tuple[int, int]:
    """The size at which a picture of ``width`` x ``height`` is shown: the nearest multiples of ``TOKEN``, scaled so
    that the area is within [``LEAST``, ``MOST``]. It is the rule of Qwen2-VL's processor, which leaves it as it is."""
    shown = max(TOKEN, round(width / TOKEN) * TOKEN), max(TOKEN, round(height / TOKEN) * TOKEN)
    area = shown[0] * shown[1]
    if area > MOST:
        scale = math.sqrt(width * height / MOST)
        return _rounded(math.floor, width / scale), _rounded(math.floor, height / scale)
    if area < LEAST:
        scale = math.sqrt(LEAST / (width * height))
        return _rounded(math.ceil, width * scale), _rounded(math.ceil, height * scale)
    return shown


def _rounded(how: Callable[[float], int], side: float) -> int:
    return max(TOKEN, how(side / TOKEN) * TOKEN)


def resized(picture: bytes, size: tuple[int, int]) -> bytes:
    """An encoded picture at another size (bicubic), as a PNG whose bytes follow from the pixels alone."""
    with Image.open(io.BytesIO(picture)) as opened:
        shown = opened.convert("RGB")
    return encode_png(np.asarray(shown if shown.size == size else shown.resize(size, Image.Resampling.BICUBIC)))
