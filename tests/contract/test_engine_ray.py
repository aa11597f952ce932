"""Ray on this machine with two workers: the same samples file as a local run, also when a worker is killed."""

import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from harness.checkpoints.checkpoint import open_checkpoint
from harness.engines import starting
from harness.engines.ray import RayEngine
from harness.engines.settings import EngineError, EngineSettings
from harness.evaluation.plan import make_plan
from harness.evaluation.run import PlanFailedError, run_plan
from harness.protocol import Engine
from harness.records.samples import SAMPLES_FILE
from harness.records.suites import tasks_root
from tests.support.evaluating import Silent
from tests.support.fakes import write_adapter

pytestmark = pytest.mark.engine
LOCAL = EngineSettings(name="transformers", dtype="float32", max_model_len=256)
RAY = replace(LOCAL, executor="ray", workers=2)


@pytest.fixture(scope="module")
def suite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    whole = yaml.safe_load((tasks_root() / "suites" / "nano-1.yaml").read_text())
    kept = {name: whole["tasks"][name] for name in ("vision_colour",)}
    path = tmp_path_factory.mktemp("suite") / "own-1.yaml"
    path.write_text(yaml.safe_dump(whole | {"name": "own", "tasks": kept}, sort_keys=False))
    return path


@pytest.fixture(scope="module", autouse=True)
def ray_ends() -> Iterator[None]:
    # Ray's workers give way to everything else by default, and beside other tests they would hardly run.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")
        yield
    import ray

    ray.shutdown()


def test_a_killed_worker_loses_nothing_and_the_samples_are_those_of_a_local_run(
    tmp_path: Path, suite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = make_plan("nano:base", [], str(suite_file), "general", LOCAL, tmp_path / "local")
    (expected,) = run_plan(local, Silent())

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
    plan = make_plan("nano:base", [], str(suite_file), "general", RAY, tmp_path / "ray")
    (folder,) = run_plan(plan, watcher)
    assert watcher.killed
    assert watcher.killed not in running[0].pids
    assert watcher.finished_runs[-1][1:] == (0, plan.n_items)
    assert (folder / SAMPLES_FILE).read_bytes() == (expected / SAMPLES_FILE).read_bytes()


def test_several_checkpoints_are_spread_at_once_and_one_that_cannot_be_loaded_takes_no_other(
    tmp_path: Path, suite_file: Path
) -> None:
    checkpoints = ["nano:sft", "nano:lora-replay"]
    local = make_plan("nano:base", checkpoints, str(suite_file), "general", LOCAL, tmp_path / "local")
    expected = run_plan(local, Silent())
    modules = ["language_model.model.layers.1.self_attn.q_proj"]
    base = open_checkpoint("nano:base").path
    broken = write_adapter(tmp_path / "idle", base, modules, reference="nano:base", scale=0)
    plan = make_plan("nano:base", [*checkpoints, str(broken)], str(suite_file), "general", RAY, tmp_path / "ray")
    watcher = Silent()
    with pytest.raises(PlanFailedError, match="the adapter changes no weight") as caught:
        run_plan(plan, watcher)
    assert [run[1:] for run in watcher.finished_runs] == [(0, plan.n_items)] * 3
    assert samples_of(caught.value.finished) == samples_of(expected)
    assert len(expected) == 3


def samples_of(folders: Iterable[Path]) -> dict[str, bytes]:
    """The samples files by checkpoint."""
    return {folder.parent.name: (folder / SAMPLES_FILE).read_bytes() for folder in folders}


def test_more_workers_than_room_are_refused() -> None:
    plan = make_plan("nano:base", [], "nano-1", "math", replace(RAY, workers=999), Path("unused"))
    with pytest.raises(EngineError, match="--workers 999: the Ray cluster has room for"):
        starting.start(plan.settings, [plan.base])
