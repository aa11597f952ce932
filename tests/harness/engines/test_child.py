"""An engine in a process of its own, with fakes on the other side; the real ones are in contract/."""

import multiprocessing
import multiprocessing.process
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.conditions import conditions_of
from harness.engines.child import ChildEngine
from harness.engines.placement import Member, Placement
from harness.engines.settings import EngineError, EngineSettings
from harness.protocol import Completion, Decoding, GenerateRequest, Prompt, ScoreRequest
from tests.support.fakes import RECORD, load_scripted, write_checkpoint

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return open_checkpoint(str(write_checkpoint(tmp_path_factory.mktemp("c") / "model-a")))


def start(checkpoint: Checkpoint, script: str, batch: int = 8) -> ChildEngine:
    settings = EngineSettings(name="fake", dtype="float32", batch=batch, server=script)
    return ChildEngine(
        Placement(settings, conditions_of(checkpoint, 256), (Member(checkpoint, RECORD, None),)), load_scripted
    )


def requests(count: int) -> list[GenerateRequest]:
    return [GenerateRequest(str(k), Prompt("q", (k, 1)), Decoding(4)) for k in range(count)]


def children() -> set[int]:
    return {each.pid for each in psutil.Process().children(recursive=True) if each.status() != psutil.STATUS_ZOMBIE}


@pytest.fixture
def no_process_is_left() -> Iterator[None]:
    before = children()
    yield
    deadline = time.monotonic() + 30
    # The fork server and multiprocessing's resource tracker stay for the next engine.
    while len(children() - before) > 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(children() - before) <= 2


def test_a_child_answers_as_the_engine_it_holds(checkpoint: Checkpoint, no_process_is_left: None) -> None:
    engine = start(checkpoint, "well")
    assert sorted(dict(engine.generate(requests(600)))) == list(range(600))
    ((index, scores),) = engine.score([ScoreRequest("s", Prompt("q", (1,)), ((2,), (3,)))])
    assert (index, [score.logprob for score in scores]) == (0, [0.0, -1.0])  # type: ignore[union-attr]
    assert engine.record.name == "fake"
    engine.close()


def test_a_killed_child_is_one_clear_error_and_its_answers_are_handed_on(
    checkpoint: Checkpoint, no_process_is_left: None
) -> None:
    engine = start(checkpoint, "killed")
    answers: dict[int, Completion] = {}
    with pytest.raises(EngineError, match=r"model-a: its engine process was ended by signal 9 \(SIGKILL\)"):
        answers.update(engine.generate(requests(20)))
    assert len(answers) == 5
    with pytest.raises(EngineError, match="model-a: its engine has ended"):
        list(engine.generate(requests(1)))
    engine.close()


_PARENT = """
import sys
from pathlib import Path
from harness.checkpoints import conditions_of, open_checkpoint
from harness.engines.child import ChildEngine
from harness.engines.placement import Member, Placement
from harness.engines.settings import EngineSettings
from harness.protocol import Decoding, GenerateRequest, Prompt
from tests.support.fakes import RECORD, load_scripted

if __name__ == "__main__":
    checkpoint = open_checkpoint(sys.argv[1])
    settings = EngineSettings(name="fake", dtype="float32", server="computes for long")
    members = (Member(checkpoint, RECORD, None),)
    engine = ChildEngine(Placement(settings, conditions_of(checkpoint, 256), members), load_scripted)
    for _ in engine.generate([GenerateRequest(str(k), Prompt("q", (k, 1)), Decoding(4)) for k in range(20)]):
        print(engine._process.pid, engine._scratch.name, flush=True)
"""


def test_a_child_ends_with_a_parent_that_is_killed_while_it_computes(checkpoint: Checkpoint) -> None:
    command = [sys.executable, "-c", _PARENT, str(checkpoint.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, scratch = parent.stdout.readline().split()
        child = psutil.Process(int(pid))
        parent.kill()
    child.wait(timeout=30)  # It would compute for 600 s.
    assert not Path(scratch).exists()


def test_an_exception_in_the_child_is_named_in_one_line(checkpoint: Checkpoint, no_process_is_left: None) -> None:
    engine = start(checkpoint, "raises")
    with pytest.raises(EngineError) as caught:
        list(engine.generate(requests(20)))
    assert str(caught.value) == "model-a: its engine failed: ValueError: the weights are upside down"
    assert "in generate" in str(caught.value.__cause__)
    engine.close()


def test_out_of_memory_halves_the_batch_and_asks_only_what_is_left(
    checkpoint: Checkpoint, no_process_is_left: None
) -> None:
    engine = start(checkpoint, "out of memory")
    answers = [completion.text for _, completion in engine.generate(requests(20))]
    assert answers == ["batch 8"] * 5 + ["batch 4"] * 5 + ["batch 2"] * 10
    engine.close()


def test_an_abandoned_stream_ends_the_child(checkpoint: Checkpoint, no_process_is_left: None) -> None:
    engine = start(checkpoint, "well")
    stream = engine.generate(requests(500))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    engine.close()


def test_temporary_files_of_a_killed_child_are_removed(checkpoint: Checkpoint) -> None:
    engine = start(checkpoint, "killed")
    scratch = engine._scratch
    assert scratch.is_dir()
    with pytest.raises(EngineError):
        list(engine.generate(requests(20)))
    engine.close()
    assert not scratch.exists()


def test_an_interrupt_while_a_child_is_started_stays_one(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(multiprocessing.process.BaseProcess, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start(checkpoint, "well")
