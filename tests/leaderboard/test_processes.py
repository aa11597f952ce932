"""A pool of processes: results of all items, in order or as they are done, though some end the process they are in."""

import multiprocessing
import os
import subprocess
import sys
from multiprocessing.process import BaseProcess

import psutil
import pytest

from harness.errors import RetentionError
from leaderboard.processes import WorkerPool


def length(name: str) -> int:
    if name.startswith("killer"):
        os._exit(3)
    return len(name)


@pytest.mark.parametrize(
    ("size", "ahead", "names"),
    [(2, 1, ("a", "killer", "bb")), (1, 1, ("killer", "a")), (2, 4, ("a", "killer", "bb", "killer 2", "ccc"))],
)
def test_an_item_that_ends_its_process_is_named_and_takes_no_other(
    size: int, ahead: int, names: tuple[str, ...]
) -> None:
    with WorkerPool(size, ahead=ahead) as pool:
        found = list(pool.map(length, names))
    assert found == [(name, None if name.startswith("killer") else len(name)) for name in names]


def test_no_process_of_a_pool_that_broke_is_left() -> None:
    others = set(multiprocessing.active_children())
    with WorkerPool(2, ahead=4) as pool:
        list(pool.run(length, ["a", "killer", "bb", "ccc"]))
    # Killed, so that nothing has to be waited for but their end.
    assert psutil.wait_procs([psutil.Process(child.pid) for child in started(others)], timeout=30)[1] == []


def started(others: set[BaseProcess]) -> set[BaseProcess]:
    return set(multiprocessing.active_children()) - others


def test_processes_that_do_not_start_are_an_error_of_their_own() -> None:
    with WorkerPool(1, length, "killer") as pool, pytest.raises(RetentionError, match="do not start"):
        list(pool.run(length, ["a"]))


def process_id(name: str) -> int:
    return os.getpid()


def test_processes_end_with_the_one_that_began_them() -> None:
    program = (
        "from leaderboard.processes import WorkerPool\n"
        "from tests.leaderboard.test_processes import process_id\n"
        "if __name__ == '__main__':\n"
        "    pool = WorkerPool(1)\n"
        "    print(*(found for _, found in pool.run(process_id, ['a'])), flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        worker = psutil.Process(int(killed.stdout.readline()))
        killed.kill()
    assert psutil.wait_procs([worker], timeout=60)[1] == []
