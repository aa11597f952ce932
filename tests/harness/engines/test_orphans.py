"""Processes of others end with the one that had them started, however that one ends, and nothing else does."""

import subprocess
import sys

import psutil
import pytest

from harness.engines import orphans

# One that starts processes before, in and after the block, and ends as told; each of them would go on for 600 s.
_OWNER = """
import os, subprocess, sys
from harness.engines.orphans import ending_with_this_process
def start():
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
before = start()
with ending_with_this_process():
    started = start()
after = start()
print(before.pid, started.pid, after.pid, flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("killed", [True, False])
def test_they_end_with_their_owner_and_its_others_do_not(killed: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdin is not None
        assert owner.stdout is not None
        before, started, after = (psutil.Process(int(pid)) for pid in owner.stdout.readline().split())
        assert started.is_running()
        (watcher,) = set(psutil.Process(owner.pid).children()) - {before, started, after}
        if killed:
            owner.kill()
        else:
            owner.stdin.write("\n")
    try:
        started.wait(timeout=60)
        watcher.wait(timeout=60)
        assert before.is_running()
        assert after.is_running()
    finally:
        before.kill()
        after.kill()


def test_a_number_that_is_another_process_by_now_is_left_alone() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as other:
        command = [sys.executable, orphans.__file__, f"{other.pid}:1.0", "999999999:1.0"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, check=True, capture_output=True)
        assert other.poll() is None
        other.kill()
    assert done.stderr == b""
