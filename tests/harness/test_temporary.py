"""Temporary folders: gone with their process, and those of a killed one with the next."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.temporary import _remove_stale, passing_folder

_KILLED = """
import os, signal, sys
from pathlib import Path
from harness.temporary import lasting_folder, passing_folder
made = lasting_folder("merged-")
(made / "model.safetensors").write_bytes(b"x" * 1000)
with passing_folder(beside=Path(sys.argv[1])) as beside:
    print(made, beside, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_only_what_is_old_and_held_by_nobody_is_removed(tmp_path: Path) -> None:
    stale, held, young = (tmp_path / f"retention-staged-{name}" for name in ("stale", "held", "young"))
    for folder in (stale, held, young):
        (folder / "deeper").mkdir(parents=True)
    for folder in (stale, held):
        os.utime(folder, (1, 1))
    (tmp_path / "retention-staged-link").symlink_to(tmp_path / "elsewhere")
    holder = os.open(held, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        _remove_stale(tmp_path, "retention-staged-")
    finally:
        os.close(holder)
    assert [stale.exists(), held.exists(), young.exists()] == [False, True, True]


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """Killed within both kinds of folder; a minute later the next process of ours removes them."""
    (tmp_path / "tmp").mkdir()
    target = tmp_path / "suites" / "mine"
    target.parent.mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    command = [sys.executable, "-c", _KILLED, str(target)]
    killed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    made, beside = map(Path, killed.stdout.split())
    assert made.is_dir()
    assert beside.is_dir()
    for folder in (made.parent, beside):
        os.utime(folder, (1, 1))
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == -signal.SIGKILL
    assert not made.parent.exists()
    assert not beside.exists()


def test_a_passing_folder_passes_when_the_work_in_it_fails(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="on purpose"), passing_folder(beside=tmp_path / "x") as folder:
        raise ValueError("on purpose")
    assert not folder.exists()
    assert folder.parent == tmp_path
