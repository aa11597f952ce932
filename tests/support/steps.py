"""Steps of a study that run a line of shell, and a watcher that keeps what it was told."""

from collections.abc import Sequence
from pathlib import Path

from harness.study.runner import Step


class Told:
    """A watcher that keeps what it was told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.left: list[float | None] = []
        self.total = 0

    def begin(self, total: int, done: int, left: float | None) -> None:
        self.total = total
        self.events.append(("begin", str(done)))
        self.left.append(left)

    def started(self, step: Step) -> None:
        self.events.append(("started", step.key))

    def waiting(self, step: Step) -> None:
        self.events.append(("waiting", step.key))

    def ended(self, step: Step, seconds: float, left: float | None) -> None:
        self.events.append(("ended", step.key))
        self.left.append(left)

    def failed(self, step: Step, log: Path) -> None:
        self.events.append(("failed", step.key))

    def of(self, kind: str) -> list[str]:
        return [key for what, key in self.events if what == kind]


def shell(out: Path, key: str, script: str, needs: Sequence[str] = (), kind: str = "work", **inputs: str) -> Step:
    """A step whose child appends a line to OUT/KEY.txt after ``script``."""
    made = out / f"{key}.txt"
    command = ["sh", "-c", f"{script}\nmkdir -p '{made.parent}'; echo once >> '{made}'"]
    return Step(key, kind, lambda: command, inputs, tuple(needs), (made,))


def killed_steps(out: Path) -> list[Step]:
    slow = f"echo x >> '{out}/began'; while ! test -e '{out}/go'; do sleep 0.05; done"
    return [shell(out, "first", ":"), shell(out, "slow", slow, ["first"]), shell(out, "last", ":", ["slow"])]
