"""Rendering: units of the site become files, in this process or in several, the same bytes either way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.errors import RetentionError
from leaderboard.processes import WorkerPool, available_cores
from leaderboard.site.pages import Pages
from leaderboard.site.units import File, Unit

# Starting processes costs about as much as rendering so many units in this one.
_WORTH_PROCESSES = 200
# Units handed out to each process at once: enough that none waits, few enough that little is held.
_AHEAD = 3

_PAGES: list[Pages] = []


def rendered(pages: Pages, units: Sequence[Unit], jobs: int | None = 1) -> Iterator[File]:
    """The files of ``units`` as they are done; in ``jobs`` processes (None: one a core) where there are enough of them.

    ``RetentionError`` names a unit whose process ended.
    """
    count = min(jobs or available_cores(), len(units))
    if count <= 1 or len(units) < _WORTH_PROCESSES:
        for unit in units:
            yield from unit.files(pages)
        return
    with WorkerPool(count, _begin, pages, ahead=_AHEAD) as pool:
        for unit, files in pool.run(_there, units):
            if files is None:
                raise RetentionError(f"{unit}: the process that rendered it ended (out of memory?); try --jobs 1")
            yield from files


def _begin(pages: Pages) -> None:
    _PAGES[:] = [pages]


def _there(unit: Unit) -> list[File]:
    return list(unit.files(_PAGES[0]))
