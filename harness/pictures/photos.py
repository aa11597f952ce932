"""Photos: real pictures to be cut, read one at a time from a folder of the user's or from a pinned collection.

Nothing is held but names: a set of ten thousand photographs costs no more memory than one.
"""

import csv
import hashlib
import io
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from harness.errors import RetentionError
from harness.pictures.pixels import Pixels
from harness.sources import SourceError, data_folder, hub_file

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
# A longer side is divided by the least whole number that makes it fit: block means, nothing interpolated.
LONGEST = 1008


class PhotoError(RetentionError):
    """A file that is no picture, or none that can be read."""


@dataclass(frozen=True)
class Folder:
    """Every picture below ``path``, named by its path in there."""

    path: Path

    def names(self) -> Iterator[str]:
        """Names in sorted order; ``SourceError`` where there is no folder, or no picture in it."""
        if not self.path.is_dir():
            raise SourceError(f"{self.path}: no such folder of pictures")
        found = sorted(
            path.relative_to(self.path).as_posix()
            for path in self.path.rglob("*")
            if path.suffix.lower() in SUFFIXES and path.is_file()
        )
        if not found:
            raise SourceError(f"{self.path}: no pictures below it; read are {', '.join(SUFFIXES)}")
        return iter(found)

    def open(self, name: str) -> tuple[str, Pixels]:
        """The sha256 (hex) of a picture's file, and its pixels; ``PhotoError`` when it cannot be read."""
        path = self.path / name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise PhotoError(f"{path}: cannot be read ({error.strerror})") from error
        return hashlib.sha256(data).hexdigest(), decode(data, str(path))


@dataclass(frozen=True)
class Collection:
    """Pictures of a published set: those that ``listing`` names (a .csv with ``name`` and ``sha256``), byte for byte.

    They are looked for in the data folder under each of ``copies``, and else in ``archive``, a .zip file in the hub's
    data set ``repo`` at ``revision``, under ``member``; "{name}" stands for the picture's name in all of them. Whatever
    they come from, the sha256 of the file must be the one listed.
    """

    repo: str
    revision: str
    archive: str
    member: str
    copies: tuple[str, ...]
    listing: Path

    @property
    def sources(self) -> tuple["Collection", ...]:
        """The published data sets of a task that asks from this collection."""
        return (self,)

    def names(self) -> Iterator[str]:
        return iter(_listed(self.listing))

    def open(self, name: str) -> tuple[str, Pixels]:
        """The sha256 (hex) of a picture's file, and its pixels; ``SourceError`` when it is not to be had as listed."""
        data, where = self._read(name)
        digest = hashlib.sha256(data).hexdigest()
        if digest != _listed(self.listing)[name]:
            raise SourceError(
                f"{where}: sha256 {digest[:12]}, and {self.listing.name} lists {_listed(self.listing)[name][:12]}; "
                "take the file away or replace it by the original"
            )
        return digest, decode(data, where)

    def _read(self, name: str) -> tuple[bytes, str]:
        folder = data_folder()
        for copy in self.copies if folder else ():
            path = Path(str(folder), copy.format(name=name))
            if path.is_file():
                return path.read_bytes(), str(path)
        member = self.member.format(name=name)
        archive = hub_file(self.repo, self.revision, self.archive, self.copies[0].format(name=name))
        try:
            return _opened(archive).read(member), f"{archive}:{member}"
        except (KeyError, OSError, zipfile.BadZipFile) as error:
            raise SourceError(f"{archive}: no readable {member} in it ({error})") from error


def decode(data: bytes, where: str = "picture") -> Pixels:
    """RGB pixels of an encoded picture, upright, its longer side at most ``LONGEST``; ``PhotoError`` names ``where``.

    JPEG decoders may round differently; what they made of a file shows in the item ids, which cover the pixels.
    """
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data)) as opened:
            # A file that claims more pixels than any photograph has is a bomb, not a warning.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            ImageOps.exif_transpose(opened, in_place=True)
            picture = opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoError(f"{where}: not a readable picture ({type(error).__name__})") from error
    parts = -(-max(picture.size) // LONGEST)
    return np.asarray(picture.reduce(parts) if parts > 1 else picture)


@lru_cache(maxsize=8)
def _listed(listing: Path) -> dict[str, str]:
    with listing.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row["sha256"] for row in csv.DictReader(file)}


@lru_cache(maxsize=2)
def _opened(archive: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(archive)
