"""Parts: the first items of each task of a suite, which are a random sample, as a suite of its own.

A part has its own name, version and digest, so that a run of it is never taken for one of the suite, and two runs of
the same part can be paired.
"""

from pathlib import Path
from typing import Any

from harness.items import items_digest
from harness.lmeval import LoadedTask, cluster_ids, first_items, load_frozen
from harness.records import DRAFT, Suite

PART = "-part"


def part_of(suite: Suite, folder: Path, items: int, whole: Suite | None = None) -> Suite:
    """The first ``items`` of each task of ``suite``, named after it: version 100 of core-text-2-part has up to 100.

    ``folder`` has the suite's tasks. ``whole`` is the suite that ``suite`` has some tasks of, whose number is then in
    the part's name. What has no task with more items, and all tasks, is returned as it is. Raises ``SuiteError`` where
    the data does not give the frozen items.
    """
    whole = whole or suite
    all_tasks = suite.tasks.keys() == whole.tasks.keys()
    if all_tasks and all(task.count <= items for task in suite.tasks.values()):
        return suite
    sizes = {name: taken for name, (taken, _) in first_of_each(suite, folder, items).items()}
    tasks = {name: task.model_copy(update=sizes[name]) for name, task in suite.tasks.items()}
    some = "" if all_tasks else f"-{len(tasks)}-tasks"
    fields = {
        "name": f"{whole.id.removesuffix(DRAFT)}{PART}{some}",
        "version": f"{items}{DRAFT if whole.is_draft else ''}",
        "title": f"{suite.title}: at most {items} items a task of {whole.id}",
        "tasks": tasks,
    }
    return Suite(**{**suite.model_dump(), **fields})


def first_of_each(suite: Suite, folder: Path, items: int) -> dict[str, tuple[dict[str, Any], LoadedTask]]:
    """The first ``items`` of each task, with what a suite fixes about them."""
    loaded = load_frozen(suite, folder)
    taken = {name: first_items(task, items) for name, task in loaded.items()}
    return {name: (size_of(task), task) for name, task in taken.items()}


def size_of(taken: LoadedTask) -> dict[str, Any]:
    """What a suite fixes about the items of a task."""
    return {
        "count": len(taken.item_ids),
        "digest": items_digest(taken.item_ids),
        "clusters": len(set(cluster_ids(taken))),
    }
