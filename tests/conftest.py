"""Which tests are slow, in what order and where they run, what many of them share, and the folders they read from."""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.scoring.study.results import StudyResults
    from harness.study.steps import Study
    from tests.support.engines import Engines

# Unless said otherwise one thread each: several processes test beside each other, and fill the cores already.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell starts what it runs in the background with interrupts ignored, and a process passes that on to its children.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
TESTS = Path(__file__).parent
# Items that tests make stay with them: none is taken for a user's. Processes that test beside each other share theirs.
_IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
if not _IS_WORKER:
    os.environ["RETENTION_CACHE"] = tempfile.mkdtemp(prefix="retention-items-")


def pytest_unconfigure() -> None:
    if not _IS_WORKER:
        shutil.rmtree(os.environ["RETENTION_CACHE"], ignore_errors=True)


def pytest_collection_finish() -> None:
    """What collecting made stays to the end: the garbage collector need not walk it again and again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    weights: dict[Path, int] = {}
    for item in items:
        _mark(item)
        weights[item.path] = max(weights.get(item.path, 0), _weight(item))
    # Alone, files that are quick come first, so that a mistake shows early; beside each other, those that take longest.
    items.sort(key=lambda item: weights[item.path], reverse=hasattr(config, "workerinput"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.support.scheduling import GroupScheduling

    return GroupScheduling(config, log)


def _mark(item: pytest.Item) -> None:
    if "engines" in getattr(item, "fixturenames", ()):
        item.add_marker("engine")
    if item.path.parent == TESTS / "site":
        item.add_marker("browser")
    if item.path.parent.name in ("contract", "hostile"):
        item.add_marker("slow")


def _weight(item: pytest.Item) -> int:
    marks = [item.get_closest_marker(name) is not None for name in ("slow", "browser", "engine")]
    return sum(mark << place for place, mark in enumerate(marks))


@pytest.fixture(scope="session")
def engines() -> Iterator["Engines"]:
    """Real engines, each started when it is first wanted and kept; who starts one of its own starts it quickly."""
    from tests.support.engines import Engines, warm_up

    warm_up()
    running = Engines()
    yield running
    running.close()


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> "Study":
    """A study's folder with one training missing; to be read, not changed."""
    from tests.support.study_like import made_study

    return made_study(tmp_path_factory.mktemp("study"), leave_out=("jigsaw/sft-slow-seed1",))


@pytest.fixture(scope="session")
def study_results(study: "Study") -> "StudyResults":
    from harness.study.results import collect

    return collect(study, study.steps())


@pytest.fixture(autouse=True)
def _environment_of_commands() -> Iterator[None]:
    """Variables that a command sets for its own process are put back: a test calls commands within this one."""
    before = {name: os.environ.get(name) for name in ("RETENTION_DATA", "HF_HUB_OFFLINE")}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


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


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of their own for data sets that a test loads, and no progress on its screen."""
    import datasets

    folder = tmp_path / "hub-cache"
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder)
    datasets.disable_progress_bars()
    return folder
