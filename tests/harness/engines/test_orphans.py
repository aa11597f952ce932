"""Processes of others end with the one that had them started, however that one ends, and nothing else does."""

import subprocess
import sys

import psutil
import pytest

# One that starts a process, and ends as told; the started one would go on for 600 s.
_OWNER = """
import os, subprocess, sys
from harness.engines.orphans import end_with_this_process
started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
end_with_this_process()
later = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(started.pid, later.pid, flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("killed", [True, False])
def test_they_end_with_their_owner(killed: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdin is not None
        assert owner.stdout is not None
        started, later = (psutil.Process(int(pid)) for pid in owner.stdout.readline().split())
        assert started.is_running()
        watching = [each for each in psutil.Process(owner.pid).children() if each.pid not in (started.pid, later.pid)]
        if killed:
            owner.kill()
        else:
            owner.stdin.write("\n")
    try:
        started.wait(timeout=60)
        (watcher,) = watching
        watcher.wait(timeout=60)
        assert later.is_running()
    finally:
        later.kill()


def test_a_number_that_is_another_process_by_now_is_left_alone() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as other:
        command = [sys.executable, "-m", "harness.engines.orphans", f"{other.pid}:1.0", "999999999:1.0"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, check=True, capture_output=True)
        assert other.poll() is None
        other.kill()
    assert done.stderr == b""
