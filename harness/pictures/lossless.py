"""Pictures re-encoded for showing: the same pixels in fewer bytes."""

import io

import numpy as np
from PIL import Image

from harness.pictures.pixels import PixelError


def smallest(encoded: bytes) -> bytes:
    """The picture as optimised PNG or lossless WebP, whichever is smaller, without EXIF and the like.

    ``PixelError`` where the pixels would not be the same, or the bytes are no picture.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as opened:
            opened.load()
            shown = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise PixelError(f"a picture of {len(encoded):,} bytes cannot be opened ({type(error).__name__})") from error
    made = min((_png(shown), _webp(shown)), key=len)
    with Image.open(io.BytesIO(made)) as again:
        if not np.array_equal(np.asarray(again.convert(shown.mode)), np.asarray(shown)):
            raise PixelError(f"a picture of {shown.width}x{shown.height} pixels does not survive being encoded again")
    return made


def suffix(encoded: bytes) -> str:
    """The ending of a file with these bytes: ``png`` or ``webp``."""
    return "webp" if encoded[8:12] == b"WEBP" else "png"


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _webp(picture: Image.Image) -> bytes:
    # `exact` keeps the colour of pixels that are transparent.
    file = io.BytesIO()
    picture.save(file, "WEBP", lossless=True, quality=100, method=4, exact=True)
    return file.getvalue()
