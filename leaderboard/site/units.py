"""Units: the site in parts that can be made one by one, in any order and in any process, and remembered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leaderboard.site.pages import Pages

File = tuple[str, bytes]


def whole_board(pages: Pages, *_: Any) -> str | None:
    """The facts of what may say anything of any entry."""
    return pages.everything


def always_anew(*_: Any) -> None:
    """The facts of what is made sooner than it is looked up."""


@dataclass(frozen=True)
class Unit:
    """Files that are made together: ``make(pages, *about)`` gives path and content of each.

    ``facts(pages, *about)`` is all that the files follow from besides what every page knows, as JSON can hold it: the
    whole board where nothing else is said, None where they are not to be remembered. Units travel to the process that
    makes them, so both are functions of a module and ``about`` a few names: the board is there already. All files of
    a unit are held at once; what has many of them is several units.
    """

    make: Callable[..., Iterable[File]]
    about: tuple[Any, ...] = ()
    facts: Callable[..., Any] = whole_board

    def files(self, pages: Pages) -> Iterator[File]:
        yield from self.make(pages, *self.about)

    def key(self, pages: Pages) -> str | None:
        """What its files are remembered by; None where they are not."""
        facts = self.facts(pages, *self.about)
        if facts is None:
            return None
        return hashlib.sha256(json.dumps([pages.digest, str(self), facts]).encode()).hexdigest()

    def __str__(self) -> str:
        """For messages: which family, which of its functions, about what."""
        return " ".join([self.make.__module__.rpartition(".")[2], self.make.__name__.strip("_"), *map(str, self.about)])


def packed(files: Iterable[File]) -> bytes:
    """Files as one document: their paths and sizes on its first line, then their contents."""
    found = list(files)
    head = json.dumps([(name, len(content)) for name, content in found])
    return b"\n".join([head.encode(), b"".join(content for _, content in found)])


def unpacked(document: bytes) -> Iterator[File]:
    """The files of a document that :func:`packed` made."""
    head, _, contents = document.partition(b"\n")
    at = 0
    for name, size in json.loads(head):
        yield name, contents[at : at + size]
        at += size


def single(path: str, template: str | None = None) -> Unit:
    """The unit of one page that knows what all pages know."""
    return Unit(_single, (path, template or path))


def _single(pages: Pages, path: str, template: str) -> Iterator[File]:
    yield pages.page(path, template)
