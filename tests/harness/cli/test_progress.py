"""Progress displays: the first line comes before heavy imports, and a log gets a plain line a minute."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from harness.cli.progress import Bars, Display, RichWatcher, StepWatcher
from harness.evaluation import Cost

# Runs a command until its first line on stderr, and fails where something heavy was imported before it.
FIRST_LINE = """
import os, sys
heavy = {"torch", "vllm", "transformers", "lm_eval", "datasets", "pandas", "scipy", "numpy"}

class First:
    encoding = "utf-8"
    def write(self, text):
        if text.strip():
            os.write(1, text.encode())
            os._exit(1 if heavy & set(sys.modules) else 0)
        return len(text)
    def flush(self): pass
    def isatty(self): return False

sys.stderr = First()
from leaderboard.cli import cli
cli(sys.argv[1:], prog_name="retention", standalone_mode=False)
os._exit(2)
"""
LONG = (
    "evaluate nano:base nano:sft --suite nano-1 --target jigsaw",
    "evaluate nano:base nano:sft --suite nano-1 --target jigsaw --screen",
    "noise nano:base --suite nano-1",
    "train sft --config nano-jigsaw --out {folder}/sft",
    "study nano --steps",
    "dynamics nano:base --train nano-math",
    "compare runs/BASE runs/TUNED --drift --base-checkpoint nano:base --tuned-checkpoint nano:sft",
    "doctor nano:sft",
    "suite freeze {folder}/mine-1-draft.yaml --note First.",
    "suite verify nano-1",
    "suite sample nano-1 --count 5 --out {folder}/part-1.yaml",
    "tasks preview math_arithmetic --model nano:base",
    "rejudge runs/BASE",
    "models smollm2 --out {folder}/smollm2",
    "models gemma3 --out {folder}/gemma3",
    "nano train-base --out {folder}/base",
    "nano train-sft --out {folder}/sft",
    "board build --out {folder}/site",
    "submit prepare runs/TUNED --target jigsaw --yes",
    "submit validate submissions",
    "submit open submissions/4eauwmhpomvr",
    "maintain verify 4eauwmhpomvr --by someone",
    "reproduce 4eauwmhpomvr:gain@nano-1",
    "demo --out {folder}/runs",
)


class Clock:
    """A clock that is set by hand, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("line", LONG)
def test_the_first_line_comes_before_anything_heavy_is_imported(line: str, tmp_path: Path) -> None:
    arguments = line.format(folder=tmp_path).split()
    done = subprocess.run([sys.executable, "-c", FIRST_LINE, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()


def log(clock: Clock) -> tuple[io.StringIO, Console]:
    told = io.StringIO()
    return told, Console(file=told, width=40)


def test_a_stage_in_a_log_gets_a_plain_line_a_minute() -> None:
    clock = Clock()
    told, console = log(clock)
    with Display(console, clock=clock) as display:
        display.stage("loading 2,600 items of 28 tasks")
        for clock.now in (1.0, 59.0, 60.0, 61.0, 119.0, 120.0):
            display.tick()
    assert told.getvalue().splitlines() == [
        "  loading 2,600 items of 28 tasks ...",
        "  loading 2,600 items of 28 tasks: 1 min 0 s",
        "  loading 2,600 items of 28 tasks: 2 min 0 s",
        "  done in 2 min 0 s",
    ]


def test_an_evaluation_in_a_log_says_checkpoint_task_rates_time_left_and_cost() -> None:
    clock = Clock()
    told, console = log(clock)
    with RichWatcher(console, clock) as watcher:
        watcher.checkpoint("mine", "tuned", 400)
        watcher.answered(100)  # From the store: they say nothing of the engine's rate.
        for number in range(61):
            clock.now = 10.0 + number
            watcher.answer("math_word", 90, 10)
            watcher.answered(1)
            watcher.tick()
        watcher.cost("mine", Cost(61.0, 5490, 610, 61, 100))
        watcher.finished("mine", Path("runs/mine"), 100, 61)
    first, minute, finished, cost = told.getvalue().splitlines()
    assert first == "tuned mine: 400 answers"
    assert minute == "  tuned mine: 151 of 400 answers, math_word, 1.02 answers/s, 102 tokens/s, 4 min left"
    assert finished == "  mine: 61 answers generated, 100 taken from the store -> runs/mine"
    assert cost == (
        "  cost: 1 min 10 s, 61 answers generated from 5,490 prompt tokens to 610 output tokens, 100 reused"
    )


def test_a_training_in_a_log_says_its_rate_and_the_time_left() -> None:
    clock = Clock()
    told, console = log(clock)
    with Bars(console, clock) as bars:
        bars.stage("loading the model")
        bars.show("train", 0, 1000)
        clock.now = 70.0
        bars.show("train", 7, 1000)
        bars.tick()
    assert "  train: 7 of 1000, 0.1/s, 2 h 46 min left" in told.getvalue().splitlines()


def test_what_is_done_at_once_has_no_rate_and_is_over() -> None:
    clock = Clock()
    told, console = log(clock)
    with Bars(console, clock) as bars:
        bars.stage("loading")
        bars.show("making the examples", 0, 1)
        clock.now = 1.0
        bars.show("making the examples", 1, 1)
        clock.now = 61.0
        bars.tick()
    assert told.getvalue().splitlines()[1:] == [
        "making the examples: 0 of 1",
        "making the examples: 1 of 1",
        "  loading: 1 min 1 s",
        "  done in 1 min 1 s",
    ]


def test_a_step_of_a_study_in_a_log_says_how_long_it_runs() -> None:
    clock = Clock()
    told, console = log(clock)

    class Step:
        key = "train/sft/0"

    with StepWatcher(console, clock) as watcher:
        watcher.begin(4, 1, None)
        watcher.started(Step())  # type: ignore[arg-type]
        clock.now = 95.0
        watcher.tick()
    assert told.getvalue().splitlines()[-1] == "  1 of 4 steps done; train/sft/0 for 1 min 35 s"


def test_nothing_is_said_at_the_end_of_a_command_that_failed() -> None:
    clock = Clock()
    told, console = log(clock)
    display = Display(console, clock=clock)
    display.stage("loading")
    clock.now = 100.0
    display.__exit__(ValueError, ValueError(), None)
    assert told.getvalue() == "  loading ...\n"


def interrupt(watcher: RichWatcher) -> None:
    with watcher:
        raise KeyboardInterrupt


def test_an_interrupt_says_what_is_stored() -> None:
    watcher = RichWatcher(Console(file=(out := io.StringIO())))
    with pytest.raises(KeyboardInterrupt):
        interrupt(watcher)
    assert out.getvalue() == ""
    watcher.checkpoint("nano-base", "base", 300)
    watcher.answered(20)
    with pytest.raises(KeyboardInterrupt):
        interrupt(watcher)
    stored = "every answer so far is stored (base nano-base: 20 of 300)"
    assert out.getvalue().splitlines()[-1] == f"  {stored}, and the same command goes on from there"


PREVIEW = [sys.executable, "-m", "leaderboard.cli", "tasks", "preview", "math_arithmetic", "--json"]


def test_a_pipe_gets_plain_lines_and_stdout_holds_the_result_alone() -> None:
    done = subprocess.run(PREVIEW, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["task"] == "math_arithmetic"
    assert done.stderr.startswith("  making item 0 of math_arithmetic ...\n")
    assert "\x1b" not in done.stderr
    assert "%|" not in done.stderr


def test_a_terminal_gets_the_stage_too() -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(PREVIEW, stdout=subprocess.PIPE, stderr=theirs, env=environment) as process:
        os.close(theirs)
        assert process.stdout is not None
        assert json.loads(process.stdout.read())["item"] == 0
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "making item 0 of math_arithmetic ..." in shown
    assert "\x1b" in shown


def test_an_evaluation_in_a_terminal_has_a_bar_with_its_rates() -> None:
    clock = Clock()
    told = io.StringIO()
    console = Console(file=told, force_terminal=True, width=200)
    with RichWatcher(console, clock) as watcher:
        watcher.stage("loading 10 items of 1 tasks")
        watcher.checkpoint("mine", "tuned", 10)
        watcher.answer("math_word", 90, 10)
        clock.now = 2.0
        watcher.answered(1)
        watcher.finished("mine", Path("runs/mine"), 0, 1)
    assert "1/10" in told.getvalue()
    assert "math_word, 0.5 answers/s, 50 tokens/s" in told.getvalue()
    assert "loading 10 items of 1 tasks ..." in told.getvalue()
