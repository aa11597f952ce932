"""Recomputing: what the tasks' own scoring makes of stored outputs, on a CPU, without a model (design.md, invariant 2).

A stored row is held against its item and against the one rule by which a run is written
(:func:`harness.lmeval.judgement_of`). What cannot be recomputed is said, task by task, and is never a pass.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import RetentionError
from harness.lmeval import Judged, LoadedTask, Place, TaskError, judge_again, judgement_of, load_frozen, place_of
from harness.records import Suite, SuiteTask

# Judgements are kept by item and answer, as fine-tunes of one base agree on most items and checking some answers is
# slow. Bounds them together, in characters of their answers and a fixed cost of each.
_MOST_KEPT = 20_000_000
_KEPT_COST = 200
_PLACE = tuple(field.name for field in fields(Place))
_JUDGED = tuple(field.name for field in fields(Judged))
_LONGEST_REASON = 300
# Two machines may round the last bits of a score differently.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Difference:
    """One column of one row that is not what its item and the task's scoring give."""

    task: str
    item_id: str
    column: str
    stored: object
    recomputed: object


@dataclass(frozen=True)
class Recomputation:
    """``rows`` were judged again. ``unavailable`` says for each task that was not, why; ``unknown`` are rows that no
    task of the suite asks."""

    rows: int
    differences: tuple[Difference, ...]
    unavailable: dict[str, str]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """One item as the plausibility checks need it; ``answer`` is None where a task keeps its gold in code alone."""

    answer: str | None
    options: tuple[str, ...]


@dataclass(frozen=True)
class _Items:
    """A task with its documents, images left out: no scoring reads them, and they are most of the memory."""

    task: Any
    docs: list[dict[str, Any]]
    places: list[Place]
    index: dict[str, int]


class Recomputer:
    """The items of one suite, each task loaded once, and the tasks' own judgement of any stored answer.

    ``folder`` holds the task files of a suite of the user's own. Nothing is loaded before it is needed.
    """

    def __init__(self, suite: Suite, folder: Path | None = None) -> None:
        self.suite = suite
        self._folder = folder
        self._items: dict[str, _Items | str] = {}
        self._asked: dict[str, dict[str, Asked]] = {}
        self._held = 0
        self._kept: dict[tuple[str, int, str, str], Judged | None] = {}

    def recompute(self, samples: pd.DataFrame) -> Recomputation:
        """Hold every row of ``samples`` (columns of :class:`~harness.records.samples.Sample`) against what it should
        be.

        Rows with an error have no answer and are left alone. The columns that version 1 of the schema had not are
        compared where the file has them.
        """
        judged = 0
        differences: list[Difference] = []
        unavailable: dict[str, str] = {}
        unknown: list[str] = []
        for name, rows in samples.groupby("task", sort=False):
            task = str(name)
            if task not in self.suite.tasks:
                unknown += rows["item_id"].tolist()
                continue
            items = self._task(task)
            if isinstance(items, str):
                unavailable[task] = items
                continue
            known = rows["item_id"].isin(items.index)
            unknown += rows.loc[~known, "item_id"].tolist()
            answered = rows[known & rows["error"].isna()]
            try:
                found = self._judge(task, items, answered)
            except TaskError as error:
                unavailable[task] = str(error)
                continue
            judged += len(answered)
            differences += _differences(task, items, answered, found)
        return Recomputation(judged, tuple(differences), unavailable, tuple(unknown))

    def judged(self, samples: pd.DataFrame) -> dict[str, dict[str, object]]:
        """The judged columns of every row by item id, all anew; rows with an error, and choices by log-probability,
        which no text is read of, are left out. ``TaskError`` where an item is not here or an answer cannot be
        judged."""
        found: dict[str, dict[str, object]] = {}
        for name, rows in samples.groupby("task", sort=False):
            items = self._task(str(name)) if name in self.suite.tasks else "the suite has no such task"
            if isinstance(items, str):
                raise TaskError(f"task {name} cannot be judged again: {items}")
            if items.task.OUTPUT_TYPE == "multiple_choice":
                continue
            answered = rows[rows["error"].isna()]
            if unknown := sorted(set(answered["item_id"]) - items.index.keys()):
                raise TaskError(f"task {name} cannot be judged again: it asks no item {unknown[0][:12]}")
            for item_id, judged in zip(answered["item_id"], self._judge(str(name), items, answered), strict=True):
                if judged is None:
                    raise TaskError(f"task {name} cannot judge the answer to item {item_id[:12]}")
                found[item_id] = {column: getattr(judged, column) for column in _JUDGED}
        return found

    def reason_missing(self, task: str) -> str | None:
        """Why the items of ``task`` are not here, or None when they are."""
        items = self._task(task)
        return items if isinstance(items, str) else None

    def asked(self, task: str) -> dict[str, Asked]:
        """What each item of ``task`` asked, by item id; empty when its items are not here."""
        items = self._task(task)
        if isinstance(items, str):
            return {}
        if task not in self._asked:
            self._asked[task] = {key: _asked(items.task, items.docs[row]) for key, row in items.index.items()}
        return self._asked[task]

    def budget(self, task: str) -> int | None:
        """The most tokens an answer to ``task`` may have; None where it is not known or nothing is generated."""
        items = self._task(task)
        options = None if isinstance(items, str) else items.task.config.generation_kwargs
        budget = (options or {}).get("max_gen_toks")
        return None if budget is None else int(budget)

    @property
    def shows_images(self) -> bool:
        """Whether a task of the suite asks about images; those whose items are not here are not counted."""
        found = (self._task(name) for name in self.suite.tasks)
        return any(items.task.config.doc_to_image is not None for items in found if not isinstance(items, str))

    def questions(self, task: str) -> list[str]:
        """What each item of ``task`` asks, as text, in the suite's order; empty when its items are not here."""
        items = self._task(task)
        return [] if isinstance(items, str) else [str(items.task.doc_to_text(doc)) for doc in items.docs]

    def _task(self, name: str) -> _Items | str:
        if name not in self._items:
            alone = self.suite.model_copy(update={"tasks": {name: self.suite.tasks[name]}})
            try:
                self._items[name] = _read(name, self.suite.tasks[name], load_frozen(alone, self._folder)[name])
            except Exception as error:  # a task's loader may raise anything, and no entry is to blame for it
                kind = "" if isinstance(error, RetentionError) else f"{type(error).__name__}: "
                self._items[name] = " ".join(f"{kind}{error}".split())[:_LONGEST_REASON]
        return self._items[name]

    def _judge(self, name: str, items: _Items, rows: pd.DataFrame) -> list[Judged | None]:
        keys = [
            (name, items.index[item_id], output, finish_reason)
            for item_id, output, finish_reason in zip(
                rows["item_id"], rows["output"], rows["finish_reason"], strict=True
            )
        ]
        new = [key for key in dict.fromkeys(keys) if key not in self._kept]
        self._held += sum(len(output) + _KEPT_COST for _, _, output, _ in new)
        if self._held > _MOST_KEPT:
            self._kept.clear()
            new = list(dict.fromkeys(keys))
            self._held = sum(len(output) + _KEPT_COST for _, _, output, _ in new)
        place = self.suite.tasks[name]
        for key, metrics in zip(new, _metrics(items, new, place.metric), strict=True):
            self._kept[key] = None if metrics is None else judgement_of(place, metrics, key[2], key[3], None)
        return [self._kept[key] for key in keys]


def _read(name: str, place: SuiteTask, loaded: LoadedTask) -> _Items:
    task, documents = loaded.task, loaded.task.eval_docs
    if task.OUTPUT_TYPE == "multiple_choice" and (place.metric != "acc" or callable(task.config.process_results)):
        raise TaskError(f"task {name}: its {place.metric} does not follow from the option that was chosen")
    if "images" in getattr(documents, "features", ()):
        documents = documents.remove_columns("images")
    docs = list(documents)
    places = [place_of(name, place, doc, item_id) for doc, item_id in zip(docs, loaded.item_ids, strict=True)]
    bare = copy.copy(task)
    bare.dataset, bare.test_docs = None, lambda: docs
    return _Items(bare, docs, places, {item_id: row for row, item_id in enumerate(loaded.item_ids)})


def _metrics(items: _Items, keys: Sequence[tuple[str, int, str, str]], metric: str) -> Iterator[dict[str, Any] | None]:
    """Metrics of each answer; None for one that the task's scoring refuses or breaks on."""
    task = items.task
    docs, outputs = [items.docs[key[1]] for key in keys], [key[2] for key in keys]
    try:
        yield from list(judge_again(task, docs, outputs, metric))
        return
    except TaskError:
        raise
    except Exception:  # noqa: S110 - which of the answers it was is found out below
        pass
    for doc, output in zip(docs, outputs, strict=True):
        try:
            yield next(judge_again(task, [doc], [output], metric))
        except Exception:  # outputs are hostile text, and a task's scoring may raise anything
            yield None


def _differences(name: str, items: _Items, rows: pd.DataFrame, found: Sequence[Judged | None]) -> Iterator[Difference]:
    item_ids = rows["item_id"].tolist()
    for item_id, output, judged in zip(item_ids, rows["output"].tolist(), found, strict=True):
        if judged is None:
            yield Difference(name, item_id, "output", output, "no answer that the task can judge")
    # Version 1 of the schema had neither column.
    later = not rows["details"].isna().all()
    choice = items.task.OUTPUT_TYPE == "multiple_choice"
    skipped = {*(() if later else ("layer", "details")), *(("details",) if choice else ())}
    places = [items.places[items.index[item_id]] for item_id in item_ids]
    for column in (*_PLACE, *_JUDGED):
        if column in skipped:
            continue
        stored = [_plain(value) for value in rows[column].tolist()]
        due = [
            getattr(place if column in _PLACE else judged, column, None)
            for place, judged in zip(places, found, strict=True)
        ]
        if stored == due:
            continue
        for item_id, mine, wanted, judged in zip(item_ids, stored, due, found, strict=True):
            if judged is not None and not _same(mine, wanted):
                yield Difference(name, item_id, column, mine, wanted)


def _plain(value: object) -> object:
    """A missing value of a frame, which is a NaN or the like, as None."""
    return (
        value if isinstance(value, str | dict | bool) or (isinstance(value, float) and not math.isnan(value)) else None
    )


def _same(stored: object, due: object) -> bool:
    if isinstance(due, dict):
        return isinstance(stored, dict) and stored.keys() == due.keys() and all(_same(stored[k], due[k]) for k in due)
    if isinstance(due, float):
        return isinstance(stored, float) and math.isclose(stored, due, rel_tol=0, abs_tol=_TOLERANCE)
    return stored == due


def _asked(task: Any, doc: dict[str, Any]) -> Asked:
    if task.OUTPUT_TYPE == "multiple_choice":
        options = tuple(str(option).strip() for option in task.doc_to_choice(doc))
        gold = task.doc_to_target(doc)
        known = isinstance(gold, int) and 0 <= gold < len(options)
        return Asked(options[gold] if known else str(gold) if isinstance(gold, str) else None, options)
    answer = doc.get("answer")
    return Asked(None if answer is None else str(answer), tuple(map(str, doc.get("options") or ())))
