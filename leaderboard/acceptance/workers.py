"""Many entries beside each other: worker processes that each read suites and bases once, and may die over an entry.

An entry that kills its worker (memory, a crash in a library, more time than it may take) gets a report that says so,
and takes no other entry with it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVar

from harness.errors import RetentionError
from harness.sources import DATA_VARIABLE
from leaderboard.acceptance.copies import Fingerprint
from leaderboard.acceptance.coverage import Surroundings
from leaderboard.acceptance.report import Report, report
from leaderboard.acceptance.steps import across, examine, others, print_of
from leaderboard.entries import Shelf, finding

# Of one entry, the loading of its suite's data included.
MOST_SECONDS = 900.0

Result = TypeVar("Result")
Examined = tuple[Report, Fingerprint | None]

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
    crowd = _Crowd(jobs or _cores(), (shelf, tuple(suites), most_seconds))
    reports: dict[Path, Report] = {}
    prints: list[Fingerprint] = []
    for folder, examined in crowd.run(_examine, folders):
        made, printed = (_lost(folder), None) if examined is None else examined
        reports[folder] = made
        if printed is not None:
            prints.append(printed)
        done(made)
    prints += [printed for _, printed in crowd.run(_print_of, others(shelf, folders)) if printed is not None]
    crowd.close()
    return across([reports[folder] for folder in folders], prints, shelf)


class _Crowd:
    """A pool of processes that is begun anew when one of them dies, and finds out over which item."""

    def __init__(self, size: int, setting: tuple[Shelf, tuple[Path, ...], float]) -> None:
        self._size = size
        self._setting = setting
        self._pool: ProcessPoolExecutor | None = None

    def run(self, function: Callable[[Path], Result], items: Sequence[Path]) -> Iterator[tuple[Path, Result | None]]:
        """``(item, result)`` as they are done; None for an item that ended its process."""
        waiting = list(reversed(items))
        while waiting:
            # No more at once than there are processes: when one dies, only those running can be the cause.
            lost: list[Path] = []
            running: dict[Future[Result], Path] = {}
            while running or (waiting and not lost):
                while waiting and not lost and len(running) < self._size:
                    item = waiting.pop()
                    running[self._open().submit(function, item)] = item
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    item = running.pop(future)
                    try:
                        yield item, future.result()
                    except BrokenProcessPool:
                        lost.append(item)
            if lost:
                self.close()
            for item in lost:
                yield item, None if len(lost) == 1 else self._alone(function, item)

    def _alone(self, function: Callable[[Path], Result], item: Path) -> Result | None:
        try:
            return self._open().submit(function, item).result()
        except BrokenProcessPool:
            self.close()
            return None

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _open(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Spawned, not forked: the libraries below start threads of their own.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._size, context, _set_up, (*self._setting, _environment()))
            try:
                self._pool.submit(_is_set_up).result()
            except BrokenProcessPool as error:
                raise RetentionError(
                    "the processes that validate do not start; `retention doctor` says what is missing"
                ) from error
        return self._pool


def _set_up(shelf: Shelf, suites: tuple[Path, ...], most_seconds: float, environment: dict[str, str]) -> None:
    global _around, _most_seconds
    os.environ.update(environment)
    _around, _most_seconds = Surroundings(shelf, suites), most_seconds


def _examine(folder: Path) -> Examined:
    with _Alarm():
        return examine(folder, _surroundings())


def _print_of(folder: Path) -> Fingerprint | None:
    with _Alarm():
        return print_of(folder, _surroundings())


def _is_set_up() -> bool:
    return _around is not None


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
    why = "the process that validated this entry ended: too much memory or time, or a crash in a library"
    return report(folder.name, [finding("broken", ".", why)], set(), None)


def _environment() -> dict[str, str]:
    """One thread a process, as there are as many processes as cores; and where the data is."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS"), "1")
    return threads | {name: os.environ[name] for name in (DATA_VARIABLE,) if name in os.environ}


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
