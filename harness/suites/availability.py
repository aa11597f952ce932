"""Availability: which tasks of a suite lack their data here, found without loading any of it."""

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
