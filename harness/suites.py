"""Suites: frozen, versioned lists of tasks, and where tasks are found (by path, never by ``import tasks``)."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType


def tasks_root() -> Path:
    """The folder of the shipped tasks: inside the wheel, or the checkout's ``tasks/``."""
    packaged = Path(__file__).parent / "_tasks"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "tasks"


@cache
def load_task_module(path: Path) -> ModuleType:
    """Load one task file by its path, under a name that cannot meet a module of the user's."""
    name = f"retentionbench_task_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
