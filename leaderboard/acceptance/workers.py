"""Many entries beside each other: worker processes that each read suites and bases once, and may die over an entry.

What examines entries takes seconds to import. The workers do that while this process does, so nothing here is imported
before they are started.

An entry that kills its worker (memory, a crash in a library, more time than it may take) gets a report that says so,
and takes no other entry with it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from leaderboard.processes import WorkerPool, available_cores

if TYPE_CHECKING:
    from leaderboard.acceptance.copies import Fingerprint
    from leaderboard.acceptance.coverage import Surroundings
    from leaderboard.acceptance.report import Report
    from leaderboard.entries import Shelf

# Of one entry, the loading of its suite's data included.
MOST_SECONDS = 900.0

_around: Surroundings | None = None
_most_seconds = MOST_SECONDS


def validate_all(
    folders: Sequence[Path],
    shelf: Shelf,
    suites: Sequence[Path] = (),
    *,
    jobs: int | None = None,
    done: Callable[[Report], None] = lambda _: None,
    most_seconds: float = MOST_SECONDS,
) -> list[Report]:
    """A report on each of ``folders``, in their order, from ``jobs`` processes (as many as there are cores).

    ``done`` is told of each entry as its own steps are over; what comparing entries finds comes after all of them.
    """
    reports: dict[Path, Report] = {}
    prints: list[Fingerprint] = []
    # No more entries at once than there are processes: when one dies, only those running can be the cause.
    with WorkerPool(jobs or available_cores(), _set_up, shelf, tuple(suites), most_seconds, _environment()) as pool:
        pool.begin()
        from leaderboard.acceptance.steps import across, others

        for folder, examined in pool.run(_examine, folders):
            made, printed = (_lost(folder), None) if examined is None else examined
            reports[folder] = made
            if printed is not None:
                prints.append(printed)
            done(made)
        prints += [printed for _, printed in pool.run(_print_of, others(shelf, folders)) if printed is not None]
    return across([reports[folder] for folder in folders], prints, shelf)


def _set_up(shelf: Shelf, suites: tuple[Path, ...], most_seconds: float, environment: dict[str, str]) -> None:
    from leaderboard.acceptance.coverage import Surroundings

    global _around, _most_seconds
    os.environ.update(environment)
    _around, _most_seconds = Surroundings(shelf, suites), most_seconds


def _examine(folder: Path) -> tuple[Report, Fingerprint | None]:
    from leaderboard.acceptance.steps import examine

    with _Alarm():
        return examine(folder, _surroundings())


def _print_of(folder: Path) -> Fingerprint | None:
    from leaderboard.acceptance.steps import print_of

    with _Alarm():
        return print_of(folder, _surroundings())


def _surroundings() -> Surroundings:
    if _around is None:
        raise RuntimeError("this process was not set up as a worker")
    return _around


class _Alarm:
    """Ends this process when a call takes too long; nothing in it can catch or miss the signal."""

    def __enter__(self) -> None:
        self._set(_most_seconds)

    def __exit__(self, *_: object) -> None:
        self._set(0)

    def _set(self, seconds: float) -> None:
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, seconds)


def _lost(folder: Path) -> Report:
    from leaderboard.acceptance.report import report
    from leaderboard.entries import finding

    why = "the process that validated this entry ended: too much memory or time, or a crash in a library"
    return report(folder.name, [finding("broken", ".", why)], set(), None)


def _environment() -> dict[str, str]:
    """One thread a process, as there are as many processes as cores; and where the data is."""
    from harness.sources import DATA_VARIABLE

    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS"), "1")
    return threads | {name: os.environ[name] for name in (DATA_VARIABLE,) if name in os.environ}
