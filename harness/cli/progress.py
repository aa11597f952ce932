"""Progress displays, on stderr so that stdout holds results alone; plain lines when not in a terminal."""

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

if TYPE_CHECKING:
    from harness.study import Step


class _Display:
    """Bars with these columns (rich's own where there are none), shown in a terminal alone."""

    def __init__(self, console: Console | None, *columns: ProgressColumn) -> None:
        self._console = console or Console(stderr=True)
        self._progress = Progress(*columns, console=self._console, disable=not self._console.is_terminal)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def _say(self, text: str, style: str | None = None) -> None:
        self._console.print(text, style=style, highlight=False, soft_wrap=True, markup=False)


class RichWatcher(_Display):
    """Shows which checkpoint runs, how far it is and how long it still takes."""

    def __init__(self, console: Console | None = None) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        super().__init__(console, *columns, TextColumn("elapsed,"), TimeRemainingColumn(), TextColumn("left"))
        self._task: TaskID | None = None

    def ignored(self, name: str, what: str) -> None:
        self._say(f"  {name}: not used: {what} (`retention doctor CHECKPOINT` says why)", style="dim")

    def checkpoint(self, name: str, role: str, total: int) -> None:
        self._task = self._progress.add_task(f"{role} {name}", total=total)
        if not self._console.is_terminal:
            self._say(f"{role} {name}: {total} items")

    def planned(self, what: str) -> None:
        self._say(f"  {what}", style="dim")

    def engine_starting(self, name: str, engine: str) -> None:
        self._say(f"  starting {engine} for {name} (about 20 s on a CPU)", style="dim")

    def answered(self, count: int) -> None:
        if self._task is not None:
            self._progress.advance(self._task, count)

    def waiting(self, folder: Path) -> None:
        self._say(f"  another command is writing {folder}; waiting for it", style="dim")

    def finished(self, name: str, folder: Path, reused: int, generated: int) -> None:
        self._say(f"  {name}: {generated} answers generated, {reused} taken from the store -> {folder}")


class Bars(_Display):
    """One progress bar a phase of a training; a plain line every tenth of a phase when not in a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__(console)
        self._tasks: dict[str, TaskID] = {}
        self._tenths: dict[str, int] = {}

    def show(self, phase: str, step: int, total: int) -> None:
        """``step`` of ``total`` steps of ``phase`` are done."""
        if phase not in self._tasks:
            self._tasks[phase] = self._progress.add_task(phase, total=total)
        self._progress.update(self._tasks[phase], completed=step)
        tenth = 10 * step // max(1, total)
        if not self._console.is_terminal and tenth != self._tenths.get(phase):
            self._tenths[phase] = tenth
            self._say(f"{phase}: {step} of {total}")


class StepWatcher(_Display):
    """Shows the steps of a study: which run, how many are done, how long the rest takes."""

    def __init__(self, console: Console | None = None) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        super().__init__(console, *columns, TextColumn("{task.fields[left]}"))
        self._total = 0
        self._done = 0
        self._task = self._progress.add_task("steps", total=None, left="")

    def begin(self, total: int, done: int, left: float | None) -> None:
        self._total, self._done = total, done
        self._progress.update(self._task, total=total, completed=done, left=_left(left))
        self._say(f"{total} steps, {done} of them done before{_left(left)}")

    def started(self, step: "Step") -> None:
        self._say(f"  {step.key} starts")

    def waiting(self, step: "Step") -> None:
        self._say(f"  {step.key}: a process of an earlier run is still at it; waiting for its end")

    def ended(self, step: "Step", seconds: float, left: float | None) -> None:
        self._done += 1
        self._progress.update(self._task, completed=self._done, left=_left(left))
        self._say(f"  {step.key}: {seconds:.0f} s, {self._done} of {self._total} done{_left(left)}")

    def failed(self, step: "Step", log: Path) -> None:
        self._say(f"  {step.key}: FAILED, see {log}", style="red")


def _left(seconds: float | None) -> str:
    """The time left, in words: ", 1 h 20 min left"; nothing where it is not known."""
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    return f", {minutes // 60} h {minutes % 60} min left" if minutes >= 60 else f", {minutes} min left"
