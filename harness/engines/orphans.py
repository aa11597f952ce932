"""Orphans: processes that a library starts for this one and that would outlive it, if it is killed.

Ray's own end with it, but for its agents: they notice that their node is gone, and then wait a minute to report that to
a server that is gone too. A process of its own watches, since whoever is killed cleans nothing up.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

# Seconds in which they may end by themselves.
_PATIENCE = 2.0


@contextlib.contextmanager
def ending_with_this_process() -> Iterator[None]:
    """Have the processes that this one starts in the block, and those below them, killed once this one has ended,
    however that comes, unless they have ended by then. Takes psutil, which comes with Ray's extra."""
    import psutil

    this = psutil.Process()
    before = set(this.children())
    try:
        yield
    finally:
        if named := [name for each in this.children() if each not in before for name in _named(each)]:
            _watch(named)


def _named(process: Any) -> list[str]:
    """A process and those below it, each as its id and the time of its start; none where it has ended."""
    import psutil

    try:
        below = process.children(recursive=True)
        return [f"{each.pid}:{each.create_time()!r}" for each in (process, *below)]
    except psutil.NoSuchProcess:
        return []


def _watch(named: Sequence[str]) -> None:
    """Start this file as a process whose input is closed with this one."""
    read, _ = os.pipe()  # The other end is this process's alone.
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", __file__, *named],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, read, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
        setpgroup=0,  # Ctrl-C, which reaches a whole group, is not for it.
    )
    os.close(read)


def main(named: Sequence[str]) -> None:
    """Wait for the end of input, then for the processes ``named`` (pid:time of its start), and kill what is left."""
    import psutil

    watched = []
    for word in named:
        pid, started = word.split(":")
        try:
            process = psutil.Process(int(pid))
        except psutil.NoSuchProcess:
            continue
        if process.create_time() == float(started):  # The number is not of another one by now.
            watched.append(process)
    sys.stdin.buffer.read()
    _, left = psutil.wait_procs(watched, timeout=_PATIENCE)
    for process in left:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


if __name__ == "__main__":
    main(sys.argv[1:])
