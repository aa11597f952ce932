"""The progress display of an evaluation, on stderr so that stdout stays what was asked for."""

from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class RichWatcher:
    """Shows which checkpoint runs, how far it is and how long it still takes; plain lines when not in a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("elapsed,"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> "RichWatcher":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def checkpoint(self, name: str, role: str, total: int) -> None:
        self._task = self._progress.add_task(f"{role} {name}", total=total)
        if not self._console.is_terminal:
            self._console.print(f"{role} {name}: {total} items", highlight=False)

    def engine_starting(self, name: str, engine: str) -> None:
        self._console.print(
            f"  starting {engine} for {name} (about 20 s on a CPU)", highlight=False, style="dim", soft_wrap=True
        )

    def answered(self, count: int) -> None:
        if self._task is not None:
            self._progress.advance(self._task, count)

    def finished(self, name: str, folder: Path, reused: int, generated: int) -> None:
        self._console.print(
            f"  {name}: {generated} answers generated, {reused} taken from the store -> {folder}",
            highlight=False,
            soft_wrap=True,
        )


class Bars:
    """One progress bar a phase of a training, on stderr; a plain line every tenth of a phase when not in a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._progress = Progress(console=self._console, disable=not self._console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._tenths: dict[str, int] = {}

    def __enter__(self) -> "Bars":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, phase: str, step: int, total: int) -> None:
        """``step`` of ``total`` steps of ``phase`` are done."""
        if phase not in self._tasks:
            self._tasks[phase] = self._progress.add_task(phase, total=total)
        self._progress.update(self._tasks[phase], completed=step)
        tenth = 10 * step // max(1, total)
        if not self._console.is_terminal and tenth != self._tenths.get(phase):
            self._tenths[phase] = tenth
            self._console.print(f"{phase}: {step} of {total}", highlight=False, soft_wrap=True)
