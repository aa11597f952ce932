"""Copies of pictures for pages: small, and all but equal to what the model was given."""

import io

from PIL import Image

from harness.pictures.pixels import PixelError

# At this quality of WebP a copy of 64 x 64 pixels takes a sixth of the picture without loss, and looks like it.
_QUALITY = 92


def shown_copy(encoded: bytes) -> bytes:
    """A copy of the picture as WebP, without EXIF and the like: without loss where that takes no more bytes.

    ``PixelError`` where the bytes are no picture. What a model is given is always the picture itself.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as opened:
            opened.load()
            shown = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise PixelError(f"a picture of {len(encoded):,} bytes cannot be opened ({type(error).__name__})") from error
    return min(_webp(shown, lossless=True), _webp(shown, quality=_QUALITY), key=len)


def _webp(picture: Image.Image, **how: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP", method=6, **how)
    return file.getvalue()
