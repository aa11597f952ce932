"""Pictures of a golden set: files below the folder of its file, by relative paths, and no others.

A path that leads out of the folder, also through a link, is refused: a file of questions that somebody sent must not
make a report show what else lies on the disk.
"""

import io
from pathlib import Path, PurePosixPath

from PIL import Image

from harness.golden.cells import GoldenError

MAX_PICTURE = 32 * 1024 * 1024
MAX_PIXELS = 64 * 1024 * 1024
FORMATS = ("PNG", "JPEG", "WEBP")


def read_picture(folder: Path, name: str, where: str) -> bytes:
    """The encoded picture ``name`` below ``folder``; ``GoldenError`` begins with ``where``."""
    path = picture_path(folder, name, where)
    if not path.is_file():
        raise GoldenError(f"{where}: no such picture: {name[:120]!a} (looked in {folder})")
    if (size := path.stat().st_size) > MAX_PICTURE:
        raise GoldenError(f"{where}: {name[:120]!a} has {size:,} bytes, more than {MAX_PICTURE:,}; make it smaller")
    data = path.read_bytes()
    _check(data, name, where)
    return data


def picture_path(folder: Path, name: str, where: str) -> Path:
    """The path of a picture, which stays within ``folder``."""
    if "://" in name or name.startswith("data:"):
        raise GoldenError(f"{where}: {name[:60]!a} is an address; save the picture beside the file and give its path")
    if "\\" in name:
        raise GoldenError(f"{where}: {name[:120]!a} has a backslash; write / between folders")
    given = PurePosixPath(name)
    path = folder / given
    outside = given.is_absolute() or ".." in given.parts or not path.resolve().is_relative_to(folder.resolve())
    if outside:
        raise GoldenError(
            f"{where}: {name[:120]!a} lies outside the file's folder; copy the picture there, and give its path "
            "relative to the file"
        )
    return path


def _check(data: bytes, name: str, where: str) -> None:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height <= MAX_PIXELS:
                opened.load()
                return
            raise GoldenError(
                f"{where}: {name[:120]!a} has {opened.width} x {opened.height} pixels, more than {MAX_PIXELS:,}; make "
                "it smaller"
            )
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise GoldenError(
            f"{where}: {name[:120]!a} is no readable picture ({type(error).__name__}); pictures are PNG, JPEG or WebP"
        ) from error
