"""The order of the suite (tests that start a real engine or a browser come last, so that a mistake shows early), and
the folders that tests read questions from."""

import gc
import os
from pathlib import Path

import pytest

# Unless said otherwise one thread each: several processes test beside each other, and fill the cores already.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_finish() -> None:
    """What collecting made stays to the end: the garbage collector need not walk it again and again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("engine") is not None)


@pytest.fixture(scope="session")
def published_sets() -> Path:
    """The folder of published question sets; where there is none, a test that wants it is skipped."""
    named = os.environ.get("RETENTION_DATA")
    if not named:
        pytest.skip("no published question sets: set RETENTION_DATA to a folder that holds them")
    return Path(named).resolve(strict=True)


@pytest.fixture
def published(published_sets: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, and tasks read their questions from it."""
    monkeypatch.setenv("RETENTION_DATA", str(published_sets))
    return published_sets


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to write question sets into, from which tasks read them."""
    monkeypatch.setenv("RETENTION_DATA", str(tmp_path))
    return tmp_path
