"""Units: the site in parts that can be made one by one, in any order and in any process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leaderboard.site.pages import Pages

File = tuple[str, bytes]


@dataclass(frozen=True)
class Unit:
    """Files that are made together: ``make(pages, *about)`` gives path and content of each.

    Both travel to the process that makes them, so ``make`` is a function of a module and ``about`` a few names: the
    board is there already. All files of a unit are held at once; what has many of them is several units.
    """

    make: Callable[..., Iterable[File]]
    about: tuple[Any, ...] = ()

    def files(self, pages: Pages) -> Iterator[File]:
        yield from self.make(pages, *self.about)

    def __str__(self) -> str:
        """For messages: which family, which of its functions, about what."""
        return " ".join([self.make.__module__.rpartition(".")[2], self.make.__name__.strip("_"), *map(str, self.about)])


def single(path: str, template: str | None = None) -> Unit:
    """The unit of one page that knows what all pages know."""
    return Unit(_single, (path, template or path))


def _single(pages: Pages, path: str, template: str) -> Iterator[File]:
    yield pages.page(path, template)
