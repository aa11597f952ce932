"""Instance-level records of Every Eval Ever: JSON lines, one record an item and result."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.records.logs.answers import PAIRED, Answer, refuse_scores, score_of, table_of
from harness.records.logs.choices import Choices, some_names
from harness.records.logs.log_path import LogPath, files_sha256
from harness.records.logs.own_export import exported_row, exported_table
from harness.records.samples import RunError
from harness.records.tables import Form, Table, check_size, json_lines

FORM: Form = "Every Eval Ever log"
_LIMITS = (
    f"{PAIRED} (input, reference answers and choices)",
    "correct where evaluation.is_correct is true; the score is evaluation.score where that is in [0, 1]",
    "an answer is unparsed where the record names no extracted value, or an empty one",
    "no finish reason: an answer that was cut off counts as wrong",
    "the guess rate is 1/choices where a record has choices and 0 elsewhere",
)
_KEYS = frozenset({"schema_version", "evaluation_id", "model_id", "evaluation_name", "sample_id", "evaluation"})


def recognises(log: LogPath) -> bool:
    """A file of instance-level records, or a folder of them."""
    return bool(_files(log)) if log.is_folder else log.first_row.keys() >= _KEYS


def read(log: LogPath, choices: Choices) -> Table:
    """Read the records of one model; ``--metric`` names one of several results (``evaluation_result_id``)."""
    choices.refuse_filters(FORM)
    files = _files(log) if log.is_folder else [log.path]
    records = [record for file in files for record in _records(file)]
    if not records:
        raise RunError(f"{log.path}: no records")
    models = sorted({str(record["model_id"]) for record in records})
    if len(models) > 1:
        raise RunError(f"{log.path}: records of {len(models)} models ({some_names(models, 4)}); write one file a model")
    by_task: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        by_task.setdefault(str(record["evaluation_name"]), []).append(record)
    if not choices.metrics:
        exported = [_exported(record) for record in records]
        if (table := exported_table(exported, log.path, FORM, files_sha256(files), models[0])) is not None:
            return table
    answers: list[Answer] = []
    notes = list(_LIMITS)
    for task, held in by_task.items():
        kept, result = _of_one_result(log.path, task, held, choices.metric_of(task, by_task))
        answers += _answers(log.path, task, kept)
        if result:
            notes.append(f"{task}: records of result {result}")
    return table_of(answers, log.path, FORM, files_sha256(files), notes, models[0])


def _exported(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The row of a run, where this harness exported the record."""
    if record.get("error"):
        return None
    return exported_row(
        record.get("metadata"),
        record["evaluation"].get("is_correct") is True,
        output=_output(record),
        extracted=_extracted(record) if record.get("answer_attribution") else None,
        n_output_tokens=_n_tokens(record),
    )


def _files(log: LogPath) -> list[Path]:
    return [path for path in sorted(log.path.glob("*.jsonl")) if LogPath(path).first_row.keys() >= _KEYS]


def _records(path: Path) -> Iterator[dict[str, Any]]:
    check_size(path)
    for number, record in enumerate(json_lines(path), start=1):
        if missing := sorted(_KEYS - record.keys()):
            raise RunError(f"{path}: line {number} has no {missing[0]!r}; is it an instance-level record?")
        if not isinstance(record["evaluation"], dict):
            raise RunError(f"{path}: line {number}: evaluation is not an object")
        yield record


def _of_one_result(
    path: Path, task: str, records: Sequence[Mapping[str, Any]], chosen: str | None
) -> tuple[list[Mapping[str, Any]], str]:
    """The records of one result: a sample that counts in several has a record for each."""
    results = sorted({str(record.get("evaluation_result_id") or "") for record in records})
    if chosen is not None and chosen not in results:
        raise RunError(f"{path}: {task} has no result {chosen!a}; it has {some_names(results)}")
    if chosen is None and len(results) > 1:
        raise RunError(
            f"{path}: {task} has records of {len(results)} results ({some_names(results)}); choose one with --metric"
        )
    result = chosen if chosen is not None else results[0]
    return [record for record in records if str(record.get("evaluation_result_id") or "") == result], result


def _answers(path: Path, task: str, records: Sequence[Mapping[str, Any]]) -> Iterator[Answer]:
    failed = [record for record in records if record.get("error")]
    if failed:
        shown = some_names([f"{record['sample_id']}: {str(record['error'])[:40]}" for record in failed], 2)
        raise RunError(f"{path}: {len(failed)} of {len(records)} records of {task} say error ({shown}); run them again")
    if bad := [str(record["sample_id"]) for record in records if _score(record) is None]:
        raise refuse_scores(path, task, "evaluation.is_correct", bad, len(records))
    for record in records:
        given = _object(record.get("input"))
        choices = given.get("choices")
        options = choices if isinstance(choices, list) else []
        yield Answer(
            task=task,
            content={"raw": given.get("raw"), "reference": given.get("reference"), "choices": options},
            score=_score(record) or 0.0,
            output=_output(record),
            extracted=_extracted(record),
            guess_rate=1 / len(options) if len(options) > 1 else 0.0,
            prompt=str(given.get("formatted") or ""),
            n_output_tokens=_n_tokens(record),
            place=str(record["sample_id"]),
        )


def _score(record: Mapping[str, Any]) -> float | None:
    """1 exactly where the record says correct; elsewhere its score, where that is a partial one."""
    said, score = record["evaluation"].get("is_correct"), score_of(record["evaluation"].get("score"))
    if not isinstance(said, bool):
        return None
    if said:
        return 1.0
    return score if score is not None and score < 1 else 0.0


def _output(record: Mapping[str, Any]) -> str:
    raw = _object(record.get("output")).get("raw")
    if isinstance(raw, list) and raw:
        return str(raw[0])
    messages = record.get("messages")
    said = [_object(each).get("content") for each in messages] if isinstance(messages, list) else []
    return str(said[-1] or "") if said else ""


def _extracted(record: Mapping[str, Any]) -> str | None:
    attributions = record.get("answer_attribution")
    found = [_object(each) for each in attributions] if isinstance(attributions, list) else []
    if not found:
        return _output(record).strip() or None
    final = [each for each in found if each.get("is_terminal")] or found
    return str(final[-1].get("extracted_value") or "").strip() or None


def _n_tokens(record: Mapping[str, Any]) -> int | None:
    number = _object(record.get("token_usage")).get("output_tokens")
    return number if isinstance(number, int) and number >= 0 else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
