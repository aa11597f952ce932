"""Logs of Inspect (``.eval`` and its JSON), read by ``inspect_ai.log``: the optional extra ``logs``."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import install_command
from harness.records.logs.answers import (
    CUT,
    PAIRED,
    Answer,
    chosen_metric,
    refuse_scores,
    score_of,
    table_of,
)
from harness.records.logs.archives import check_expansion
from harness.records.logs.choices import Choices
from harness.records.logs.log_path import MAX_DOCUMENT, LogPath, files_sha256
from harness.records.logs.own_export import exported_row, exported_table
from harness.records.samples import RunError, brief
from harness.records.tables import Form, Table, check_size

FORM: Form = "Inspect log"
INSTALL = install_command("logs")
_LIMITS = (
    PAIRED,
    "an answer is unparsed where the scorer says N (no answer) or found an empty one",
    CUT,
    "the guess rate is 1/options where a sample has choices and 0 elsewhere",
    "epochs of one sample are items of one cluster",
)
_FIELDS = frozenset({"status", "eval", "plan"})
# Values of Inspect's own scorers: correct, incorrect, partial, no answer.
_VALUES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
_REASONS = {"max_tokens": "length", "model_length": "length"}


def recognises(log: LogPath) -> bool:
    """An ``.eval`` file, a JSON log, or a folder of either."""
    if log.is_folder:
        return bool(_files(log))
    return (log.suffix == ".eval" and log.head.startswith(b"PK")) or log.fields >= _FIELDS


def read(log: LogPath, choices: Choices) -> Table:
    """Read one log, or a folder with one log a task; ``--metric`` names a scorer (``match``) or ``scorer.key``."""
    choices.refuse_filters(FORM)
    files = _files(log) if log.is_folder else [log.path]
    headers = {file: _header(file) for file in files}
    tasks = _by_task(log, headers)
    name = str(next(iter(headers.values())).eval.model)
    answers: list[Answer] = []
    notes = list(_LIMITS)
    read_samples = {task: _samples(file, headers[file]) for task, file in tasks.items()}
    if not choices.metrics:
        rows = [_exported(sample) for samples in read_samples.values() for sample in samples]
        if (table := exported_table(rows, log.path, FORM, files_sha256(tasks.values()), name)) is not None:
            return table
    for task, file in tasks.items():
        samples = read_samples[task]
        metric = _metric(file, task, samples, choices.metric_of(task, tasks))
        answers += _answers(file, task, samples, metric)
        notes.append(f"{task}: correct where scorer {metric} gives C or 1")
    return table_of(answers, log.path, FORM, files_sha256(tasks.values()), notes, name)


def _files(log: LogPath) -> list[Path]:
    found = sorted(log.path.glob("*.eval"))
    return found or [path for path in sorted(log.path.glob("*.json")) if LogPath(path).fields >= _FIELDS]


def _header(path: Path) -> Any:
    library = _library(path)
    check_expansion(path) if path.suffix == ".eval" else _check_json(path)
    try:
        header = library.read_eval_log(str(path), header_only=True)
    except Exception as error:  # Whatever the library raises on a broken file: it documents no error of its own.
        raise RunError(f"{path}: inspect_ai cannot read it ({_shortly(error)}); is the file complete?") from error
    if header.status != "success":
        raise RunError(
            f"{path}: the evaluation ended as {str(header.status)!r}, so that answers are missing; finish it with "
            f"`inspect eval-retry {path.name}`"
        )
    return header


def _check_json(path: Path) -> None:
    check_size(path)
    if (size := path.stat().st_size) > MAX_DOCUMENT:
        raise RunError(
            f"{path}: {size:,} bytes is more than the {MAX_DOCUMENT:,} that a JSON log may have; write it as .eval "
            "with `inspect log convert --to eval`"
        )


def _library(path: Path) -> Any:
    try:
        import inspect_ai.log as library
    except ImportError as error:
        raise RunError(f"{path}: a log of Inspect, which its own library reads; install it: {INSTALL}") from error
    return library


def _by_task(log: LogPath, headers: dict[Path, Any]) -> dict[str, Path]:
    tasks: dict[str, Path] = {}
    models = {str(header.eval.model) for header in headers.values()}
    if len(models) > 1:
        shown = ", ".join(ascii(model)[1:-1] for model in sorted(models)[:4])
        raise RunError(f"{log.path}: logs of {len(models)} models ({shown}); name one log, or a folder of one model")
    for file, header in headers.items():
        task = str(header.eval.task)
        if task in tasks:
            raise RunError(f"{log.path}: {tasks[task].name} and {file.name} are both logs of {task}; name one file")
        tasks[task] = file
    return tasks


def _samples(path: Path, header: Any) -> list[Any]:
    """The samples, without what they hold besides question, answer and scores (transcripts are large)."""
    try:
        samples = list(_read_samples(path))
    except RunError:
        raise
    except Exception as error:  # See _header.
        raise RunError(f"{path}: inspect_ai cannot read its samples ({_shortly(error)})") from error
    if not samples:
        raise RunError(f"{path}: a log of Inspect without samples: run it again without --no-log-samples")
    if failed := [sample for sample in samples if sample.error is not None]:
        raise RunError(
            f"{path}: {len(failed)} of {len(samples)} samples failed ({_shortly(failed[0].error.message)}); finish "
            f"them with `inspect eval-retry {path.name}`"
        )
    expected = len(header.eval.dataset.sample_ids or ()) * (header.eval.config.epochs or 1)
    if len(samples) < expected:
        raise RunError(f"{path}: {len(samples)} of {expected} samples; finish it with `inspect eval-retry {path.name}`")
    return samples


def _read_samples(path: Path) -> Iterator[Any]:
    library = _library(path)
    if path.suffix == ".eval":
        # Which are missing is counted by the caller, and said.
        yield from library.read_eval_log_samples(
            str(path), all_samples_required=False, exclude_fields={"events", "store", "timelines"}
        )
    else:
        yield from library.read_eval_log(str(path)).samples or ()


def _exported(sample: Any) -> dict[str, Any] | None:
    """The row of a run, where this harness exported the log: its one task is a suite."""
    score, usage = (sample.scores or {}).get("correct"), sample.output.usage
    if score is None:
        return None
    return exported_row(
        sample.metadata,
        score.value == "C",
        output=str(sample.output.completion or ""),
        extracted=score.answer,
        n_output_tokens=usage.output_tokens if usage else None,
    )


def _metric(path: Path, task: str, samples: list[Any], chosen: str | None) -> str:
    scored = next((sample for sample in samples if sample.scores), None)
    if scored is None:
        raise RunError(f"{path}: its {len(samples)} samples have no scores: score it with `inspect score {path.name}`")
    return chosen_metric(path, task, _values(scored), chosen)


def _values(sample: Any) -> dict[str, Any]:
    """What each scorer gave, by its name; a scorer that gives several values is ``scorer.key`` for each."""
    found: dict[str, Any] = {}
    for name, score in (sample.scores or {}).items():
        if isinstance(score.value, dict):
            found |= {f"{name}.{key}": _VALUES.get(str(value), value) for key, value in score.value.items()}
        else:
            found[name] = _VALUES.get(str(score.value), score.value)
    return found


def _answers(path: Path, task: str, samples: list[Any], metric: str) -> Iterator[Answer]:
    scores = {id(sample): score_of(_values(sample).get(metric)) for sample in samples}
    if bad := [f"{sample.id}" for sample in samples if scores[id(sample)] is None]:
        raise refuse_scores(path, task, metric, bad, len(samples))
    for sample in samples:
        choices = list(sample.choices or ())
        choice = sample.output.choices[0] if sample.output.choices else None
        usage = sample.output.usage
        yield Answer(
            task=task,
            content={"input": _input(sample), "choices": choices, "target": sample.target},
            score=scores[id(sample)] or 0.0,
            output=str(sample.output.completion or ""),
            extracted=_extracted(sample, metric),
            guess_rate=1 / len(choices) if len(choices) > 1 else 0.0,
            prompt=_prompt(sample),
            finish_reason=_REASONS.get(str(choice.stop_reason), str(choice.stop_reason)) if choice else "",
            n_output_tokens=usage.output_tokens if usage else None,
            place=f"{sample.id} {sample.epoch}",
            cluster=f"{sample.id}",
        )


def _input(sample: Any) -> Any:
    """The question; pictures are in it by their digest, as Inspect keeps them apart."""
    return sample.input if isinstance(sample.input, str) else [_said(message) for message in sample.input]


def _said(message: Any) -> dict[str, Any]:
    content = message.content
    parts = content if isinstance(content, str) else [part.model_dump(exclude_none=True) for part in content]
    return {"role": message.role, "content": parts}


def _prompt(sample: Any) -> str:
    """What the model was sent first: the messages before its first answer."""
    sent = []
    for message in sample.messages:
        if message.role == "assistant":
            break
        sent.append(_said(message))
    return json.dumps(sent, sort_keys=True, default=str) if sent else ""


def _extracted(sample: Any, metric: str) -> str | None:
    score = sample.scores.get(metric) or sample.scores.get(metric.rpartition(".")[0])
    if score is None or score.value == "N":
        return None
    if score.answer is None:
        return str(sample.output.completion or "").strip() or None
    return str(score.answer).strip() or None


def _shortly(error: object) -> str:
    return brief(error)[:120] if isinstance(error, Exception) else ascii(str(error))[1:-1][:120]
