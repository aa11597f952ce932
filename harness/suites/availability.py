"""Availability: which tasks of a suite lack their data here, found without loading any of it."""

from dataclasses import dataclass
from pathlib import Path

from harness.records import Draft, Suite
from harness.sources import hub_has
from harness.suites.catalogue import tasks_of


def missing_data(suite: Suite | Draft, folder: Path) -> dict[str, str]:
    """By task, the first of its data sets that is neither in the data folder, nor on the hub, nor in the hub's cache;
    empty where every task can be loaded.

    ``folder`` may contain a user's own tasks. Takes a request to the hub, of 10 s at most, where a set is in no folder.
    """
    catalogue = tasks_of(suite, folder)
    found: dict[str, str] = {}
    for name, place in suite.tasks.items():
        if place.stock is not None:
            repo, _, revision = (place.sources or ("",))[0].partition("@")
            lacking = [repo] if repo and not hub_has(repo, revision or None) else []
        else:
            lacking = [each.repo for each in catalogue[name].missing()] if name in catalogue else []
        if lacking:
            found[name] = lacking[0]
    return found


@dataclass(frozen=True)
class Needed:
    """A data set that tasks of a suite are made of; ``here`` says that it is in the data folder, or can be had."""

    name: str
    tasks: tuple[str, ...]
    items: int
    here: bool


def needed_data(suite: Suite, folder: Path) -> tuple[Needed, ...]:
    """The data sets of a suite's tasks, each once, with the tasks and items that need it; none for drawn tasks.

    ``folder`` as for :func:`missing_data`, and so is what it takes where sets are in no folder and the hub is not off.
    """
    catalogue = tasks_of(suite, folder)
    tasks: dict[str, list[str]] = {}
    lacking: set[str] = set()
    for name, place in suite.tasks.items():
        stock = place.stock is not None or name not in catalogue
        used = place.sources if stock else tuple(map(str, catalogue[name].sources()))
        for each in used:
            tasks.setdefault(each, []).append(name)
            repo, _, revision = each.partition("@")
            if stock and not hub_has(repo, revision or None):
                lacking.add(each)
        lacking |= set() if stock else set(map(str, catalogue[name].missing()))
    return tuple(
        Needed(each, tuple(names), sum(suite.tasks[name].count for name in names), each not in lacking)
        for each, names in tasks.items()
    )
