"""Asked: what the items of a run asked, found again in the suite by their ids, since a run stores answers alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from harness.errors import RetentionError
from harness.lmeval import LoadedTask, build_requests, first_items, images_of, load_each, shots_of, stock_tasks
from harness.records import DRAFT, Run, Suite, read_suite, suite_names, suite_path
from harness.suites import open_suite


@dataclass(frozen=True)
class Asked:
    """The question of one item as it was put, before any chat template, with a placeholder for each image."""

    question: str
    answer: str
    options: tuple[str, ...] = ()
    images: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Questions:
    """What was asked, by item id, and why something of it is not known."""

    known: Mapping[str, Asked]
    notes: tuple[str, ...] = field(default=())


def find_questions(run: Run, suite: str | None, *, pictures: bool) -> Questions:
    """The questions of ``run`` out of ``suite``, an id or a YAML file, by default the shipped one that it was run on.

    An item id covers all that is asked, so that a question found by it is the one that was answered. ``RetentionError``
    where a suite that was named has none of them.
    """
    record = run.record.suite
    named = f"{record.name}-{record.version}"
    if suite is None and named not in suite_names(drafts=named.endswith(DRAFT)):
        return Questions({}, (f"{named} is not a shipped suite: name its file with --suite to have the questions",))
    reference = suite or named
    found, notes = _look(run, open_suite(reference) if suite else _shipped(reference), reference, pictures)
    if suite is not None and not found and not notes:
        raise RetentionError(f"{suite}: none of the run's items are in this suite; it was run on {named}")
    return Questions(found, tuple(notes))


def _shipped(reference: str) -> Suite:
    read = read_suite(reference)
    return read if isinstance(read, Suite) else open_suite(reference)


def _look(run: Run, suite: Suite, reference: str, pictures: bool) -> tuple[dict[str, Asked], list[str]]:
    ids = set(run.samples["item_id"])
    wanted = [name for name in suite.tasks if name in set(run.samples["task"])]
    counts = {name: suite.tasks[name].count for name in wanted}
    stock = {name: each for name, each in stock_tasks(suite).items() if name in wanted}
    found: dict[str, Asked] = {}
    notes: list[str] = []
    folder = suite_path(reference).parent
    for name, loaded in load_each(wanted, folder, stock, shots_of(suite), counts):
        if isinstance(loaded, RetentionError):
            notes.append(f"the questions of task {name} are left out: {loaded}")
            continue
        for item_id, asked in _of_task(first_items(loaded, counts[name]), pictures):
            if item_id in ids:
                found[item_id] = asked
    return found, notes


def _of_task(loaded: LoadedTask, pictures: bool) -> Iterator[tuple[str, Asked]]:
    for item_id, doc in zip(loaded.item_ids, loaded.task.eval_docs, strict=True):
        first, *others = build_requests(loaded.task, doc)
        written = loaded.task.OUTPUT_TYPE == "generate_until"
        options = doc.get("options") or ([] if written else [each.args[1] for each in (first, *others)])
        answer = doc["answer"] if "answer" in doc else loaded.task.doc_to_target(doc)
        images = images_of(first) if pictures else ()
        yield item_id, Asked(str(first.args[0]), str(answer), tuple(map(str, options)), images)
