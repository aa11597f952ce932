"""The server that engines are forked from ends with its parent: at once where it serves, and while it imports too."""

import os
import subprocess
import sys
import threading

import psutil

from harness.engines.warm import ended_with_the_parent

_SERVER = """
import time
from harness.engines.warm import ended_with_the_parent
with ended_with_the_parent():
    print(1, flush=True)
    time.sleep(600)
"""
_PARENT = f"""
import os, subprocess, sys
server = subprocess.Popen([sys.executable, "-c", {_SERVER!r}], stdout=subprocess.PIPE)
server.stdout.readline()
print(server.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def test_it_ends_with_a_parent_that_is_killed_while_it_imports() -> None:
    done = subprocess.run([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, check=False)
    if psutil.pid_exists(int(done.stdout)):
        psutil.Process(int(done.stdout)).wait(timeout=60)  # It would go on for 600 s.


def test_a_server_ends_without_taking_its_libraries_apart() -> None:
    code = "import atexit, time; atexit.register(time.sleep, 600); import harness.engines.warm"
    environment = os.environ | {"RETENTION_WARM": "no-engine"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, timeout=60, check=False).returncode == 0


def test_no_thread_is_left_to_be_forked() -> None:
    before = threading.active_count()
    with ended_with_the_parent():
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
