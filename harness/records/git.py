"""Git: one command at a time, in a folder, which fetches nothing and asks nobody."""

import os
import subprocess
from pathlib import Path

from harness.errors import RetentionError

# What a filtered fetch left out stays out: git would otherwise go and get it to look at it.
_QUIET = {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}


class GitError(RetentionError):
    """Git is not there, or a command failed; the message names the folder, the command and git's first line."""


def run_git(folder: Path, *arguments: str) -> bytes:
    """What a git command prints in ``folder``."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=True, env={**os.environ, **_QUIET}).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", None) or b"").decode("utf-8", "replace").strip().splitlines()[:1]
        raise GitError(f"{folder}: git {arguments[0]} failed ({''.join(said)[:200]})") from error
