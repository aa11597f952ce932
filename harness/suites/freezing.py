"""Freezing: fix a suite's items by digest, verify them against the data, and sample a smaller suite.

A frozen suite has a lock file: the first hex digits of each item id in order. The suite's digests prove that the items
are the frozen ones; the lock tells which is the first that differs.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from harness.errors import RetentionError
from harness.items import items_digest
from harness.lmeval import (
    LoadedTask,
    check_judges,
    cluster_ids,
    decoding_of,
    first_items,
    load_each,
    shots_of,
    stock_tasks,
)
from harness.records import DRAFT, Draft, DraftTask, Suite, SuiteError, SuiteTask, read_suite, suite_path
from harness.sources import use_hub_or_cache
from harness.suites.catalogue import find_tasks
from harness.suites.parts import first_of_each, size_of

LOCK_SUFFIX = ".lock"
CHANGES_FILE = "CHANGES.md"
# Hex digits of an item id in a lock: two items of one task collide once in four thousand million.
_SHORT = 8
_A_LINE = 13
_QUOTED = 60

ItemIds = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Finding:
    """The result of checking one task: ``problem`` says what is wrong, and is empty if nothing is."""

    task: str
    items: int
    problem: str


def open_suite(reference: str) -> Suite:
    """A suite to run, by its id or file: a frozen one as it is, a draft with the current items of its tasks."""
    found = read_suite(reference)
    return complete(found, suite_path(reference).parent)[0] if isinstance(found, Draft) else found


def complete(draft: Draft, folder: Path) -> tuple[Suite, ItemIds]:
    """The draft with its counts, digests, budgets and sources filled in, and the item ids of its tasks.

    ``folder`` may contain a user's own tasks. ``SuiteError`` if a task does not have the items that the draft states.
    """
    catalogue = find_tasks(folder)
    tasks, item_ids = {}, {}
    counts = {name: task.count for name, task in draft.tasks.items()}
    for name, loaded in load_each(list(draft.tasks), folder, stock_tasks(draft), shots_of(draft), counts):
        if isinstance(loaded, RetentionError):
            raise loaded
        place = draft.tasks[name]
        check_judges({name: loaded})
        sources = tuple(map(str, catalogue[name].sources())) if place.stock is None else place.sources
        tasks[name], item_ids[name] = _freeze(name, place, loaded, sources)
    return Suite(**{**draft.model_dump(), "tasks": tasks}), item_ids


def freeze(reference: str, note: str) -> Path:
    """Freeze a draft: write the suite, its lock and its entry in CHANGES.md next to it; returns the suite's file.

    Refuses to overwrite a frozen suite, and a version whose number claims to be comparable when it is not.
    """
    draft, path = read_suite(reference), suite_path(reference)
    if isinstance(draft, Suite):
        raise SuiteError(
            f"{path}: already frozen; a suite is never changed, only succeeded: copy it to a file and version that end "
            f"in {DRAFT}, with the next number, or the next letter if scores stay comparable, and freeze that"
        )
    target = path.with_name(f"{draft.id.removesuffix(DRAFT)}.yaml")
    _refuse_to_replace(target)
    pinned = draft.model_copy(update={"tasks": {name: _pinned(task) for name, task in draft.tasks.items()}})
    completed, item_ids = complete(pinned, path.parent)
    suite = completed.model_copy(update={"version": draft.version.removesuffix(DRAFT)})
    _check_comparable(suite, path.parent)
    write(suite, item_ids, target, _heading(path))
    _enter(path.with_name(CHANGES_FILE), suite, note)
    return target


def sample(reference: str, count: int, target: Path) -> Suite:
    """Write a suite of the first ``count`` items of each task, which are a random sample, and its lock.

    Its name and version come from the name of the file ``target``.
    """
    named = re.fullmatch(r"(.+)-([0-9]+[a-z]?)", target.stem)
    if named is None or target.suffix != ".yaml":
        raise SuiteError(f"{target}: the file's name must be the suite's name and version, for example part-1.yaml")
    _refuse_to_replace(target)
    suite = open_suite(reference)
    taken = first_of_each(suite, suite_path(reference).parent, count)
    item_ids = {name: task.item_ids for name, (_, task) in taken.items()}
    tasks = {name: task.model_copy(update=taken[name][0]) for name, task in suite.tasks.items()}
    title = f"{suite.title}: at most {count} items a task of {suite.id}"
    part = Suite(**{**suite.model_dump(), "name": named[1], "version": named[2], "title": title, "tasks": tasks})
    write(part, item_ids, target)
    return part


def verify(reference: str) -> Iterator[Finding]:
    """Check every task of a frozen suite against the data: its items, decoding and sources."""
    suite = read_suite(reference)
    if isinstance(suite, Draft):
        raise SuiteError(f"{reference}: a draft, so there is nothing to verify; freeze it first")
    path = suite_path(reference)
    lock = read_lock(path.with_suffix(LOCK_SUFFIX))
    catalogue = find_tasks(path.parent)
    counts = {name: task.count for name, task in suite.tasks.items()}
    for name, loaded in load_each(list(suite.tasks), path.parent, stock_tasks(suite), shots_of(suite), counts):
        place = suite.tasks[name]
        if isinstance(loaded, RetentionError):
            yield Finding(name, place.count, str(loaded))
            continue
        problem = _difference(place, first_items(loaded, place.count), lock.get(name))
        try:
            suite.check_decoding(name, *decoding_of(loaded))
        except SuiteError as error:
            problem = problem or str(error)
        if place.clusters not in (None, found := len(set(cluster_ids(first_items(loaded, place.count))))):
            problem = problem or f"its items are {found} clusters, frozen {place.clusters}"
        if place.stock is None and place.sources:
            used = tuple(map(str, catalogue[name].sources()))
            if used != place.sources:
                problem = problem or f"it uses {', '.join(used) or 'no data set'}, frozen {', '.join(place.sources)}"
        yield Finding(name, place.count, problem)


def write(suite: Suite, item_ids: ItemIds, target: Path, heading: str = "") -> None:
    """Write the suite's file and its lock; ``SuiteError`` if they cannot be written."""
    fields = suite.model_dump(exclude_defaults=True, mode="json")
    fields["prompt"] = suite.prompt
    tasks = fields.pop("tasks")
    text = yaml.safe_dump({**fields, "tasks": tasks}, sort_keys=False, allow_unicode=True, width=120)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.with_suffix(LOCK_SUFFIX).write_text(_lock_text(suite, item_ids), encoding="utf-8")
        target.write_text(heading + text, encoding="utf-8")
    except OSError as error:
        raise SuiteError(
            f"{target}: cannot be written ({error.strerror}); write it, or copy the draft, to a writable folder"
        ) from error


def read_lock(path: Path) -> dict[str, list[str]]:
    """The short item ids of each task; empty if there is no lock."""
    found: dict[str, list[str]] = {}
    task: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        if line.startswith("#"):
            continue
        if line.startswith("task "):
            task = found.setdefault(line.removeprefix("task "), [])
        else:
            task += line.split()
    return found


def _lock_text(suite: Suite, item_ids: ItemIds) -> str:
    lines = [
        f"# The first {_SHORT} digits of each item id of {suite.id}, in order; written by `retention suite freeze`."
    ]
    for name, ids in item_ids.items():
        lines.append(f"task {name}")
        short = [each[:_SHORT] for each in ids]
        lines += [" ".join(short[start : start + _A_LINE]) for start in range(0, len(short), _A_LINE)]
    return "\n".join(lines) + "\n"


def _freeze(
    name: str, place: DraftTask, loaded: LoadedTask, sources: tuple[str, ...]
) -> tuple[SuiteTask, Sequence[str]]:
    taken = first_items(loaded, place.count)
    if place.count is not None and len(taken.item_ids) < place.count:
        raise SuiteError(f"task {name}: it has {len(taken.item_ids)} items, but the draft asks for {place.count}")
    max_tokens, stop = decoding_of(loaded)
    known = {
        **size_of(taken),
        "max_tokens": max_tokens,
        "stop": stop,
        "sources": sources,
    }
    for field in ("digest", "max_tokens"):
        if getattr(place, field) not in (None, known[field]):
            raise SuiteError(
                f"task {name}: its {field} is {known[field]}, but the draft states {getattr(place, field)}"
            )
    return SuiteTask(**{**place.model_dump(), **known}), taken.item_ids


def _pinned(task: DraftTask) -> DraftTask:
    """One of lm-eval's own tasks with its data set pinned to the hub's current revision, unless the draft pins it."""
    if task.stock is None or not task.sources or "@" in task.sources[0]:
        return task
    import huggingface_hub

    use_hub_or_cache()
    repo = task.sources[0]
    try:
        revision = huggingface_hub.HfApi().dataset_info(repo).sha
    except Exception as error:  # The hub's client raises many kinds.
        raise SuiteError(
            f"data set {repo}: its revision could not be read from the hub ({type(error).__name__}); connect to the "
            f"hub, or write it into the draft: sources: [{repo}@REVISION]"
        ) from error
    return task.model_copy(update={"sources": (f"{repo}@{revision}",)})


def _check_comparable(suite: Suite, folder: Path) -> None:
    """Versions with the same number must have the same digest, prompting and grouping, so that scores compare."""
    number = re.sub(r"(?<=[0-9])[a-z]\Z", "", suite.version)
    for path in sorted(folder.glob(f"{suite.name}-{number}*.yaml")):
        if re.fullmatch(rf"{re.escape(suite.name)}-{number}[a-z]?", path.stem) is None:
            continue
        other = read_suite(str(path))
        if _comparable(other) != _comparable(suite):
            raise SuiteError(
                f"{suite.id}: its items, or their prompts, scoring or grouping, differ from {path.stem}, so its scores "
                f"would not be comparable: give it the number {int(re.sub(r'[^0-9].*', '', number)) + 1}"
            )


def _comparable(suite: Suite | Draft) -> object:
    assert isinstance(suite, Suite)
    return suite.digest, suite.prompt, {name: (task.family, task.group) for name, task in suite.tasks.items()}


def _difference(place: SuiteTask, loaded: LoadedTask, lock: Sequence[str] | None) -> str:
    """How the items differ from the frozen ones, naming the first that does; empty if they do not."""
    ids = loaded.item_ids
    same = len(ids) == place.count and items_digest(ids) == place.digest
    short = [each[:_SHORT] for each in ids]
    if same:
        return "" if lock is None or short == list(lock) else "the items are the frozen ones, but the lock lists others"
    if lock is None:
        return f"digest {items_digest(ids)[:12]}, frozen {place.digest[:12]}; without a lock file the item is unknown"
    for number, (found, frozen) in enumerate(zip(short, lock, strict=False)):
        if found != frozen:
            return f"item {number} is {found}{_quoted(loaded, number)}, frozen {frozen}"
    if len(short) != len(lock):
        return f"it has {len(short)} items, frozen {len(lock)}; the common ones are the same"
    return "the lock lists these items, but not the frozen digest"


def _quoted(loaded: LoadedTask, number: int) -> str:
    question = " ".join(str(loaded.task.eval_docs[number].get("question", "")).split())
    return f" ({question[:_QUOTED]}{'..' if len(question) > _QUOTED else ''})" if question else ""


def _refuse_to_replace(target: Path) -> None:
    if target.exists():
        raise SuiteError(
            f"{target}: already exists, and a frozen suite is never replaced; give the new one another version"
        )


def _heading(path: Path) -> str:
    """The comment at the top of a draft, which its frozen suite keeps."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(lines[: next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))])


def _enter(path: Path, suite: Suite, note: str) -> None:
    """Insert the suite's entry above the older ones."""
    items = sum(task.count for task in suite.tasks.values())
    entry = f"## {suite.id}\n\n{note.strip()}\n\n{len(suite.tasks)} tasks, {items:,} items; digest `{suite.digest}`.\n"
    text = path.read_text(encoding="utf-8") if path.is_file() else "# Changes of the suites\n"
    head, mark, older = text.partition("\n## ")
    path.write_text(f"{head.rstrip()}\n\n{entry}{mark}{older}", encoding="utf-8")
