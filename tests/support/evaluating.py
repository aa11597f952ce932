"""What tests of the evaluation share: engine settings, a watcher that shows nothing, requests of a few tokens."""

from dataclasses import replace
from pathlib import Path

from harness.engines.settings import EngineSettings
from harness.protocol import Decoding, GenerateRequest, Prompt

SETTINGS = EngineSettings(name="transformers", dtype="float32")


class Silent:
    """A watcher that shows nothing and keeps what it is told."""

    def __init__(self) -> None:
        self.finished_runs: list[tuple[str, int, int]] = []
        self.waited_for: list[Path] = []
        self.not_used: dict[str, str] = {}
        self.plans: list[str] = []
        self.stages: list[str] = []
        self.count = 0

    def ignored(self, name: str, what: str) -> None:
        self.not_used[name] = what

    def checkpoint(self, name: str, role: str, total: int) -> None: ...

    def stage(self, what: str) -> None:
        self.stages.append(what)

    def planned(self, what: str) -> None:
        self.plans.append(what)

    def engine_starting(self, name: str, engine: str) -> None: ...

    def answered(self, count: int) -> None:
        self.count += count

    def waiting(self, folder: Path) -> None:
        self.waited_for.append(folder)

    def finished(self, name: str, folder: Path, reused: int, generated: int) -> None:
        self.finished_runs.append((name, reused, generated))


def requests(count: int, **changes: object) -> list[GenerateRequest]:
    return [
        replace(GenerateRequest(f"item {k}", Prompt(f"q{k}", (k, k + 1)), Decoding(8)), **changes) for k in range(count)
    ]
