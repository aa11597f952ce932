"""Judging: from a task's own scoring to the columns of a row, the same for new and for stored answers."""

import copy
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from lm_eval.api.instance import Instance

from harness.errors import RetentionError
from harness.lmeval.loading import LoadedTask, TaskError
from harness.records import NOT_PARSED, Outcome, SuiteTask

_log = logging.getLogger(__name__)
# Items whose verdicts are compared: where a verdict is right once in ten, all would agree with a chance of .82 ** 128.
_JUDGED_TWICE = 64
_UNREADABLE = ("", "I do not know.")


def _extracted(metrics: dict[str, Any], output: str) -> str:
    """The answer after the filter of one of lm-eval's own tasks; for multiple choice, the option's text."""
    answer = metrics["filtered_resps"][0] if metrics.get("filtered_resps") else None
    return answer if isinstance(answer, str) else output


@dataclass(frozen=True)
class Place:
    """The columns of a row that depend on its item alone."""

    family: str
    group: str
    cluster_id: str
    guess_rate: float


@dataclass(frozen=True)
class Judged:
    """The columns of a row that the task's scoring derives from the answer."""

    extracted: str | None
    outcome: Outcome
    score: float
    layer: str | None
    details: dict[str, float]
    off_list: bool = False


def place_of(name: str, task: SuiteTask, doc: dict[str, Any], item_id: str) -> Place:
    """The item's columns; ``TaskError`` when neither its document nor the suite has a guess rate."""
    guess_rate = doc.get("guess_rate", task.guess_rate)
    if guess_rate is None:
        raise TaskError(f"task {name}: no guess_rate in its documents or in the suite")
    return Place(task.family, task.group, str(doc.get("cluster_id") or item_id), float(guess_rate))


def judgement_of(
    task: SuiteTask, metrics: dict[str, Any], output: str, finish_reason: str, error: str | None
) -> Judged:
    """A row's columns from the task's metrics of its answer: one of three outcomes; truncated counts as unparsed.

    ``metrics`` is the result of ``process_results``, or lm-eval's log of it with the names listed under ``metrics``.
    """
    metric = task.metric.partition(",")[0]
    if metric not in metrics:
        raise TaskError(f"it has no metric {metric}; it has {', '.join(metrics.get('metrics', ()))}")
    if "unparsed" in metrics:
        extracted, parsed, score = metrics.get("extracted"), not metrics["unparsed"], float(metrics["score"])
    else:
        extracted = _extracted(metrics, output)
        parsed, score = extracted.strip() not in NOT_PARSED, float(metrics[metric])
    correct = bool(metrics[metric])
    if error or finish_reason == "length":
        parsed = correct = False
        score = 0.0
    return Judged(
        extracted=extracted,
        outcome=Outcome.CORRECT if correct else Outcome.WRONG if parsed else Outcome.UNPARSED,
        score=score,
        layer=metrics.get("layer"),
        details={key: float(metrics[key]) for key in _details(metrics)},
        off_list=parsed and not correct and bool(metrics.get("off_list")),
    )


def check_judges(tasks: Mapping[str, LoadedTask]) -> None:
    """Judge answers that cannot be read to the first items of each task, to fail before the engine starts.

    A task whose judge gives another verdict the second time is refused: it draws one at random (as lm-eval's own MMMU
    draws a letter), so that items would flip that no model forgot.
    """
    for name, loaded in tasks.items():
        if loaded.task.OUTPUT_TYPE == "generate_until":
            _check_judge(name, loaded)


def _check_judge(name: str, loaded: LoadedTask) -> None:
    docs = [loaded.task.eval_docs[place] for place in range(min(_JUDGED_TWICE, len(loaded.item_ids)))]
    for doc in islice(cycle(docs), _JUDGED_TWICE):
        for answer in _UNREADABLE:
            first, again = _verdict(name, loaded.task, doc, answer), _verdict(name, loaded.task, doc, answer)
            if repr(first) != repr(again) and first != again:
                raise TaskError(
                    f"task {name}: its process_results gives one answer two verdicts ({repr(first)[:60]}, then "
                    f"{repr(again)[:60]}), so that its scores change by chance; leave it out, or take a task whose "
                    "judge is the same every time (`retention tasks list`)"
                )


def _verdict(name: str, task: Any, doc: dict[str, Any], answer: str) -> Any:
    try:
        return task.process_results(doc, [answer])
    except RetentionError:
        raise
    except Exception as error:  # A stock task may not accept such an answer, which need not occur.
        _log.debug("%s: no verdict on %r (%s)", name, answer, error)
        return None


def judge_again(
    task: Any, docs: Sequence[dict[str, Any]], outputs: Sequence[str], metric: str = "acc"
) -> Iterator[dict[str, Any] | None]:
    """The result of the task's own scoring for stored answers, one per document, without any model.

    ``metric`` may name one of the task's filters after a comma; by default the first one is used.

    The stored answer of a multiple-choice task is the likeliest option, which is all that its ``acc`` needs; the
    likelihoods that other metrics need are not stored. None for an answer that is not an option of its document.
    """
    kind = task.OUTPUT_TYPE
    if kind == "multiple_choice":
        for doc, output in zip(docs, outputs, strict=True):
            likely = _as_likely(task, doc, output)
            # Only acc follows from the option alone.
            yield None if likely is None else {"metrics": ["acc"], "acc": task.process_results(doc, likely)["acc"]}
        return
    if kind != "generate_until":
        raise TaskError(f"task {task.config.task}: the score of {kind} does not follow from its stored answer")
    instances = [Instance(kind, doc, ("", {}), 0, resps=[output]) for doc, output in zip(docs, outputs, strict=True)]
    again = copy.copy(task)
    again._instances = instances
    again.apply_filters()
    for instance in instances:
        results = instance.filtered_resps
        result = results[metric.partition(",")[2] or next(iter(results))]
        metrics = task.process_results(instance.doc, [result])
        yield {"metrics": list(metrics), "filtered_resps": [result], **metrics}


def _as_likely(task: Any, doc: dict[str, Any], output: str) -> list[tuple[float, bool]] | None:
    delimiter = task.config.target_delimiter
    options = [f"{delimiter}{option}".strip() for option in task.doc_to_choice(doc)]
    if output not in options:
        return None
    chosen = options.index(output)
    return [(0.0, True) if option == chosen else (-1.0, False) for option in range(len(options))]


# What lm-eval logs besides a task's metrics, and the metrics that have their own column.
_NO_DETAIL = frozenset(("doc_id", "acc", "score", "unparsed", "extracted", "layer", "off_list"))


def _details(metrics: dict[str, Any]) -> list[str]:
    """The names of a task's further metrics in one logged row: those whose value is a finite number."""
    return [
        name
        for name in sorted(metrics.get("metrics", ()))
        if name not in _NO_DETAIL and isinstance(metrics[name], int | float) and math.isfinite(metrics[name])
    ]
