"""Plan, run, commit, with a fake engine."""

import errno
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import lmeval
from harness.checkpoints.checkpoint import CheckpointError
from harness.engines import placement, starting
from harness.engines.placement import Placement
from harness.engines.settings import EngineError, EngineSettings
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation.plan import Plan, make_plan
from harness.evaluation.run import PlanFailedError, run_plan
from harness.protocol import Completion
from harness.records.run import lock_run, read_run
from harness.records.suites import tasks_root
from tests.support.evaluating import SETTINGS, Silent
from tests.support.fakes import RECORD, FakeEngine, write_adapter, write_checkpoint


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[FakeEngine]:
    running: list[FakeEngine] = []

    def start(*_: Any) -> FakeEngine:
        running.append(FakeEngine())
        return running[-1]

    monkeypatch.setattr(starting, "start", start)
    monkeypatch.setattr(placement, "describe", lambda *_: RECORD)
    return running


@pytest.fixture(scope="module")
def suite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The arithmetic of nano-1 alone, as a suite of the user's own."""
    whole = yaml.safe_load((tasks_root() / "suites" / "nano-1.yaml").read_text())
    kept = {"math_arithmetic": whole["tasks"]["math_arithmetic"]}
    path = tmp_path_factory.mktemp("suite") / "own-1.yaml"
    path.write_text(yaml.safe_dump(whole | {"name": "own", "tasks": kept}, sort_keys=False))
    return path


def plan(tmp_path: Path, suite_file: Path, tuned: int = 1) -> Plan:
    for k in range(tuned + 1):
        write_checkpoint(tmp_path / f"model{k}", seed=k)
    return plan_again(tmp_path, suite_file, tuned)


def plan_again(tmp_path: Path, suite_file: Path, tuned: int = 1) -> Plan:
    folders = [str(tmp_path / f"model{k}") for k in range(tuned + 1)]
    return make_plan(folders[0], folders[1:], str(suite_file), "math", SETTINGS, tmp_path / "runs")


def test_the_base_is_run_once_and_shared(tmp_path: Path, suite_file: Path, started: list[FakeEngine]) -> None:
    watcher = Silent()
    folders = run_plan(plan(tmp_path, suite_file, tuned=2), watcher)
    assert [generated for _, _, generated in watcher.finished_runs] == [300, 300, 300]
    assert len(started) == 3
    assert all(engine.closed for engine in started)
    runs = [read_run(folder) for folder in folders]
    assert len({tuple(run.samples["prompt_digest"]) for run in runs}) == 1
    assert len({run.record.checkpoint.weights_digest for run in runs}) == 3
    assert watcher.count == 900


def test_the_same_command_again_starts_nothing_and_changes_no_byte(
    tmp_path: Path, suite_file: Path, started: list[FakeEngine]
) -> None:
    first = plan(tmp_path, suite_file)
    folders = run_plan(first, Silent())
    before = {path: path.read_bytes() for folder in folders for path in folder.iterdir()}
    started.clear()
    assert run_plan(first, Silent()) == folders
    assert not started
    assert {path: path.read_bytes() for folder in folders for path in folder.iterdir()} == before


def test_a_run_that_another_command_writes_is_waited_for(
    tmp_path: Path, suite_file: Path, started: list[FakeEngine]
) -> None:
    wanted, watcher = plan(tmp_path, suite_file, tuned=0), Silent()
    folder = wanted.folder(wanted.base)
    with ThreadPoolExecutor() as threads:
        with lock_run(folder, lambda: pytest.fail("nobody else writes")):
            later = threads.submit(run_plan, wanted, watcher)
            while not (watcher.waited_for or later.done()):
                time.sleep(0.01)
            assert not later.done()
            assert not started
        assert later.result(60) == [folder]
    assert watcher.waited_for == [folder]
    assert read_run(folder).record.n_items == 300


def test_a_crash_of_one_checkpoint_does_not_take_the_others(
    tmp_path: Path, suite_file: Path, started: list[FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crashing(FakeEngine):
        def generate(self, requests):  # type: ignore[no-untyped-def]
            for count, answer in enumerate(super().generate(requests)):
                if count == 120:
                    raise EngineError("model1: its engine process was ended by signal 9 (SIGKILL)")
                yield answer

    def start(placement: Placement) -> FakeEngine:
        crashes = placement.name == "model1" and not started
        started.append(Crashing() if crashes else FakeEngine())
        return started[-1]

    wanted = plan(tmp_path, suite_file, tuned=2)
    run_plan(replace(wanted, tuned=()), Silent())
    started.clear()
    monkeypatch.setattr(starting, "start", start)
    with pytest.raises(PlanFailedError, match=r"^model1: its engine process was ended by signal 9") as caught:
        run_plan(wanted, Silent())
    assert caught.value.finished == (wanted.folder(wanted.base), wanted.folder(wanted.tuned[1]))
    assert caught.value.exit_code == 1
    assert all(engine.closed for engine in started)
    watcher = Silent()
    run_plan(wanted, watcher)
    assert watcher.finished_runs == [("model0", 300, 0), ("model1", 120, 180), ("model2", 300, 0)]


def test_a_base_and_its_adapters_are_asked_in_one_stream(
    tmp_path: Path, suite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = write_checkpoint(tmp_path / "base")
    adapters = [str(write_adapter(tmp_path / f"a{k}", base, ["layer"], seed=k)) for k in range(2)]
    running: list[FakeEngine] = []
    streams: list[list[str | None]] = []

    class Mixed(FakeEngine):
        def generate(self, requests):  # type: ignore[no-untyped-def]
            streams.append([request.adapter for request in requests])
            for index, completion in super().generate(requests):
                yield index, replace(completion, text=f"The answer is {requests[index].adapter}.")

    def start(placement: Placement) -> FakeEngine:
        running.append(Mixed())
        return running[-1]

    monkeypatch.setattr(starting, "start", start)
    settings = EngineSettings(name="vllm", dtype="float32", adapters="lora")
    wanted = make_plan(str(base), adapters, str(suite_file), "math", settings, tmp_path / "runs")
    watcher = Silent()
    folders = run_plan(wanted, watcher)
    digests = [None, *(each.record.weights_digest for each in wanted.tuned)]
    assert streams == [digests * 300]
    assert len(running) == 1
    assert running[0].closed
    assert [run[1:] for run in watcher.finished_runs] == [(0, 300)] * 3
    for folder, digest in zip(folders, digests, strict=True):
        run = read_run(folder)
        assert set(run.samples["output"]) == {f"The answer is {digest}."}
        assert run.record.engine.adapter == ("lora" if digest else "none")


@pytest.mark.parametrize("how", ["lora", "merge"])
@pytest.mark.parametrize("done", [True, False], ids=["base done", "base missing"])
def test_a_bad_adapter_takes_no_good_one_along(
    how: str, done: bool, tmp_path: Path, suite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bad one comes first: it is the root where the base has been run before, and loaded beside it otherwise."""
    base = write_checkpoint(tmp_path / "base")
    adapters = [str(write_adapter(tmp_path / name, base, ["layer"], seed=k)) for k, name in enumerate(("bad", "good"))]

    def start(placement: Placement) -> FakeEngine:
        beside = [each.checkpoint.record.name for each in placement.members if not each.merged]
        if "bad" in {placement.root.record.name, *beside}:
            raise EngineError("bad: its tensors are not numbers")
        return Exchanging()

    class Exchanging(FakeEngine):
        def generate(self, requests):  # type: ignore[no-untyped-def]
            for index, completion in super().generate(requests):
                if requests[index].adapter == wanted.tuned[0].record.weights_digest:
                    raise EngineError("bad: its tensors are not numbers")
                yield index, completion

    monkeypatch.setattr(starting, "start", start)
    settings = EngineSettings(name="vllm", dtype="float32", adapters=how)  # type: ignore[arg-type]
    wanted = make_plan(str(base), adapters, str(suite_file), "math", settings, tmp_path / "runs")
    if done:
        run_plan(make_plan(str(base), [], str(suite_file), "math", settings, tmp_path / "runs"), Silent())
    with pytest.raises(PlanFailedError, match=r"^bad: its tensors are not numbers$") as caught:
        run_plan(wanted, Silent())
    assert caught.value.finished == (wanted.folder(wanted.base), wanted.folder(wanted.tuned[1]))


def test_an_adapter_on_another_base_takes_no_stored_answer(
    tmp_path: Path, suite_file: Path, started: list[FakeEngine]
) -> None:
    first, second = (write_checkpoint(tmp_path / f"base{k}", seed=k) for k in range(2))
    adapter = write_adapter(tmp_path / "adapter", first, ["layer"], reference="somewhere/else")
    for base in (first, second):
        wanted = make_plan(str(base), [str(adapter)], str(suite_file), "math", SETTINGS, tmp_path / "runs")
        watcher = Silent()
        folder = run_plan(wanted, watcher)[1]
        assert watcher.finished_runs[1] == ("adapter", 0, 300)
        record = read_run(folder).record.checkpoint
        assert (record.base, record.claimed_base) == (wanted.base.record, "somewhere/else")


def test_weights_that_do_not_fit_are_refused_before_anything_runs(
    tmp_path: Path, suite_file: Path, started: list[FakeEngine]
) -> None:
    base, other = write_checkpoint(tmp_path / "base"), write_checkpoint(tmp_path / "other", seed=1)
    broken = write_checkpoint(tmp_path / "broken", seed=2)
    config = (broken / "config.json").read_text()
    (broken / "config.json").write_text(config.replace('"num_hidden_layers": 1', '"num_hidden_layers": 2'))
    for models in ([base, other, broken], [broken, other]):
        with pytest.raises(CheckpointError, match=r"broken: its tensors are not those of the model .*9 missing"):
            make_plan(str(models[0]), list(map(str, models[1:])), str(suite_file), "math", SETTINGS, tmp_path / "runs")
    assert not started


def test_failed_items_stay_as_rows_and_fail_the_run(
    tmp_path: Path, suite_file: Path, started: list[FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(FakeEngine):
        def generate(self, requests):  # type: ignore[no-untyped-def]
            for index, completion in super().generate(requests):
                yield index, completion if index else Completion("", "error", 0, 0, error="prompt too long")

    monkeypatch.setattr(starting, "start", lambda *_: Failing())
    wanted = plan(tmp_path, suite_file)
    with pytest.raises(CheckFailedError, match=r"1 of 300 items failed \(first: prompt too long\)"):
        run_plan(wanted, Silent())
    run = read_run(wanted.folder(wanted.base))
    assert run.record.n_errors == 1
    assert list(run.samples["error"].dropna()) == ["prompt too long"]
    run_plan(wanted, Silent(), fail_on_error=1)
    run_plan(wanted, Silent(), fail_on_error=0.01)
    with pytest.raises(CheckFailedError):
        run_plan(wanted, Silent(), fail_on_error=0.001)


def test_a_full_disk_beside_the_samples_is_one_clear_line(
    tmp_path: Path, suite_file: Path, started: list[FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, chunks: object, **_: object) -> str:
        list(chunks)  # type: ignore[call-overload]
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("harness.evaluation.execution.write_samples", full)
        with pytest.raises(RetentionError, match=r"cannot be written \(No space left on device\); every answer is in"):
            run_plan(plan(tmp_path, suite_file), Silent())
    started.clear()
    watcher = Silent()
    run_plan(plan_again(tmp_path, suite_file), watcher)
    assert watcher.finished_runs[0] == ("model0", 300, 0)


def test_an_unknown_target_lists_the_families(tmp_path: Path, suite_file: Path) -> None:
    folder = str(write_checkpoint(tmp_path / "m"))
    with pytest.raises(RetentionError, match="--target cooking: suite own-1 has no such family; it has math"):
        make_plan(folder, [folder], str(suite_file), "cooking", SETTINGS, tmp_path)


def test_tokenizers_that_differ_are_refused_before_anything_runs(tmp_path: Path, suite_file: Path) -> None:
    base = write_checkpoint(tmp_path / "base")
    other = write_checkpoint(tmp_path / "other", words=("x",))
    with pytest.raises(CheckpointError, match="the two cannot read the same token ids"):
        make_plan(str(base), [str(other)], str(suite_file), "math", SETTINGS, tmp_path)


def test_items_that_are_not_the_frozen_ones_are_refused(
    tmp_path: Path, suite_file: Path, started: list[FakeEngine]
) -> None:
    text = suite_file.read_text()
    changed = tmp_path / "own-1.yaml"
    digest = yaml.safe_load(text)["tasks"]["math_arithmetic"]["digest"]
    changed.write_text(text.replace(digest, "f" * 64))
    with pytest.raises(RetentionError, match="the frozen suite has 300 with ffffffffffff"):
        run_plan(plan(tmp_path, changed), Silent())
    assert not started


def test_a_complete_run_of_the_same_clean_code_needs_no_items(
    tmp_path: Path, suite_file: Path, started: list[FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.evaluation.recording.code_commit", lambda: ("0" * 40, False))
    wanted = plan(tmp_path, suite_file)
    run_plan(wanted, Silent())
    monkeypatch.setattr("harness.evaluation.execution.load_frozen", lambda *_: pytest.fail("made the items again"))
    watcher = Silent()
    run_plan(wanted, watcher)
    assert [run[1:] for run in watcher.finished_runs] == [(300, 0)] * 2
    monkeypatch.setattr("harness.evaluation.recording.code_commit", lambda: ("1" * 40, False))
    with pytest.raises(pytest.fail.Exception, match="made the items again"):
        run_plan(wanted, Silent())


def test_a_run_keeps_no_path_of_the_machine(tmp_path: Path, suite_file: Path, started: list[FakeEngine]) -> None:
    (folder, _) = run_plan(plan(tmp_path, suite_file), Silent())
    record = (folder / "run.json").read_text()
    assert str(tmp_path) not in record
    assert read_run(folder).record.packages["lm-eval"] == lmeval.VERSION


def test_two_checkpoints_of_one_name_have_runs_of_their_own(
    tmp_path: Path, suite_file: Path, started: list[FakeEngine]
) -> None:
    """What trainers leave beside them is told, and is not in their identity."""
    base = write_checkpoint(tmp_path / "base")
    tuned = [write_checkpoint(tmp_path / name / "checkpoint-500", seed=k + 1) for k, name in enumerate(("sft", "grpo"))]
    for name in ("optimizer.pt", "training_args.bin", "README.md"):
        (tuned[0] / name).write_bytes(b"\x80\x04.")
    write_checkpoint(tuned[0] / "checkpoint-100")
    watcher = Silent()
    wanted = make_plan(str(base), [str(each) for each in tuned], str(suite_file), "math", SETTINGS, tmp_path / "runs")
    folders = run_plan(wanted, watcher)
    assert [read_run(folder).record.checkpoint.name for folder in folders] == [
        "base",
        "sft--checkpoint-500",
        "grpo--checkpoint-500",
    ]
    assert len({folder.parent.name for folder in folders}) == 3
    assert watcher.not_used == {"sft--checkpoint-500": "optimizer.pt, training_args.bin, checkpoint-100/"}
    names = ["SFT", "GRPO 1e-6"]
    chosen = make_plan(
        str(base), [str(each) for each in tuned], str(suite_file), "math", SETTINGS, tmp_path / "runs", names=names
    )
    assert [each.record.name for each in chosen.tuned] == names
    with pytest.raises(CheckpointError, match="--name: 1 names for 2 tuned checkpoints"):
        make_plan(str(base), [str(each) for each in tuned], str(suite_file), "math", SETTINGS, tmp_path, names=["one"])
