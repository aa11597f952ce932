"""Ray on this machine with two workers: the same samples file as a local run, also when a worker is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from harness.checkpoints.checkpoint import open_checkpoint
from harness.engines import starting
from harness.engines.ray import RayEngine
from harness.engines.settings import EngineError, EngineSettings
from harness.evaluation.plan import make_plan
from harness.evaluation.run import PlanFailedError, run_plan
from harness.protocol import Engine
from harness.records.samples import SAMPLES_FILE
from harness.suites.freezing import sample
from tests.support.evaluating import Silent
from tests.support.fakes import part_of_nano, write_adapter

pytestmark = pytest.mark.engine
LOCAL = EngineSettings(name="transformers", dtype="float32", max_model_len=256)
TUNED = ["nano:sft", "nano:lora-replay"]
RAY = replace(LOCAL, executor="ray", workers=2)


@pytest.fixture(scope="module")
def suite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 64 questions of one task: two shards for each checkpoint."""
    folder = tmp_path_factory.mktemp("suite")
    path = folder / "few-1.yaml"
    sample(str(part_of_nano(folder, "vision_colour")), 64, path)
    return path


@pytest.fixture(scope="module")
def local(suite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The runs of three checkpoints without Ray, the base's first."""
    out = tmp_path_factory.mktemp("local")
    return run_plan(make_plan("nano:base", TUNED, str(suite_file), "general", LOCAL, out), Silent())


@pytest.fixture(scope="module", autouse=True)
def ray_ends() -> Iterator[None]:
    # Ray's workers give way to everything else by default, and beside other tests they would hardly run.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")
        yield
    import ray

    ray.shutdown()


@pytest.mark.timeout(600)  # Five workers, each of which imports torch.
def test_neither_a_killed_worker_nor_a_broken_checkpoint_costs_an_answer_of_the_others(
    tmp_path: Path, suite_file: Path, local: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several checkpoints at once; what they answer is what they answer without Ray."""
    running: list[RayEngine] = []
    start = starting.start

    def remember(*arguments: object) -> Engine:
        running.append(start(*arguments))  # type: ignore[arg-type]
        return running[-1]

    class Killer(Silent):
        killed = 0

        def answered(self, count: int) -> None:
            super().answered(count)
            if self.count == 20:
                self.killed = running[0].pids[-1]
                os.kill(self.killed, signal.SIGKILL)

    monkeypatch.setattr(starting, "start", remember)
    watcher = Killer()
    modules = ["language_model.model.layers.1.self_attn.q_proj"]
    base = open_checkpoint("nano:base").path
    broken = write_adapter(tmp_path / "idle", base, modules, reference="nano:base", scale=0)
    plan = make_plan("nano:base", [*TUNED, str(broken)], str(suite_file), "general", RAY, tmp_path / "ray")
    with pytest.raises(PlanFailedError, match="the adapter changes no weight") as caught:
        run_plan(plan, watcher)
    assert watcher.killed
    assert watcher.killed not in running[0].pids
    assert [run[1:] for run in watcher.finished_runs] == [(0, plan.n_items)] * 3
    assert samples_of(caught.value.finished) == samples_of(local)
    assert len(local) == 3


def samples_of(folders: Iterable[Path]) -> dict[str, bytes]:
    """The samples files by checkpoint."""
    return {folder.parent.name: (folder / SAMPLES_FILE).read_bytes() for folder in folders}


def test_more_workers_than_room_are_refused() -> None:
    plan = make_plan("nano:base", [], "nano-1", "math", replace(RAY, workers=999), Path("unused"))
    with pytest.raises(EngineError, match="--workers 999: the Ray cluster has room for"):
        starting.start(*plan.placements)


_DRIVER = """
import sys, time
from harness.engines.ray import _connect
from harness.engines.settings import EngineSettings
import ray
_connect(ray, EngineSettings(name="transformers", dtype="float32", executor="ray", workers=1))
print("started", flush=True)
time.sleep(600)
"""


@pytest.mark.timeout(300)
def test_ray_ends_with_a_process_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", _DRIVER], stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        assert "started" in driver.stdout.readline()
        started = psutil.Process(driver.pid).children(recursive=True)
        names = {each.name() for each in started}
        driver.kill()
    assert {"gcs_server", "raylet", "ray::DashboardAgent"} <= names
    # Its agents alone would wait for a minute.
    _, left = psutil.wait_procs(started, timeout=30)
    assert left == []
