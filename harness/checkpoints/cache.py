"""Answers that cost seconds to find, kept between runs under a digest of everything that decides them.

The cache is a convenience: what cannot be read is found again, and what cannot be written is found the next time.
"""

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

_MOST = 2_000


def cached_answer(key: str, find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The answer kept under ``key`` (hex), or what ``find`` returns; one with a ``problem`` is not kept."""
    path = _folder() / f"{key}.json"
    with contextlib.suppress(OSError, ValueError, RecursionError):
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return content
    answer = find()
    if "problem" not in answer:
        with contextlib.suppress(OSError):
            _keep(path, answer)
    return answer


def _folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "retentionbench" / "weights"


def _keep(path: Path, answer: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = sorted(path.parent.glob("*.json"), key=lambda each: each.stat().st_mtime)
    for old in kept[: max(0, len(kept) - _MOST + 1)]:
        old.unlink(missing_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(answer), encoding="utf-8")
    partial.replace(path)
