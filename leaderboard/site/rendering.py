"""Rendering: units of the site become files, in this process or in several, the same bytes either way.

The files of a unit are remembered by all that they follow from; only units of which something is new are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from harness.errors import RetentionError
from leaderboard.processes import WorkerPool, available_cores
from leaderboard.site.pages import Pages
from leaderboard.site.units import File, Unit, packed, unpacked

# Starting processes costs about as much as rendering so many units in this one.
_WORTH_PROCESSES = 200
# Lots of units handed out to each process at once: enough that none waits, few enough that little is held.
_AHEAD = 3

_PAGES: list[Pages] = []
_Keyed = tuple[Unit, str | None]
# Units about the same, which read the same files: made by one process, one after the other.
_Lot = tuple[_Keyed, ...]


def rendered(pages: Pages, units: Sequence[Unit], jobs: int | None = 1) -> Iterator[File]:
    """The files of ``units`` as they are done; in ``jobs`` processes (None: one a core) where there are enough of them.

    ``RetentionError`` names a unit whose process ended.
    """
    missing: list[_Keyed] = []
    for unit in units:
        key = unit.key(pages)
        stored = None if key is None else pages.cache.get(key)
        if stored is None:
            missing.append((unit, key))
        else:
            yield from unpacked(stored)
    for document in _made(pages, missing, jobs or available_cores()):
        yield from unpacked(document)


def _made(pages: Pages, missing: Sequence[_Keyed], jobs: int) -> Iterator[bytes]:
    if jobs == 1 or len(missing) < _WORTH_PROCESSES:
        for keyed in missing:
            yield _make(pages, keyed)
        return
    lots = [tuple(lot) for _, lot in groupby(missing, key=lambda keyed: keyed[0].about)]
    with WorkerPool(min(jobs, len(lots)), _begin, pages, ahead=_AHEAD) as pool:
        for lot, documents in pool.run(_there, lots):
            if documents is None:
                unit, _ = lot[0]
                raise RetentionError(f"{unit}: the process that rendered it ended (out of memory?); try --jobs 1")
            yield from documents


def _begin(pages: Pages) -> None:
    _PAGES[:] = [pages]


def _there(lot: _Lot) -> list[bytes]:
    return [_make(_PAGES[0], keyed) for keyed in lot]


def _make(pages: Pages, keyed: _Keyed) -> bytes:
    unit, key = keyed
    document = packed(unit.files(pages))
    if key is not None:
        pages.cache.put(key, document)
    return document
