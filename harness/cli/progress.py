"""Progress displays, on stderr so that stdout holds results alone.

Each says what begins before it begins, so that nothing heavy is imported in silence. In a terminal there are bars; in
a log there is a plain line for each change, and one a minute while nothing changes.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from harness.scoring.wording import duration

if TYPE_CHECKING:
    from harness.evaluation import Cost
    from harness.study import Step

_MINUTE = 60
# A command that took less says nothing of how long it took.
_LONG = 2


class Display:
    """Says what a long command does: :meth:`stage`; in a log, also once a minute.

    ``columns`` are those of the bars, rich's own where there are none; ``clock`` gives seconds.
    """

    def __init__(
        self, console: Console | None = None, *columns: ProgressColumn, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console or Console(stderr=True)
        self._progress = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._clock = clock
        self._began = self._since = self._spoke = clock()
        self._stage: str | None = None
        self._end = threading.Event()

    def __enter__(self) -> Self:
        self._progress.start()
        if not self._console.is_terminal:
            threading.Thread(target=self._keep_speaking, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._progress.stop()
        ended_by_user = kind is not None and issubclass(kind, KeyboardInterrupt)
        if text := self._ending() if kind is None else self._kept() if ended_by_user else "":
            self._say(text)

    def stage(self, what: str) -> None:
        """``what`` is about to begin."""
        self._stage, self._since = what, self._clock()
        self._say(f"  {what} ...", style="dim")

    def tick(self) -> None:
        """A plain line where none was written for a minute; called every second where there is no terminal."""
        if self._clock() - self._spoke >= _MINUTE and (text := self._status()):
            self._say(f"  {text}")

    def _keep_speaking(self) -> None:
        while not self._end.wait(1):
            self.tick()

    def _status(self) -> str:
        """What is going on, for the line of a minute."""
        return f"{self._stage}: {duration(self._clock() - self._since)}" if self._stage else ""

    def _ending(self) -> str:
        """The last line of a command that did not fail."""
        seconds = self._clock() - self._began
        return f"  done in {duration(seconds)}" if self._stage and seconds >= _LONG else ""

    def _kept(self) -> str:
        """What an interrupt has left to go on from; nothing where no answer was given."""
        return ""

    def _say(self, text: str, style: str | None = None) -> None:
        self._spoke = self._clock()
        self._console.print(text, style=style, highlight=False, soft_wrap=True, markup=False)


class RichWatcher(Display):
    """Shows which checkpoint runs, how far it is, at what rate, how long it still takes and what it cost."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        left = (TextColumn("elapsed,"), TimeRemainingColumn(), TextColumn("left{task.fields[rate]}"))
        super().__init__(console, *columns, *left, clock=clock)
        self._task: TaskID | None = None
        self._name, self._total, self._done = "", 0, 0
        self._meter = _Meter(clock)
        self._costs: list[Cost] = []

    def ignored(self, name: str, what: str) -> None:
        self._say(f"  {name}: not used: {what} (`retention doctor CHECKPOINT` says why)", style="dim")

    def checkpoint(self, name: str, role: str, total: int) -> None:
        self._stage = self._stage or "evaluating"
        self._name, self._total, self._done = f"{role} {name}", total, 0
        self._meter = _Meter(self._clock)
        self._task = self._progress.add_task(self._name, total=total, rate="")
        if not self._console.is_terminal:
            self._say(f"{role} {name}: {total:,} answers")

    def planned(self, what: str) -> None:
        self._say(f"  {what}", style="dim")

    def engine_starting(self, name: str, engine: str) -> None:
        self.stage(f"starting {engine} for {name} (about 20 s on a CPU)")

    def answered(self, count: int) -> None:
        self._done += count
        if self._task is not None:
            self._progress.update(self._task, advance=count, rate=self._meter.text())

    def answer(self, task: str, prompt_tokens: int, output_tokens: int) -> None:
        self._meter.count(task, prompt_tokens, output_tokens)

    def waiting(self, folder: Path) -> None:
        self._say(f"  another command is writing {folder}; waiting for it", style="dim")

    def cost(self, name: str, cost: "Cost") -> None:
        self._costs.append(cost)

    def finished(self, name: str, folder: Path, reused: int, generated: int) -> None:
        self._name = ""
        self._say(f"  {name}: {generated} answers generated, {reused} taken from the store -> {folder}")

    def _status(self) -> str:
        if not self._name or not self._meter.answers:
            return super()._status()
        left = _left(self._meter.left(self._total - self._done))
        return f"{self._name}: {self._done:,} of {self._total:,} answers{self._meter.text()}{left}"

    def _ending(self) -> str:
        if not self._costs:
            return super()._ending()
        generated, reused = sum(each.generated for each in self._costs), sum(each.reused for each in self._costs)
        prompt, output = sum(e.prompt_tokens for e in self._costs), sum(e.output_tokens for e in self._costs)
        return (
            f"  cost: {duration(self._clock() - self._began)}, {generated:,} answers generated from {prompt:,} prompt "
            f"tokens to {output:,} output tokens, {reused:,} reused"
        )

    def _kept(self) -> str:
        if not (self._name or self._costs):
            return ""
        at = f" ({self._name}: {self._done:,} of {self._total:,})" if self._name else ""
        return f"  every answer so far is stored{at}, and the same command goes on from there"


class _Meter:
    """The rate of one checkpoint's new answers, from the first of them on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._first = 0.0
        self._tokens = 0
        self._task = ""
        self.answers = 0

    def count(self, task: str, prompt_tokens: int, output_tokens: int) -> None:
        self._first = self._first if self.answers else self._clock()
        self._task = task
        self.answers += 1
        self._tokens += prompt_tokens + output_tokens

    def text(self) -> str:
        """ ", math_word, 41 answers/s, 1,300 tokens/s"; nothing before the first answers."""
        seconds = self._seconds
        if not self.answers or seconds <= 0:
            return ""
        return f", {self._task}, {self.answers / seconds:.3g} answers/s, {self._tokens / seconds:,.0f} tokens/s"

    def left(self, answers: int) -> float | None:
        """Seconds that ``answers`` more will take; None where no rate is known."""
        return answers * self._seconds / self.answers if self.answers and self._seconds > 0 else None

    @property
    def _seconds(self) -> float:
        return self._clock() - self._first


class Bars(Display):
    """One progress bar a phase of a training; in a log a plain line every tenth of a phase, and one a minute."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(console, clock=clock)
        self._tasks: dict[str, TaskID] = {}
        self._tenths: dict[str, int] = {}
        self._first: tuple[float, int] = (0.0, 0)
        self._now = ""

    def show(self, phase: str, step: int, total: int) -> None:
        """``step`` of ``total`` steps of ``phase`` are done."""
        if phase not in self._tasks:
            self._tasks[phase] = self._progress.add_task(phase, total=total)
            self._first = (self._clock(), step)
        self._stage = self._stage or phase
        self._progress.update(self._tasks[phase], completed=step)
        line = f"{phase}: {step} of {total}{self._rate(step, total)}"
        self._now = line if step < total else ""  # What is over is not what goes on.
        tenth = 10 * step // max(1, total)
        if not self._console.is_terminal and tenth != self._tenths.get(phase):
            self._tenths[phase] = tenth
            self._say(line)

    def stage(self, what: str) -> None:
        self._now = ""
        super().stage(what)

    def _rate(self, step: int, total: int) -> str:
        began, first = self._first
        seconds = self._clock() - began
        if step <= first or seconds <= 0 or total == 1:
            return ""
        return f", {(step - first) / seconds:.3g}/s{_left((total - step) * seconds / (step - first))}"

    def _status(self) -> str:
        return self._now or super()._status()


class StepWatcher(Display):
    """Shows the steps of a study: which run, how many are done, how long the rest takes."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        super().__init__(console, *columns, TextColumn("{task.fields[left]}"), clock=clock)
        self._total = 0
        self._done = 0
        self._running: dict[str, float] = {}
        self._task = self._progress.add_task("steps", total=None, left="")

    def begin(self, total: int, done: int, left: float | None) -> None:
        self._total, self._done = total, done
        self._progress.update(self._task, total=total, completed=done, left=_left(left))
        self._say(f"{total} steps, {done} of them done before{_left(left)}")

    def started(self, step: "Step") -> None:
        self._running[step.key] = self._clock()
        self._say(f"  {step.key} starts")

    def waiting(self, step: "Step") -> None:
        self._say(f"  {step.key}: a process of an earlier run is still at it; waiting for its end")

    def ended(self, step: "Step", seconds: float, left: float | None) -> None:
        self._done += 1
        self._running.pop(step.key, None)
        self._progress.update(self._task, completed=self._done, left=_left(left))
        self._say(f"  {step.key}: {seconds:.0f} s, {self._done} of {self._total} done{_left(left)}")

    def failed(self, step: "Step", log: Path) -> None:
        self._running.pop(step.key, None)
        self._say(f"  {step.key}: FAILED, see {log}", style="red")

    def _status(self) -> str:
        running = [f"{key} for {duration(self._clock() - began)}" for key, began in tuple(self._running.items())]
        return f"{self._done} of {self._total} steps done; {', '.join(running)}" if running else super()._status()


def _left(seconds: float | None) -> str:
    """The time left, in words: ", 1 h 20 min left"; nothing where it is not known."""
    if seconds is None:
        return ""
    if seconds < _MINUTE:
        return f", {seconds:.0f} s left"
    minutes = round(seconds / _MINUTE)
    return f", {minutes // _MINUTE} h {minutes % _MINUTE} min left" if minutes >= _MINUTE else f", {minutes} min left"
