"""The sandbox: bombs end as values, workers are replaced, nothing is left behind."""

import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox import Failure, Limits, Sandbox, SandboxError

FUNCTIONS = (
    *("double", "process", "environment", "loop", "sleep", "tower", "fill", "hoard", "shout", "chatter", "die"),
    *("recurse", "overflow", "not_a_number", "leave", "lie", "nest", "write", "spawn", "count_files", "count", "work"),
)
LIMITS = Limits(memory=1 << 30, cpu_seconds=2, wall_seconds=20.0, answer_bytes=1 << 16)


# What a worker runs. The bombs are what hostile input makes a parser or a template engine do.


def double(value: Any) -> Any:
    return value * 2


def process() -> int:
    return os.getpid()


def environment() -> dict[str, str]:
    return dict(os.environ)


def loop() -> None:
    while True:
        pass


def work(seconds: float) -> float:
    """Use so much processor time; how much the process has used in all."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return end


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def tower() -> int:
    return 9**9**9


def fill() -> int:
    return len(b"x" * (1 << 36))


def hoard() -> int:
    held: list[bytes] = []
    while True:
        held.append(bytes(1 << 24))


def shout() -> str:
    return "x" * 200_000_000


def chatter() -> list[int]:
    return list(range(100_000))


def die(code: int) -> None:
    os._exit(code)


def recurse(depth: int = 0) -> int:
    return recurse(depth + 1) + 1


def overflow() -> None:
    """End as a C library does that ran over its stack."""
    os.kill(os.getpid(), 11)


def not_a_number() -> float:
    return float("nan")


def leave() -> None:
    raise SystemExit(0)


def lie() -> None:
    """Write an answer of our own, and a wrong one."""
    os.write(_socket(), (5).to_bytes(8) + b"[[[[[")


def nest() -> None:
    content = b"[" * 20_000
    os.write(_socket(), len(content).to_bytes(8) + content)


def _socket() -> int:
    return int(json.loads(sys.argv[1])["socket"])


def write(path: str) -> None:
    Path(path).write_text("x")


def spawn() -> int:
    threading.Thread(target=time.sleep, args=(0,)).start()
    return 1


def count_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


_COUNT: list[int] = []


def count() -> int:
    _COUNT.append(1)
    return len(_COUNT)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox("tests.harness.test_sandbox", FUNCTIONS, LIMITS) as made:
        yield made


def failure(answer: Any) -> Failure:
    assert isinstance(answer, Failure), answer
    assert "\n" not in answer.message
    assert len(answer.message) < 400
    return answer


def test_calls_are_answered_by_one_worker_that_lives_on(box: Sandbox) -> None:
    assert box.call("double", 21) == 42
    assert box.call("double", "ab\ud800\n") == "ab\ud800\n" * 2
    assert box.call("double", [1, None]) == [1, None, 1, None]
    first = box.call("process")
    assert first == box.call("process") != os.getpid()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bomb", "kinds"),
    [
        ("loop", {"timeout"}),
        ("tower", {"timeout", "memory"}),
        ("fill", {"memory"}),
        ("hoard", {"memory"}),
        ("shout", {"too large"}),
        ("chatter", {"too large"}),
        ("recurse", {"error"}),
        ("overflow", {"crash"}),
        ("not_a_number", {"error"}),
        ("leave", {"error"}),
        ("lie", {"crash"}),
        ("nest", {"crash"}),
    ],
)
def test_a_bomb_is_a_value_and_the_next_call_is_answered(box: Sandbox, bomb: str, kinds: set[str]) -> None:
    assert failure(box.call(bomb)).kind in kinds
    assert box.call("double", 2) == 4


def test_a_death_says_how(box: Sandbox) -> None:
    assert failure(box.call("die", 3)) == Failure("crash", "ended with exit code 3")
    assert failure(box.call("overflow")) == Failure("crash", "ended by signal 11 (SIGSEGV)")
    assert failure(box.call("recurse")).message.startswith("RecursionError: ")
    assert failure(box.call("double")).message.startswith("TypeError: ")


def test_wall_time_ends_a_worker_that_waits() -> None:
    limits = Limits(wall_seconds=0.5)
    with Sandbox("tests.harness.test_sandbox", FUNCTIONS, limits) as made:
        before = made.call("process")
        assert failure(made.call("sleep", 600)) == Failure("timeout", "no answer within 0.5 s")
        assert made.call("process") != before


@pytest.mark.slow
def test_processor_time_is_counted_for_each_call() -> None:
    """A worker that has used more over many calls than one may take is not ended for it."""
    with Sandbox("tests.harness.test_sandbox", FUNCTIONS, Limits(cpu_seconds=1)) as made:
        before, used = made.call("process"), 0.0
        while used < 4:
            used = made.call("work", 0.3)
        assert made.call("process") == before


def test_memory_left_behind_by_earlier_calls_costs_a_later_one_nothing(box: Sandbox) -> None:
    """A crash in a worker that was used before is judged again in a fresh one: the count begins anew."""
    assert box.call("count") in (1, 2)
    before = box.call("process")
    failure(box.call("die", 1))
    assert box.call("count") == 1
    assert box.call("process") != before


def test_only_named_functions_are_called(box: Sandbox) -> None:
    for name in ("test_a_death_says_how", "_socket", "os", "os.system", "__import__"):
        with pytest.raises(ValueError, match="not among its functions"):
            box.call(name)
    with pytest.raises(TypeError):
        box.call("double", object())


def test_no_secret_reaches_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    with Sandbox("tests.harness.test_sandbox", FUNCTIONS) as made:
        found = made.call("environment")
    assert "hf_secret" not in str(found)
    assert not {"HF_TOKEN", "PYTHONSTARTUP", "PYTHONPATH", "HOME", "PATH"} & set(found)
    assert found["PYTHONHASHSEED"] == "0"


def test_a_worker_writes_nothing(box: Sandbox, tmp_path: Path) -> None:
    assert failure(box.call("write", str(tmp_path / "x"))).kind == "error"
    assert not (tmp_path / "x").exists() or (tmp_path / "x").stat().st_size == 0


@pytest.mark.skipif(os.getuid() == 0, reason="the kernel lets root start any number of processes")
def test_a_worker_starts_neither_threads_nor_children(box: Sandbox) -> None:
    assert failure(box.call("spawn")).kind == "error"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_a_worker_holds_none_of_our_files(box: Sandbox, tmp_path: Path) -> None:
    with (tmp_path / "held").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        with Sandbox("tests.harness.test_sandbox", FUNCTIONS) as made:
            assert made.call("count_files") <= 5  # three of its own, the socket, and the one that lists them


@pytest.mark.slow
def test_many_at_once_keep_their_order() -> None:
    with Sandbox("tests.harness.test_sandbox", FUNCTIONS, LIMITS, size=2) as made:
        assert made.map("double", [[k] for k in range(50)]) == list(range(0, 100, 2))
        answers = made.map("die", [[k] for k in range(3)])
        assert [failure(each).message for each in answers] == [f"ended with exit code {k}" for k in range(3)]
        assert made.map("double", []) == []


@pytest.mark.parametrize(
    ("module", "functions"), [("tests.no_such_module", ["x"]), ("tests.harness.test_sandbox", ["no_such_function"])]
)
def test_a_module_that_is_not_there_is_one_error(module: str, functions: list[str]) -> None:
    with Sandbox(module, functions) as made, pytest.raises(SandboxError, match=r"does not start: \w+Error: .*no_such"):
        made.call(functions[0])


def running(pid: int) -> bool:
    try:
        return os.kill(pid, 0) is None
    except ProcessLookupError:
        return False


def test_workers_end_when_closed_and_when_forgotten() -> None:
    made = Sandbox("tests.harness.test_sandbox", FUNCTIONS)
    pid = made.call("process")
    assert running(pid)
    made.close()
    made.close()
    assert not running(pid)
    pid = made.call("process")
    assert running(pid)
    del made
    gc.collect()
    assert not running(pid)


@pytest.mark.parametrize("ending", ["sys.exit(0)", "os.kill(os.getpid(), 9)"])
def test_workers_end_with_the_interpreter(ending: str) -> None:
    code = (
        "import os, sys\n"
        "from harness.sandbox import Sandbox\n"
        f"box = Sandbox('tests.harness.test_sandbox', {FUNCTIONS!r})\n"
        "print(box.call('process'), flush=True)\n" + ending
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    deadline = time.monotonic() + 60
    while running(int(done.stdout)):
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.05)
    assert "Warning" not in done.stderr


def test_a_busy_worker_ends_with_a_parent_that_is_killed() -> None:
    code = (
        "import os, threading, time\n"
        "from harness.sandbox import Limits, Sandbox\n"
        f"box = Sandbox('tests.harness.test_sandbox', {FUNCTIONS!r}, Limits(wall_seconds=600.0))\n"
        "print(box.call('process'), flush=True)\n"
        "threading.Thread(target=box.call, args=('sleep', 600)).start()\n"
        "time.sleep(0.2)\n"
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    deadline = time.monotonic() + 60  # It would sleep for 600 s.
    while running(int(done.stdout)):
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.05)


def test_a_fork_starts_workers_of_its_own(box: Sandbox) -> None:
    mine = box.call("process")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            theirs = box.call("process")
            os.write(writer, str(theirs).encode())
            box.close()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(writer)
    theirs = int(os.read(reader, 100))
    os.close(reader)
    assert theirs != mine
    assert not running(theirs)
    assert box.call("process") == mine


def test_a_parent_with_threads_gets_each_its_answer(box: Sandbox) -> None:
    found: dict[int, Any] = {}
    threads = [threading.Thread(target=lambda k=k: found.update({k: box.call("double", k)})) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {k: 2 * k for k in range(8)}
