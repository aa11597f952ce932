"""A pool of processes that is begun anew when one of them dies, and finds out over which item."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, TypeVar

from harness.errors import RetentionError

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Spawned(SpawnContext):
    """Starts the processes of a pool, and knows them. Spawned, not forked: threads of pyarrow and of the linear algebra
    do not survive that."""

    def __init__(self) -> None:
        super().__init__()
        self._processes: list[SpawnProcess] = []

    def Process(self, *arguments: Any, **named: Any) -> SpawnProcess:  # type: ignore[override]  # noqa: N802
        self._processes.append(process := SpawnProcess(*arguments, **named))
        return process

    def kill(self) -> None:
        for process in self._processes:
            if process.is_alive():
                process.kill()


class WorkerPool:
    """``size`` processes, each begun with ``setup(*arguments)``; ``ahead`` items a process are handed out at once.

    When a process dies, the items handed out can be the cause: each is tried again by itself. With ``ahead`` of 1 these
    are the fewest, with more no process waits while this one is busy with a result.
    """

    def __init__(self, size: int, setup: Callable[..., None] | None = None, *arguments: Any, ahead: int = 1) -> None:
        self._size = size
        self._setup = setup
        self._arguments = arguments
        self._most = size * ahead
        self._pool: ProcessPoolExecutor | None = None
        self._begun = _Spawned()

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[Item, Result | None]]:
        """``(item, result)`` as they are done; None for an item that ended its process."""
        waiting = list(reversed(items))
        while waiting:
            lost: list[Item] = []
            running: dict[Future[Result], Item] = {}
            while running or (waiting and not lost):
                while waiting and not lost and len(running) < self._most:
                    item = waiting.pop()
                    running[self._submit(function, item)] = item
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    item = running.pop(future)
                    try:
                        yield item, future.result()
                    except BrokenProcessPool:
                        lost.append(item)
            if lost:
                self._abandon()
            for item in lost:
                yield item, None if len(lost) == 1 else self._alone(function, item)

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[Item, Result | None]]:
        """As :meth:`run`, in the order of ``items``, which all differ."""
        done: dict[Item, Result | None] = {}
        found = self.run(function, items)
        for item in items:
            while item not in done:
                done.update([next(found)])
            yield item, done.pop(item)

    def _submit(self, function: Callable[[Item], Result], item: Item) -> Future[Result]:
        try:
            return self._open().submit(function, item)
        except BrokenProcessPool:  # A process died while it had nothing to do.
            self._abandon()
            return self._open().submit(function, item)

    def _alone(self, function: Callable[[Item], Result], item: Item) -> Result | None:
        try:
            return self._submit(function, item).result()
        except BrokenProcessPool:
            self._abandon()
            return None

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _abandon(self) -> None:
        """Leave a broken pool and end its processes: it misses one that it is starting while another dies, and the
        interpreter would wait for that one at its own end."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._begun.kill()
            self._pool = None

    def begin(self) -> None:
        """Start the processes without waiting for them; the first item would otherwise."""
        if self._pool is None:
            self._begun = _Spawned()
            self._pool = ProcessPoolExecutor(self._size, self._begun, _begin, (self._setup, *self._arguments))
            # One each: a process is started where something is submitted and all others are busy.
            self._first, *_ = [self._pool.submit(os.getpid) for _ in range(self._size)]

    def _open(self) -> ProcessPoolExecutor:
        self.begin()
        assert self._pool is not None, "begun"
        try:
            self._first.result()
        except BrokenProcessPool as error:
            raise RetentionError(
                "the worker processes do not start; `retention doctor` says what is missing"
            ) from error
        return self._pool


def _begin(setup: Callable[..., None] | None, *arguments: Any) -> None:
    # A worker of a process that was killed would wait for its next item for ever.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if setup is not None:
        setup(*arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
