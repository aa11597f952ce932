"""Orphans: processes that a library starts for this one and that would outlive it, if it is killed.

Ray's own end with it, but for its agents: they notice that their node is gone, and then wait without limit to report
that to a server that is gone too. A process of its own watches, since whoever is killed cleans nothing up.
"""

import subprocess
import sys
from collections.abc import Sequence

# Seconds in which they may end by themselves.
_PATIENCE = 2.0
_watchers: list[subprocess.Popen[bytes]] = []


def end_with_this_process() -> None:
    """Have all processes below this one killed once it has ended, however that comes, unless they have ended by then.

    Later ones are not covered. Takes psutil, which comes with Ray's extra.
    """
    import psutil

    named = [f"{each.pid}:{each.create_time()!r}" for each in psutil.Process().children(recursive=True)]
    # Its input is closed with this process, or were it dropped. Ctrl-C, which reaches a whole group, is not for it.
    watcher = subprocess.Popen(
        [sys.executable, "-m", __name__, *named],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _watchers.append(watcher)


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
