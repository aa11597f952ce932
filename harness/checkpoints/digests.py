"""sha256 of large files, cached between runs, so that a checkpoint of 15 GB is not read again only to be identified.

A file is recognised by device, inode, size and modification times; the kernel updates its ctime with every write,
whatever a program sets. The cache is a convenience: if unreadable, it is ignored and rewritten.
"""

import contextlib
import json
import os
import time
from pathlib import Path

from harness.records import file_sha256

_WORTH_IT = 16 * 1024 * 1024
_MOST = 10_000
# A file that has just changed may change again within the resolution of its timestamp.
_SETTLED_NS = 2_000_000_000


def cached_sha256(paths: list[Path]) -> list[str]:
    """sha256 (hex) of each file, from the cache where the file is large and unchanged."""
    known = _read()
    before = len(known)
    digests = [_digest(path, known) for path in paths]
    if len(known) != before:
        _write(known)
    return digests


def _digest(path: Path, known: dict[str, str]) -> str:
    key = _key(path)
    if key is None:
        return file_sha256(path)
    if key not in known:
        digest = file_sha256(path)
        if key != _key(path):
            return digest
        known[key] = digest
    return known[key]


def _key(path: Path) -> str | None:
    status = path.stat()
    if status.st_size < _WORTH_IT or time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) < _SETTLED_NS:
        return None
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"


def _file() -> Path:
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "retentionbench" / "digests.json"


def _read() -> dict[str, str]:
    try:
        content = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {key: value for key, value in content.items() if isinstance(value, str) and len(value) == 64}


def _write(known: dict[str, str]) -> None:
    path = _file()
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(dict(list(known.items())[-_MOST:])), encoding="utf-8")
        partial.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()
