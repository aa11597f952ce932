"""Watchers: one of the user's need not have what was added later."""

from pathlib import Path

from harness.evaluation import Cost, complete


class Old:
    """A watcher with nothing but what the protocol always had."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def ignored(self, name: str, what: str) -> None:
        self.told.append("ignored")

    def checkpoint(self, name: str, role: str, total: int) -> None:
        self.told.append("checkpoint")

    def engine_starting(self, name: str, engine: str) -> None:
        self.told.append("engine_starting")

    def answered(self, count: int) -> None:
        self.told.append("answered")

    def waiting(self, folder: Path) -> None:
        self.told.append("waiting")

    def finished(self, name: str, folder: Path, reused: int, generated: int) -> None:
        self.told.append("finished")


class New(Old):
    def stage(self, what: str) -> None:
        self.told.append(what)


def tell(old: Old | None) -> None:
    watcher = complete(old)
    watcher.stage("reading")
    watcher.checkpoint("a", "base", 1)
    watcher.answer("task", 3, 2)
    watcher.answered(1)
    watcher.cost("a", Cost(1.0, 3, 2, 1, 0))
    watcher.finished("a", Path(), 0, 1)


def test_a_watcher_is_told_what_it_has_a_method_for() -> None:
    old, new = Old(), New()
    tell(old)
    tell(new)
    assert old.told == ["checkpoint", "answered", "finished"]
    assert new.told == ["reading", "checkpoint", "answered", "finished"]


def test_without_a_watcher_nothing_is_told() -> None:
    tell(None)
    assert complete(watcher := complete(None)) is watcher
