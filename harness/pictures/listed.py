"""Listed pictures: files beside a local list that names each with its sha256."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.pictures.photos import PhotoError
from harness.sources import LocalFile, SourceError, data_folder


@dataclass(frozen=True)
class ListedPictures:
    """The pictures that ``listing`` names, a .csv with ``file`` (a path from its own folder) and ``sha256``."""

    listing: LocalFile

    def digests(self) -> dict[str, str]:
        """The sha256 of every picture's file by its name; ``SourceError`` where the list is missing or another one."""
        return {row["file"]: row["sha256"] for row in self.listing.rows()}

    def file(self, name: str) -> bytes:
        """A picture's file as it is; its item has its digest."""
        path = self._folder() / name
        try:
            return path.read_bytes()
        except OSError as error:
            raise PhotoError(f"{path}: cannot be read ({error.strerror})") from error

    def pinned(self) -> Any:
        """The sha256 of every picture, as JSON; ``SourceError`` where one is missing or another one."""
        digests = self.digests()
        for name, digest in digests.items():
            if hashlib.sha256(self.file(name)).hexdigest() != digest:
                raise SourceError(
                    f"{self._folder() / name}: sha256 is not the one that {self.listing.path} lists; restore the file"
                )
        return digests

    def _folder(self) -> Path:
        return (data_folder() or Path()) / Path(self.listing.path).parent
