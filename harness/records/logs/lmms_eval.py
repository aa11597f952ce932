"""Samples of lmms-eval (``--log_samples``): one JSON lines file a task, with the metrics of each document."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.records.logs.answers import PAIRED, Answer, chosen_metric, refuse_scores, score_of, table_of
from harness.records.logs.choices import Choices
from harness.records.logs.log_path import LogPath, files_below, files_sha256, has_below
from harness.records.samples import RunError
from harness.records.tables import Form, Table, json_lines

FORM: Form = "lmms-eval log"
_LIMITS = (
    PAIRED,
    "pictures are not in the log: questions of the same text are told apart by doc_id",
    "no finish reason: an answer that was cut off counts as wrong",
    "an answer is unparsed only where the output is empty",
    "the guess rate is 1/options where options were compared by their likelihood and 0 elsewhere",
)
_PATTERN = "*_samples_*.jsonl"
_FILE = re.compile(r"\A(?P<date>[\dT_.-]+)_samples_(?P<task>.+)\.jsonl\Z")
_KEYS = frozenset({"doc_id", "doc_hash", "target", "filtered_resps", "input"})
# What a row has besides the metrics of its task.
_OTHER = _KEYS | {"doc", "arguments", "resps", "token_counts", "input_media", "submission", "reasoning"}
# A metric's value may be a record of the item: the number in it, or the answer that was found and the right one.
_SCORES = ("score", "correct", "is_correct", "hit", "acc", "accuracy", "exact_match")
_FOUND = ("parsed_pred", "pred_answer", "pred", "prediction", "filtered_pred")
_RIGHT = ("answer", "gt_answer", "ground_truth", "gt", "target")


def recognises(log: LogPath) -> bool:
    """A samples file, a model's folder of them, or the folder of ``--output_path`` with one model's folder in it."""
    if log.is_folder:
        return has_below(log.path, _PATTERN)
    return log.first_row.keys() >= _KEYS and "prompt_hash" not in log.first_row


def read(log: LogPath, choices: Choices) -> Table:
    """Read the samples of one task, or of all tasks in a folder."""
    choices.refuse_filters(FORM)
    files = _tasks(log)
    answers: list[Answer] = []
    notes = list(_LIMITS)
    for task, file in files.items():
        rows = _rows(file)
        metric = chosen_metric(file, task, _metrics(rows[0]), choices.metric_of(task, files))
        answers += _answers(file, task, rows, metric)
        notes.append(f"{task}: correct where {metric} {_rule(rows[0][metric])}")
    first = next(iter(files.values()))
    return table_of(answers, log.path, FORM, files_sha256(files.values()), notes, _model_name(first))


def _tasks(log: LogPath) -> dict[str, Path]:
    tasks: dict[str, Path] = {}
    for file in files_below(log.path, _PATTERN, "lmms-eval samples") if log.is_folder else [log.path]:
        match = _FILE.match(file.name)
        task = match["task"] if match else file.stem
        if task in tasks:
            raise RunError(f"{log.path}: {tasks[task].name} and {file.name} are both logs of {task}; name one file")
        tasks[task] = file
    return tasks


def _rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    for number, row in enumerate(json_lines(path), start=1):
        if missing := sorted(_KEYS - row.keys()):
            raise RunError(f"{path}: line {number} has no {missing[0]!r}; is it a log of lmms-eval --log_samples?")
        rows.append(row)
    if not rows:
        raise RunError(f"{path}: no rows; was lmms-eval interrupted?")
    return rows


def _metrics(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in row.items() if name not in _OTHER}


def _value(value: Any) -> Any:
    """The score in a metric's value: a number, a number in a record, or whether the answer found is the right one."""
    if not isinstance(value, dict):
        return value
    for name in _SCORES:
        if score_of(value.get(name)) is not None:
            return value[name]
    found = next((value[name] for name in _FOUND if name in value), None)
    right = next((value[name] for name in _RIGHT if name in value), None)
    if found is None or right is None:
        return None
    candidates = found if isinstance(found, list) else [found]
    return any(str(each).strip() == str(right).strip() for each in candidates)


def _rule(value: Any) -> str:
    if not isinstance(value, dict):
        return "is 1"
    named = [name for name in _SCORES if score_of(value.get(name)) is not None]
    return f"has {named[0]} 1" if named else "has the right answer as the one found, letter by letter"


def _answers(path: Path, task: str, rows: Sequence[Mapping[str, Any]], metric: str) -> Iterator[Answer]:
    scores = [score_of(_metrics(row).get(metric)) for row in rows]
    if bad := [f"doc_id {row['doc_id']}" for row, score in zip(rows, scores, strict=True) if score is None]:
        raise refuse_scores(path, task, metric, bad, len(rows))
    for row, score in zip(rows, scores, strict=True):
        output, n_options = _output(row)
        yield Answer(
            task=task,
            content={"input": row["input"], "target": str(row["target"])},
            score=score or 0.0,
            output=output,
            extracted=output.strip() or None,
            guess_rate=1 / n_options if n_options > 1 else 0.0,
            n_output_tokens=_n_tokens(row),
            place=str(row["doc_id"]),
        )


def _output(row: Mapping[str, Any]) -> tuple[str, int]:
    """The output, and the number of options where these were compared: a pair (log-likelihood, greedy) for each."""
    found = row.get("resps", row["filtered_resps"])
    compared = row["filtered_resps"]
    if isinstance(compared, list) and len(compared) > 1 and all(isinstance(each, list) for each in compared):
        likelihoods = [_number(each) for each in compared]
        return f"option {likelihoods.index(max(likelihoods)) + 1}", len(compared)
    while isinstance(found, list):
        found = found[0] if found else ""
    return str(found), 0


def _number(pair: Sequence[Any]) -> float:
    try:
        return float(pair[0])
    except (IndexError, TypeError, ValueError):
        return float("-inf")


def _n_tokens(row: Mapping[str, Any]) -> int | None:
    counts = row.get("token_counts")
    first = counts[0] if isinstance(counts, list) and counts else None
    number = first.get("output_tokens") if isinstance(first, dict) else None
    return number if isinstance(number, int) and number >= 0 else None


def _model_name(file: Path) -> str:
    """lmms-eval names the model's folder after it, with ``__`` for ``/``."""
    return file.parent.name.replace("__", "/") if _FILE.match(file.name) else ""
