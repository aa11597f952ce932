"""Running a study: real child processes that do small work; steps done once, whatever is killed on the way."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.errors import RetentionError
from harness.study.runner import Folder, Runner, Step, defer_interrupts, step_digests
from tests.support.steps import Told, killed_steps, shell

ROOT = Path(__file__).parents[3]


def run(
    out: Path, steps: Sequence[Step], jobs: int = 1, **seconds: float
) -> tuple[Told, tuple[str, ...], tuple[str, ...]]:
    told = Told()
    outcome = Runner(Folder(out), steps, told, jobs=jobs, seconds=seconds).run()
    return told, outcome.failed, outcome.blocked


def lines(out: Path, key: str) -> int:
    return len((out / f"{key}.txt").read_text().splitlines())


def test_steps_run_in_order_and_only_once(tmp_path: Path) -> None:
    steps = [shell(tmp_path, "a", ":"), shell(tmp_path, "b/c", ":", ["a"])]
    told, failed, blocked = run(tmp_path, steps)
    assert (told.of("started"), failed, blocked) == (["a", "b/c"], (), ())
    again, failed, _ = run(tmp_path, steps)
    assert (again.of("started"), again.of("begin"), failed) == ([], ["2"], ())
    assert (lines(tmp_path, "a"), lines(tmp_path, "b/c")) == (1, 1)


def test_a_changed_input_makes_the_step_and_all_that_needs_it_again(tmp_path: Path) -> None:
    def steps(lr: str) -> list[Step]:
        return [
            shell(tmp_path, "train", ":", lr=lr),
            shell(tmp_path, "score", ":", ["train"]),
            shell(tmp_path, "other", ":"),
        ]

    run(tmp_path, steps("1e-4"))
    told, _, _ = run(tmp_path, steps("3e-4"))
    assert told.of("started") == ["train", "score"]


def test_a_lost_output_is_made_again_with_what_needs_it(tmp_path: Path) -> None:
    steps = [shell(tmp_path, "train", ":"), shell(tmp_path, "score", ":", ["train"]), shell(tmp_path, "other", ":")]
    run(tmp_path, steps)
    (tmp_path / "train.txt").unlink()
    told, _, _ = run(tmp_path, steps)
    assert told.of("started") == ["train", "score"]


def test_a_failure_blocks_only_what_needs_it_and_is_tried_again(tmp_path: Path) -> None:
    steps = [
        shell(tmp_path, "bad", f"test -e '{tmp_path}/mended' || exit 3"),
        shell(tmp_path, "after", ":", ["bad"]),
        shell(tmp_path, "good", ":"),
    ]
    told, failed, blocked = run(tmp_path, steps)
    assert (failed, blocked) == (("bad",), ("after",))
    assert told.of("ended") == ["good"]
    (tmp_path / "mended").touch()
    told, failed, blocked = run(tmp_path, steps)
    assert (told.of("ended"), failed, blocked) == (["bad", "after"], (), ())


def test_a_child_that_says_all_is_well_without_its_output_has_failed(tmp_path: Path) -> None:
    step = Step("empty", "work", lambda: ["true"], {}, (), (tmp_path / "never",))
    _, failed, _ = run(tmp_path, [step])
    assert failed == ("empty",)


def test_what_a_child_prints_is_in_its_log(tmp_path: Path) -> None:
    run(tmp_path, [shell(tmp_path, "talk", "echo out; echo err >&2")])
    log = (tmp_path / "logs" / "talk.log").read_text()
    assert log.startswith("$ sh -c")
    assert "\nout\nerr\n" in log


def test_jobs_run_at_once_as_far_as_needs_allow(tmp_path: Path) -> None:
    # Each of the two waits until the other has started: one at a time would never end.
    def meet(mine: str, other: str) -> str:
        return f"touch '{tmp_path}/{mine}'; until test -e '{tmp_path}/{other}'; do sleep 0.05; done"

    steps = [shell(tmp_path, "a", meet("here-a", "here-b")), shell(tmp_path, "b", meet("here-b", "here-a"))]
    _, failed, _ = run(tmp_path, steps, jobs=2)
    assert failed == ()


def test_the_time_left_comes_from_steps_of_the_same_kind(tmp_path: Path) -> None:
    steps = [shell(tmp_path, str(n), "sleep 0.3", kind="train") for n in range(2)]
    steps += [shell(tmp_path, "e", ":", kind="evaluate")]
    told, _, _ = run(tmp_path, steps, train=100.0, evaluate=50.0)
    assert told.left[0] == 250.0
    # After one: the other as long as that, and the evaluation as much faster than thought as the training was.
    first = Folder(tmp_path).done("0")
    assert first is not None
    assert told.left[1] == pytest.approx(first.seconds + 50 * first.seconds / 100)
    assert told.left[-1] == 0
    unknown, _, _ = run(tmp_path / "other", [shell(tmp_path / "other", "x", ":", kind="new")])
    assert unknown.left[0] is None


def test_digests_cover_inputs_and_needs_and_refuse_a_wrong_order(tmp_path: Path) -> None:
    a, b = shell(tmp_path, "a", ":", seed="0"), shell(tmp_path, "b", ":", ["a"])
    before = step_digests([a, b])
    assert step_digests([a, b]) == before
    after = step_digests([shell(tmp_path, "a", ":", seed="1"), b])
    assert after["a"] != before["a"]
    assert after["b"] != before["b"]
    with pytest.raises(ValueError, match="b: duplicate, or needs a later step"):
        step_digests([b, a])


def test_two_studies_in_one_folder_are_refused(tmp_path: Path) -> None:
    with Folder(tmp_path).locked(), pytest.raises(RetentionError, match="already running"):
        run(tmp_path, [shell(tmp_path, "a", ":")])
    _, failed, _ = run(tmp_path, [shell(tmp_path, "a", ":")])
    assert failed == ()


STUDY = """
import sys
from pathlib import Path
from tests.support.steps import Told, killed_steps
from harness.study.runner import Folder, Runner
out = Path(sys.argv[1])
Runner(Folder(out), killed_steps(out), Told(), seconds={}).run()
"""


def wait_for(there: Callable[[], bool]) -> None:
    for _ in range(600):
        if there():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


def is_free(out: Path, key: str) -> bool:
    lock = Folder(out).lock(key)
    if lock is not None:
        lock.close()
    return lock is not None


def start_study(out: Path) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def heeds_interrupts() -> None:
        """A shell lets what it starts in the background ignore them, and all that comes of it."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return subprocess.Popen([sys.executable, "-c", STUDY, str(out)], env=environment, preexec_fn=heeds_interrupts)


def test_a_killed_study_goes_on_and_waits_for_the_child_that_outlived_it(tmp_path: Path) -> None:
    killed = start_study(tmp_path)
    wait_for((tmp_path / "began").exists)
    killed.send_signal(signal.SIGKILL)
    killed.wait()

    class Waits(Told):
        """Lets the child that lives on come to its end once the study waits for it."""

        def waiting(self, step: Step) -> None:
            super().waiting(step)
            (tmp_path / "go").touch()

    told = Waits()
    Runner(Folder(tmp_path), killed_steps(tmp_path), told, seconds={}).run()
    assert told.of("waiting") == ["slow"]
    assert told.of("started") == ["slow", "last"]
    assert lines(tmp_path, "first") == lines(tmp_path, "last") == 1


def test_the_lock_of_a_step_is_held_by_its_child_alone(tmp_path: Path) -> None:
    killed = start_study(tmp_path)
    wait_for((tmp_path / "began").exists)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not is_free(tmp_path, "slow")
    (tmp_path / "go").touch()
    wait_for(lambda: is_free(tmp_path, "slow"))


def test_an_interrupt_waits_for_the_start_of_a_child_and_is_not_lost() -> None:
    before = signal.getsignal(signal.SIGINT)
    reached = []

    def start_a_child() -> None:
        with defer_interrupts():
            signal.raise_signal(signal.SIGINT)
            reached.append("the end of the block")

    with pytest.raises(KeyboardInterrupt):
        start_a_child()
    assert reached
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_children(tmp_path: Path, end: signal.Signals) -> None:
    study = start_study(tmp_path)
    wait_for((tmp_path / "began").exists)
    study.send_signal(end)
    study.wait(30)
    wait_for(lambda: is_free(tmp_path, "slow"))
    (tmp_path / "go").touch()
    _, failed, _ = run(tmp_path, killed_steps(tmp_path))
    assert failed == ()
    assert lines(tmp_path, "slow") == 1
