"""Judging: from a task's own scoring to the columns of a row, the same for new and for stored answers."""

import copy
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from lm_eval.api.instance import Instance

from harness.answers import likeliest
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
        # A task that compares whole options reads nothing out of its answer, which is the option taken.
        extracted, parsed = metrics.get("extracted", output), not metrics["unparsed"]
        score = float(metrics.get("score", metrics[metric]))
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
        details={key: float(metrics[key]) for key in _details(metrics, metric)},
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
    task: Any,
    docs: Sequence[dict[str, Any]],
    outputs: Sequence[str],
    metric: str = "acc",
    logprobs: Sequence[Sequence[float] | None] = (),
) -> Iterator[dict[str, Any] | None]:
    """The result of the task's own scoring for stored answers, one per document, without any model.

    ``metric`` may name one of the task's filters after a comma; by default the first one is used.

    ``logprobs`` are those stored with each answer of a multiple-choice task, which decide all its metrics. Without them
    the stored answer is the likeliest option, which is all that ``acc`` needs. None for an answer that is not an option
    of its document, or not the one that the stored log-probabilities and ``metric`` take.
    """
    kind = task.OUTPUT_TYPE
    if kind == "multiple_choice":
        for doc, output, stored in zip(docs, outputs, logprobs or [None] * len(docs), strict=True):
            yield _judged_choice(task, doc, output, metric, stored)
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


def _judged_choice(
    task: Any, doc: dict[str, Any], output: str, metric: str, stored: Sequence[float] | None
) -> dict[str, Any] | None:
    options = options_of(task, doc)
    if output not in options:
        return None
    if stored is None:
        likely = [(0.0 if option == output else -1.0, False) for option in options]
        found = task.process_results(doc, likely)
        # Only what follows from the option alone.
        kept = {name: found[name] for name in ("acc", "score", "unparsed", "extracted", "layer") if name in found}
        return {"metrics": ["acc"], **kept}
    if len(stored) != len(options) or options[likeliest(stored, choices_of(task, doc), metric)] != output:
        return None
    found = task.process_results(doc, [(logprob, False) for logprob in stored])
    return {"metrics": list(found), **found}


def options_of(task: Any, doc: dict[str, Any]) -> list[str]:
    """The options of a multiple-choice document as answers are stored, without the white space around them."""
    before = "" if task.multiple_input else task.config.target_delimiter
    return [f"{before}{option}".strip() for option in choices_of(task, doc)]


def question_of(task: Any, doc: dict[str, Any]) -> str:
    """The question of a document; where its options stand in the question, the text with its blank."""
    return str(doc.get("question", "") if task.multiple_input else task.doc_to_text(doc))


def choices_of(task: Any, doc: dict[str, Any]) -> list[str]:
    """The options of a multiple-choice document as its task words them."""
    return list(map(str, task.doc_to_choice(doc)))


# What lm-eval logs besides a task's metrics, and the metrics that have their own column.
_NO_DETAIL = frozenset(("doc_id", "acc", "score", "unparsed", "extracted", "layer", "off_list"))


def _details(metrics: dict[str, Any], counting: str) -> list[str]:
    """The names of a task's further metrics in one logged row: those whose value is a finite number; ``acc`` too where
    another one counts.
    """
    left_out = _NO_DETAIL if counting == "acc" else _NO_DETAIL - {"acc"}
    return [
        name
        for name in sorted(metrics.get("metrics", ()))
        if name not in left_out and isinstance(metrics[name], int | float) and math.isfinite(metrics[name])
    ]
