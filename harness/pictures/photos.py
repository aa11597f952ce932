"""Photos: pictures for puzzles, read one at a time from a user's folder or from a pinned collection.

Only names are kept: a set of ten thousand photographs needs no more memory than one.
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
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from harness.errors import RetentionError
from harness.pictures.pixels import Pixels
from harness.sources import SourceError, data_folder, hub_file, hub_has

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
# Larger pictures are reduced by the smallest integer factor that fits: block means, no interpolation.
LONGEST = 1008


class PhotoError(RetentionError):
    """A file that is not a picture, or cannot be read."""


@dataclass(frozen=True)
class Folder:
    """All pictures below ``path``, named by their relative path."""

    path: Path

    def names(self) -> Iterator[str]:
        """Names in sorted order; ``SourceError`` if there is no such folder, or no picture in it."""
        if not self.path.is_dir():
            raise SourceError(f"{self.path}: no such folder of pictures")
        found = sorted(
            path.relative_to(self.path).as_posix()
            for path in self.path.rglob("*")
            if path.suffix.lower() in SUFFIXES and path.is_file()
        )
        if not found:
            raise SourceError(f"{self.path}: no pictures in it; supported are {', '.join(SUFFIXES)}")
        return iter(found)

    def open(self, name: str) -> tuple[str, Pixels]:
        """The sha256 (hex) of a picture's file, and its pixels; ``PhotoError`` if it cannot be read."""
        path = self.path / name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise PhotoError(f"{path}: cannot be read ({error.strerror})") from error
        return hashlib.sha256(data).hexdigest(), decode(data, str(path))

    def pinned(self) -> Any:
        """The sha256 of every picture, as JSON; None where one cannot be read."""
        try:
            return {name: hashlib.sha256((self.path / name).read_bytes()).hexdigest() for name in self.names()}
        except OSError:
            return None


@dataclass(frozen=True)
class Collection:
    """Pictures of a published set: exactly the files that ``listing`` names (a .csv with ``name`` and ``sha256``).

    They are looked up in the data folder under each of ``copies``, and otherwise in ``archive``, a .zip file in the
    hub's data set ``repo`` at ``revision``, under ``member``; "{name}" stands for the picture's name in all of them.
    Wherever a file comes from, its sha256 must be the one listed.
    """

    repo: str
    revision: str
    archive: str
    member: str
    copies: tuple[str, ...]
    listing: Path

    @property
    def sources(self) -> tuple["Collection", ...]:
        """The published data sets of a task that uses this collection."""
        return (self,)

    def is_here(self) -> bool:
        """Whether the pictures can be had: the first of them from the data folder, or all from the hub or its cache."""
        folder, name = data_folder(), next(self.names())
        copies = [Path(str(folder), copy.format(name=name)) for copy in self.copies] if folder else []
        return any(path.is_file() for path in copies) or hub_has(self.repo, self.revision)

    def names(self) -> Iterator[str]:
        return iter(_listed(self.listing))

    def open(self, name: str) -> tuple[str, Pixels]:
        """The sha256 (hex) of a picture's file, and its pixels; ``SourceError`` if it is not available as listed."""
        data, where = self._checked(name)
        return _listed(self.listing)[name], decode(data, where)

    def digests(self) -> dict[str, str]:
        """The sha256 of every picture's file by its name."""
        return _listed(self.listing)

    def file(self, name: str) -> bytes:
        """A picture's file as it is; ``SourceError`` if it is not available as listed."""
        return self._checked(name)[0]

    def pinned(self) -> Any:
        """The sha256 of every picture, as JSON; ``SourceError`` if one is not available as listed."""
        for name in self.names():
            self._checked(name)
        return _listed(self.listing)

    def _checked(self, name: str) -> tuple[bytes, str]:
        data, where = self._read(name)
        digest, listed = hashlib.sha256(data).hexdigest(), _listed(self.listing)[name]
        if digest != listed:
            raise SourceError(
                f"{where}: sha256 {digest[:12]}, but {self.listing.name} lists {listed[:12]}; "
                "remove the file or replace it by the original"
            )
        return data, where

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
            raise SourceError(f"{archive}: {member} is missing or unreadable ({error})") from error


def decode(data: bytes, where: str = "picture") -> Pixels:
    """RGB pixels of an encoded picture, upright, its longer side at most ``LONGEST``; ``PhotoError`` names ``where``.

    JPEG decoders may round differently; that shows in the item ids, which cover the pixels.
    """
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data)) as opened:
            # A file that claims more pixels than any photograph is an attack: fail instead of warning.
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
