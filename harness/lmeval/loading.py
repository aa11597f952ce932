"""Tasks loaded by lm-eval, ours and its own: with item ids, limited to a suite's items, never from its caches."""

import copy
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lm_eval
import lm_eval.tasks
import yaml
from lm_eval.api.instance import Instance
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

from harness.errors import RetentionError
from harness.item_cache import first_documents
from harness.items import canonical_json, image_digest
from harness.protocol import (
    Decoding,
)
from harness.records import Draft, Suite, tasks_root
from harness.sources import use_hub_or_cache
from harness.temporary import passing_folder

VERSION = version("lm-eval")


class TaskError(RetentionError):
    """A task that cannot be loaded, or uses a feature that this harness does not support."""


@dataclass(frozen=True)
class StockTask:
    """One of lm-eval's own tasks: its folder below lm-eval's tasks, and what its YAML does not pin: the revision of its
    data set, and the token budget of an answer."""

    folder: str
    revision: str = ""
    max_tokens: int | None = None


@dataclass(frozen=True)
class LoadedTask:
    """An lm-eval task and the ids of its items, in document order."""

    task: Any
    item_ids: list[str]


def load_tasks(
    names: Sequence[str],
    extra_root: Path | None = None,
    stock: Mapping[str, StockTask] | None = None,
    shots: Mapping[str, int] | None = None,
    counts: Mapping[str, int | None] | None = None,
) -> dict[str, LoadedTask]:
    """Load tasks by name from the shipped tasks and, if given, a user's folder; ``stock`` are lm-eval's own, and
    ``shots`` numbers of examples that differ from a task's own.

    Of a task in ``counts`` no more than its first items need be loaded.
    """
    tasks = {}
    for name, loaded in load_each(names, extra_root, stock, shots, counts):
        if isinstance(loaded, RetentionError):
            raise loaded
        tasks[name] = loaded
    return tasks


def load_each(
    names: Sequence[str],
    extra_root: Path | None = None,
    stock: Mapping[str, StockTask] | None = None,
    shots: Mapping[str, int] | None = None,
    counts: Mapping[str, int | None] | None = None,
) -> Iterator[tuple[str, LoadedTask | RetentionError]]:
    """Load each task, or yield the error: one missing data set does not hide the other tasks."""
    stock, shots = stock or {}, shots or {}
    roots = [tasks_root(), *([] if extra_root is None else [extra_root])]
    folders = {name: _stock_root(name, each) for name, each in stock.items()}
    # Find shipped tasks by file name: lm-eval's index reads every YAML below a folder, twice with includes.
    shipped = {path.stem: str(path) for path in tasks_root().glob("*/[!_]*.yaml")}
    indexed = [extra_root] if extra_root is not None and not extra_root.resolve().is_relative_to(tasks_root()) else []
    own = TaskManager(include_path=[str(root) for root in indexed], include_defaults=False)
    theirs = TaskManager(include_path=sorted({str(folder) for folder in folders.values()}), include_defaults=False)
    for name in names:
        manager, where = (theirs, [folders[name]]) if name in stock else (own, roots)
        if name not in manager.all_subtasks and (name in stock or name not in shipped):
            yield name, TaskError(f"task {name}: no YAML of that name in {' or '.join(map(str, where))}")
            continue
        try:
            if name in stock:
                yield name, _load_stock(name, stock[name], manager, shots.get(name))
            else:
                path = own.task_index[name].yaml_path if name in own.all_subtasks else shipped[name]
                with first_documents((counts or {}).get(name)):
                    found = _load_own(name, Path(path), own, shots.get(name))
                yield name, found
        except RetentionError as error:
            yield name, error
        except Exception as error:  # A task file is code, and may raise anything.
            failed = TaskError(f"task {name}: it cannot be loaded ({type(error).__name__}: {error})")
            failed.__cause__ = error
            yield name, failed


def load_frozen(suite: Suite, extra_root: Path | None = None) -> dict[str, LoadedTask]:
    """The suite's tasks, each limited to the items that the suite takes and checked against its digest."""
    tasks = {}
    counts = {name: task.count for name, task in suite.tasks.items()}
    for name, loaded in load_tasks(list(suite.tasks), extra_root, stock_tasks(suite), shots_of(suite), counts).items():
        tasks[name] = first_items(loaded, suite.tasks[name].count)
        suite.check_items(name, tasks[name].item_ids)
        suite.check_decoding(name, *decoding_of(loaded))
    return tasks


def stock_tasks(suite: Suite | Draft) -> dict[str, StockTask]:
    """The tasks of a suite that are lm-eval's own."""
    return {
        name: StockTask(task.stock, task.sources[0].partition("@")[2] if task.sources else "", task.max_tokens)
        for name, task in suite.tasks.items()
        if task.stock is not None
    }


def shots_of(suite: Suite | Draft) -> dict[str, int]:
    """The number of examples of each task for which the suite states one."""
    return {name: task.shots for name, task in suite.tasks.items() if task.shots is not None}


def first_items(loaded: LoadedTask, count: int | None) -> LoadedTask:
    """The task limited to its first ``count`` items; all of them if there are fewer, or ``count`` is None."""
    available = len(loaded.item_ids)
    return select_items(loaded, range(available if count is None else min(count, available)))


def decoding_of(loaded: LoadedTask) -> tuple[int | None, tuple[str, ...]]:
    """The token budget and the stop strings of an answer; None and none for a multiple-choice task."""
    if loaded.task.OUTPUT_TYPE != "generate_until":
        return None, ()
    stated = decoding(loaded.task.config.generation_kwargs)
    return stated.max_tokens, stated.stop


def _stock_root(name: str, stock: StockTask) -> Path:
    folder = Path(lm_eval.tasks.__file__).parent / stock.folder
    if not folder.is_dir():
        raise TaskError(f"task {name}: lm-eval {VERSION} has no folder tasks/{stock.folder}")
    return folder


def _load_own(name: str, path: Path, manager: Any, shots: int | None) -> LoadedTask:
    """A task of this project or of a user, with another number of examples where a suite states one."""
    if shots is None:
        return _loaded(name, manager.load([str(path)])["tasks"][name])
    kwargs = load_yaml(path, resolve_func=False).get("dataset_kwargs") or {}
    return _loaded(name, _overridden(name, path, manager, {"dataset_kwargs": {**kwargs, "shots": shots}}))


def _overridden(name: str, path: Path, manager: Any, stated: dict[str, Any]) -> Any:
    """The lm-eval task of ``path`` with other fields: a YAML that includes it, lm-eval's way to override a task."""
    with passing_folder() as folder:
        written = folder / path.name
        written.write_text(yaml.safe_dump({"include": str(path), **stated}), encoding="utf-8")
        return manager.load([str(written)])["tasks"][name]


def _load_stock(name: str, stock: StockTask, manager: Any, shots: int | None) -> LoadedTask:
    """One of lm-eval's own tasks, with its data set at the pinned revision and the stated token budget."""
    use_hub_or_cache()
    entry = manager.task_index[name]
    stated: dict[str, Any] = {} if shots is None else {"num_fewshot": shots}
    if stock.revision:
        stated["dataset_kwargs"] = {**(entry.cfg.get("dataset_kwargs") or {}), "revision": stock.revision}
    if stock.max_tokens is not None:
        stated["generation_kwargs"] = {**(entry.cfg.get("generation_kwargs") or {}), "max_gen_toks": stock.max_tokens}
    try:
        task = _overridden(name, entry.yaml_path, manager, stated)
    except Exception as error:  # The hub's client raises many kinds of exceptions.
        raise TaskError(
            f"task {name}: lm-eval's data set for it could not be loaded ({type(error).__name__}); connect to the "
            "hub, or leave the task out"
        ) from error
    return _loaded(name, task)


def _loaded(name: str, task: Any) -> LoadedTask:
    if task.config.num_fewshot:
        _draw_examples_by_document(task)
    return LoadedTask(task, _item_ids(name, task))


def _draw_examples_by_document(task: Any) -> None:
    """Make a document's few-shot examples depend on it alone; lm-eval draws all from one random stream per run."""
    context = task.fewshot_context

    def fewshot_context(doc: Any, *args: Any, **options: Any) -> Any:
        task.set_fewshot_seed(int(hashlib.sha256(canonical_json(_stable(doc))).hexdigest()[:16], 16))
        return context(doc, *args, **options)

    task.fewshot_context = fewshot_context


def _item_ids(name: str, task: Any) -> list[str]:
    docs = task.eval_docs
    if "item_id" in docs.features:
        return list(docs["item_id"][:])
    return [external_item_id(name, doc, build_requests(task, doc)) for doc in docs]


def build_requests(task: Any, doc: Any) -> list[Instance]:
    """The requests that lm-eval builds for one document."""
    config = task.config
    context = task.fewshot_context(doc, num_fewshot=config.num_fewshot or 0, gen_prefix=task.doc_to_prefix(doc))
    made = task.construct_requests(doc=doc, ctx=context, metadata=(config.task, 0, config.repeats))
    return made if isinstance(made, list) else [made]


def cluster_ids(loaded: LoadedTask) -> list[str]:
    """The cluster of each item in document order; an item without one forms its own."""
    docs = loaded.task.eval_docs
    if "cluster_id" not in docs.features:
        return list(loaded.item_ids)
    return [str(cluster or item_id) for cluster, item_id in zip(docs["cluster_id"][:], loaded.item_ids, strict=True)]


def select_items(loaded: LoadedTask, rows: Sequence[int]) -> LoadedTask:
    """The task limited to the documents ``rows``, in that order; unchanged if these are all of them in order."""
    if rows == range(len(loaded.item_ids)):
        return loaded
    return LoadedTask(select_documents(loaded.task, rows), [loaded.item_ids[row] for row in rows])


def external_item_id(task: str, doc: dict[str, Any], requests: Sequence[Instance]) -> str:
    """Item id for a task that is not ours: over the task's name, the document and its requests.

    Requests are the text with its few-shot examples and the options or the decoding; images count by their pixels.
    """
    content = {"task": task, "doc": _stable(doc), "asked": _stable([list(each.args) for each in requests])}
    return hashlib.sha256(canonical_json(content)).hexdigest()


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _stable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_stable(each) for each in value]
    if isinstance(value, bytes):
        return image_digest(value)
    if hasattr(value, "tobytes") and hasattr(value, "mode"):
        return image_digest(f"{value.mode}{value.size}".encode() + value.tobytes())
    return value


def select_documents(task: Any, rows: Sequence[int]) -> Any:
    """The lm-eval task limited to these documents.

    lm-eval's own ``samples`` option reads all documents for each slab and looks them up in a list: quadratic in the
    number of items, and every image is decoded again.
    """
    docs = task.eval_docs
    view = copy.copy(task)
    chosen = docs.select(rows) if hasattr(docs, "select") else [docs[row] for row in rows]
    view.has_test_docs = lambda: True
    view.test_docs = lambda: chosen
    return view


def decoding(options: dict[str, Any]) -> Decoding:
    """The decoding in ``generation_kwargs``; ``TaskError`` for sampling, or if the token budget is missing."""
    if options.get("do_sample") or options.get("temperature"):
        raise TaskError("generation_kwargs: sampling is not supported; suites are greedy (do_sample: false)")
    until = options.get("until") or []
    stop = (until,) if isinstance(until, str) else tuple(until)
    if "max_gen_toks" not in options:
        raise TaskError("generation_kwargs: max_gen_toks is missing; each task must state its token budget")
    return Decoding(max_tokens=int(options["max_gen_toks"]), stop=stop)
