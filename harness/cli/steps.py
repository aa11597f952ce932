"""The progress display of a study, on stderr so that stdout stays what was asked for."""

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from harness.training.study.running import Step


class StepWatcher:
    """Shows the steps of a study: which run, how many are done, how long the rest takes; plain lines elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._total = 0
        self._done = 0
        self._task = self._progress.add_task("steps", total=None, left="")

    def __enter__(self) -> "StepWatcher":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

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

    def _say(self, text: str, style: str | None = None) -> None:
        self._console.print(text, style=style, highlight=False, soft_wrap=True, markup=False)


def _left(seconds: float | None) -> str:
    """The time left, in words: ", 1 h 20 min left"; nothing where it is not known."""
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    return f", {minutes // 60} h {minutes % 60} min left" if minutes >= 60 else f", {minutes} min left"
