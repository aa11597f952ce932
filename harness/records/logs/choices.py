"""Whose answers and which number of a log count: one name for all tasks, or one a task as ``TASK=NAME``."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from harness.records.samples import RunError

Selection: TypeAlias = str | Iterable[str] | Mapping[str, str] | None


@dataclass(frozen=True)
class Choices:
    """What was chosen with ``--filter`` and ``--metric``, as it was written."""

    filters: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()

    @classmethod
    def of(cls, filters: Selection, metrics: Selection) -> "Choices":
        return cls(_written(filters), _written(metrics))

    def filter_of(self, task: str, tasks: Collection[str]) -> str | None:
        """The filter chosen for ``task``, one of ``tasks``; None where none was chosen."""
        return _chosen("--filter", self.filters, task, tasks)

    def metric_of(self, task: str, tasks: Collection[str]) -> str | None:
        """The metric chosen for ``task``, one of ``tasks``; None where none was chosen."""
        return _chosen("--metric", self.metrics, task, tasks)

    def refuse_filters(self, form: str) -> None:
        """Raise ``RunError`` where a filter was chosen of a log that has none."""
        if self.filters:
            raise RunError(f"--filter {self.filters[0]!a}: {form}s have no filters; leave it out")


def _written(given: Selection) -> tuple[str, ...]:
    if given is None:
        return ()
    if isinstance(given, str):
        return (given,)
    if isinstance(given, Mapping):
        return tuple(f"{task}={name}" for task, name in given.items())
    return tuple(given)


def _chosen(option: str, given: tuple[str, ...], task: str, tasks: Collection[str]) -> str | None:
    own = [each.removeprefix(f"{task}=") for each in given if each.startswith(f"{task}=")]
    # A name may contain "=" itself ("pass@k:k=1"): only what follows the name of a task is one of that task.
    plain = [each for each in given if not any(each.startswith(f"{other}=") for other in tasks)]
    for names in (own, plain):
        if len(set(names)) > 1:
            shown = ", ".join(ascii(name) for name in names)
            raise RunError(
                f"{option}: {shown} for one task; give one name for all tasks, or one a task as TASK=NAME "
                f"({some_names(sorted(tasks))})"
            )
    return next(iter((*own, *plain)), None)


def some_names(names: Collection[str], most: int = 6) -> str:
    """The first of ``names``, for a message on one line."""
    shown = ", ".join(ascii(name)[1:-1][:60] for name in list(names)[:most])
    return f"{shown}, ..." if len(names) > most else shown or "none"
