"""Recomputation: score stored outputs again with the tasks' own scoring, on a CPU, without a model.

Each stored row is compared with its item and with what a run would write for it
(:func:`harness.lmeval.judgement_of`). Tasks that cannot be recomputed are reported, and never count as passed
(harness/README.md, invariant 2).
"""

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from harness import plugin
from harness.errors import RetentionError
from harness.lmeval import (
    Judged,
    LoadedTask,
    Place,
    TaskError,
    check_judges,
    judge_again,
    judgement_of,
    load_frozen,
    options_of,
    place_of,
    question_of,
)
from harness.records import Suite, SuiteTask

# Judgements are cached by item and answer, as fine-tunes of one base agree on most items and judging can be slow. The
# cache is bounded in characters of the answers, plus a fixed cost for each.
_MOST_KEPT = 20_000_000
_KEPT_COST = 200
_LOGPROB_COST = 32
_PLACE = tuple(field.name for field in fields(Place))
_JUDGED = tuple(field.name for field in fields(Judged))
_LONGEST_REASON = 300
# Two machines may round the last bits of a score differently.
_TOLERANCE = 1e-9

# The judged columns of rows, by item id and repeat.
Verdicts = dict[tuple[str, int], dict[str, object]]


@dataclass(frozen=True)
class Difference:
    """One column of one row that differs from what its item and the task's scoring give."""

    task: str
    item_id: str
    column: str
    stored: object
    recomputed: object


@dataclass(frozen=True)
class Recomputation:
    """``rows`` is the number of rows judged again. ``unavailable`` gives the reason for each task that was not;
    ``unknown`` are item ids that belong to no task of the suite."""

    rows: int
    differences: tuple[Difference, ...]
    unavailable: dict[str, str]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class AnswerKey:
    """An item's gold answer and options; ``answer`` is None where a task has its gold answer only in code."""

    answer: str | None
    options: tuple[str, ...]


@dataclass(frozen=True)
class _Key:
    """What decides a judgement: the item, by its task and its place there, and the stored answer."""

    task: str
    place: int
    output: str
    finish_reason: str
    logprobs: tuple[float, ...] | None

    @property
    def cost(self) -> int:
        return len(self.output) + _LOGPROB_COST * len(self.logprobs or ()) + _KEPT_COST


@dataclass(frozen=True)
class _Items:
    """A task with its documents, without images: scoring does not need them, and they take most of the memory."""

    task: Any
    docs: list[dict[str, Any]]
    places: list[Place]
    index: dict[str, int]


class Recomputer:
    """Judges stored answers to one suite with the tasks' own scoring; each task is loaded once, when first needed.

    ``folder`` has the task files of a user's own suite.
    """

    def __init__(self, suite: Suite, folder: Path | None = None) -> None:
        self.suite = suite
        self._folder = folder
        self._items: dict[str, _Items | str] = {}
        self._answer_keys: dict[str, dict[str, AnswerKey]] = {}
        self._cache_size = 0
        self._cache: dict[_Key, Judged | None] = {}

    def recompute(self, samples: pd.DataFrame) -> Recomputation:
        """Compare every row of ``samples`` (columns of :class:`~harness.records.samples.Sample`) and a new judgement.

        Rows with an error have no answer and are skipped. Columns that version 1 of the schema lacks are compared if
        the file has them.
        """
        samples = samples if "logprobs" in samples.columns else samples.assign(logprobs=None)
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
            known = pd.Series([each in items.index for each in rows["item_id"].tolist()], index=rows.index, dtype=bool)
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

    def judged(self, samples: pd.DataFrame) -> Verdicts:
        """The judged columns of every row by item id and repeat, all judged again.

        Rows with an error are left out, as are multiple-choice tasks, whose score is not read from text. ``TaskError``
        if an item is not available or an answer cannot be judged.
        """
        found: Verdicts = {}
        samples = samples if "logprobs" in samples.columns else samples.assign(logprobs=None)
        samples = samples if "repeat" in samples.columns else samples.assign(repeat=0)
        for name, rows in samples.groupby("task", sort=False):
            items = self._task(str(name)) if name in self.suite.tasks else "the suite has no such task"
            if isinstance(items, str):
                raise TaskError(f"task {name} cannot be judged again: {items}")
            if items.task.OUTPUT_TYPE == "multiple_choice":
                continue
            answered = rows[rows["error"].isna()]
            if unknown := sorted(set(answered["item_id"]) - items.index.keys()):
                raise TaskError(f"task {name} cannot be judged again: it has no item {unknown[0][:12]}")
            keys = zip(answered["item_id"], answered["repeat"], strict=True)
            for (item_id, repeat), judged in zip(keys, self._judge(str(name), items, answered), strict=True):
                if judged is None:
                    raise TaskError(f"task {name} cannot judge the answer to item {item_id[:12]}")
                found[item_id, int(repeat)] = {column: getattr(judged, column) for column in _JUDGED}
        return found

    def answer_keys(self, task: str) -> dict[str, AnswerKey]:
        """The gold answer and options of each item of ``task``, by item id; empty if its items are not available."""
        items = self._task(task)
        if isinstance(items, str):
            return {}
        if task not in self._answer_keys:
            self._answer_keys[task] = {
                key: _answer_key(items.task, items.docs[row]) for key, row in items.index.items()
            }
        return self._answer_keys[task]

    def budget(self, task: str) -> int | None:
        """The token budget of an answer to ``task``; None if it is unknown or nothing is generated."""
        items = self._task(task)
        options = None if isinstance(items, str) else items.task.config.generation_kwargs
        budget = (options or {}).get("max_gen_toks")
        return None if budget is None else int(budget)

    @property
    def shows_images(self) -> bool:
        """Whether a task of the suite has images; tasks whose items are not available do not count."""
        found = (self._task(name) for name in self.suite.tasks)
        return any(items.task.config.doc_to_image is not None for items in found if not isinstance(items, str))

    def questions(self, task: str) -> list[str]:
        """The question of each item of ``task``, in the suite's order; empty if its items are not available."""
        items = self._task(task)
        return [] if isinstance(items, str) else [question_of(items.task, doc) for doc in items.docs]

    def _task(self, name: str) -> _Items | str:
        if name not in self._items:
            alone = self.suite.model_copy(update={"tasks": {name: self.suite.tasks[name]}})
            try:
                self._items[name] = _read(name, self.suite.tasks[name], load_frozen(alone, self._folder)[name])
            except Exception as error:  # a task's loader may raise anything, which is not the entry's fault
                kind = "" if isinstance(error, RetentionError) else f"{type(error).__name__}: "
                self._items[name] = " ".join(f"{kind}{error}".split())[:_LONGEST_REASON]
        return self._items[name]

    def _judge(self, name: str, items: _Items, rows: pd.DataFrame) -> list[Judged | None]:
        columns = [rows[column].tolist() for column in ("item_id", "output", "finish_reason", "logprobs")]
        keys = [_Key(name, items.index[item_id], *answer) for item_id, *answer in zip(*columns, strict=True)]
        new = [key for key in dict.fromkeys(keys) if key not in self._cache]
        self._cache_size += sum(key.cost for key in new)
        if self._cache_size > _MOST_KEPT:
            self._cache.clear()
            new = list(dict.fromkeys(keys))
            self._cache_size = sum(key.cost for key in new)
        place = self.suite.tasks[name]
        for key, metrics in zip(new, _metrics(items, new, place.metric), strict=True):
            self._cache[key] = (
                None if metrics is None else judgement_of(place, metrics, key.output, key.finish_reason, None)
            )
        return [self._cache[key] for key in keys]


def _read(name: str, place: SuiteTask, loaded: LoadedTask) -> _Items:
    task, documents = loaded.task, loaded.task.eval_docs
    if place.stock is not None:
        check_judges({name: loaded})
    if "images" in getattr(documents, "features", ()):
        documents = documents.remove_columns("images")
    docs = list(documents)
    places = [place_of(name, place, doc, item_id) for doc, item_id in zip(docs, loaded.item_ids, strict=True)]
    bare = copy.copy(task)
    bare.dataset, bare.test_docs = None, lambda: docs
    return _Items(bare, docs, places, {item_id: row for row, item_id in enumerate(loaded.item_ids)})


def _metrics(items: _Items, keys: Sequence[_Key], metric: str) -> Iterator[dict[str, Any] | None]:
    """Metrics of each answer; None for one that the task's scoring rejects or fails on."""
    task = items.task
    if task.OUTPUT_TYPE == "multiple_choice":
        _check_choices(task, keys, metric)
    try:
        yield from list(_judged(items, keys, metric))
        return
    except TaskError:
        raise
    except Exception:  # noqa: S110 - which of the answers it was is found out below
        pass
    for key in keys:
        try:
            yield next(_judged(items, [key], metric))
        except Exception:  # outputs are hostile text, and a task's scoring may raise anything
            yield None


def _judged(items: _Items, keys: Sequence[_Key], metric: str) -> Iterator[dict[str, Any] | None]:
    docs, outputs = [items.docs[key.place] for key in keys], [key.output for key in keys]
    if items.task.OUTPUT_TYPE != "multiple_choice":
        return judge_again(items.task, docs, outputs, metric)
    return judge_again(items.task, docs, outputs, metric, [key.logprobs for key in keys])


def _check_choices(task: Any, keys: Sequence[_Key], metric: str) -> None:
    """Raise ``TaskError`` where an outcome does not follow from what is stored: only letters, and ``acc`` of lm-eval's
    own scoring, follow from the option alone.
    """
    judge = task.config.process_results
    alone = metric == "acc" and (judge is plugin.judge_letters or not callable(judge))
    if not alone and any(key.logprobs is None for key in keys):
        raise TaskError(
            f"task {task.config.task}: its {metric} does not follow from the chosen option, and the log-probabilities "
            "of all options are not stored; evaluate it again with this version"
        )


def _differences(name: str, items: _Items, rows: pd.DataFrame, found: Sequence[Judged | None]) -> Iterator[Difference]:
    item_ids = rows["item_id"].tolist()
    for item_id, output, judged in zip(item_ids, rows["output"].tolist(), found, strict=True):
        if judged is None:
            yield Difference(name, item_id, "output", output, "not an answer that the task can judge")
    # Version 1 of the schema had neither column.
    later = not rows["details"].isna().all()
    skipped = {*(() if later else ("layer", "details")), *(() if _has_details(items.task, rows) else ("details",))}
    places = [items.places[items.index[item_id]] for item_id in item_ids]
    for column in (*_PLACE, *_JUDGED):
        if column in skipped:
            continue
        stored = rows[column].tolist()
        due = [getattr(each, column, None) for each in (places if column in _PLACE else found)]
        # Most columns are equal as they are; in others missing values have to be made alike first.
        if stored == due or (stored := [_plain(value) for value in stored]) == due:
            continue
        for item_id, mine, wanted, judged in zip(item_ids, stored, due, found, strict=True):
            if judged is not None and not _same(mine, wanted):
                yield Difference(name, item_id, column, mine, wanted)


def _has_details(task: Any, rows: pd.DataFrame) -> bool:
    """Whether the further metrics follow from what is stored: those of options need all log-probabilities, and some of
    lm-eval's own need more.
    """
    if task.OUTPUT_TYPE != "multiple_choice":
        return True
    return callable(task.config.process_results) and not rows["logprobs"].isna().any()


def _plain(value: object) -> object:
    """The value, or None for a missing one (NaN or the like)."""
    return (
        value if isinstance(value, str | dict | bool) or (isinstance(value, float) and not math.isnan(value)) else None
    )


def _same(stored: object, due: object) -> bool:
    if isinstance(due, dict):
        return isinstance(stored, dict) and stored.keys() == due.keys() and all(_same(stored[k], due[k]) for k in due)
    if isinstance(due, float):
        return isinstance(stored, float) and math.isclose(stored, due, rel_tol=0, abs_tol=_TOLERANCE)
    return stored == due


def _answer_key(task: Any, doc: dict[str, Any]) -> AnswerKey:
    if task.OUTPUT_TYPE == "multiple_choice":
        options = tuple(options_of(task, doc))
        gold = task.doc_to_text(doc) if task.multiple_input else task.doc_to_target(doc)
        known = isinstance(gold, int) and 0 <= gold < len(options)
        return AnswerKey(options[gold] if known else str(gold) if isinstance(gold, str) else None, options)
    answer = doc.get("answer")
    return AnswerKey(None if answer is None else str(answer), tuple(map(str, doc.get("options") or ())))
