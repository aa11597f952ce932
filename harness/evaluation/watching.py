"""Watching: what a watcher may be told besides, so that one of the user's need not have it."""

from dataclasses import dataclass
from typing import Any, Protocol, cast

from harness.evaluation.plan import Watcher


@dataclass(frozen=True)
class Cost:
    """What one run cost: ``seconds``; the prompt tokens (with those of images) and output tokens of the answers that
    were ``generated``; the other answers were ``reused`` from the store."""

    seconds: float
    prompt_tokens: int
    output_tokens: int
    generated: int
    reused: int


class FullWatcher(Watcher, Protocol):
    """A watcher with everything that can be told; each of these may be missing in a user's."""

    def stage(self, what: str) -> None:
        """``what`` is about to begin: "reading the checkpoint nano:base"."""

    def answer(self, task: str, prompt_tokens: int, output_tokens: int) -> None:
        """An answer to an item of ``task`` was generated, from so many tokens to so many."""

    def cost(self, name: str, cost: Cost) -> None:
        """What the run of checkpoint ``name`` cost; called before it is ``finished``."""


def complete(watcher: Watcher | None) -> FullWatcher:
    """``watcher`` as one that can be told everything; what it has no method for is left out."""
    return cast(FullWatcher, watcher if isinstance(watcher, _Completed) else _Completed(watcher))


class _Completed:
    def __init__(self, watcher: Watcher | None) -> None:
        self._watcher = watcher

    def __getattr__(self, name: str) -> Any:
        return getattr(self._watcher, name, _ignore)


def _ignore(*_: object) -> None:
    """Does nothing."""
