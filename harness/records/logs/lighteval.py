"""Details of lighteval (``--save-details``): one parquet file a task, with question, answer and metrics."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.records.logs.answers import PAIRED, Answer, chosen_metric, refuse_scores, score_of, table_of
from harness.records.logs.choices import Choices
from harness.records.logs.log_path import LogPath, files_sha256, read_document
from harness.records.samples import RunError, brief
from harness.records.tables import MAX_ROWS, MAX_TEXT, Form, Table, check_size

FORM: Form = "lighteval log"
_LIMITS = (
    PAIRED,
    "no finish reason: an answer that was cut off counts as wrong",
    "an answer is unparsed only where the output is empty",
    "the guess rate is 1/options where options were compared by their likelihood and 0 elsewhere",
)
_COLUMNS = frozenset({"doc", "metric", "model_response"})
# What releases before 0.10 wrote.
_OLD = frozenset({"full_prompt", "predictions", "metrics"})
_DATE = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?"
_FILE = re.compile(rf"\Adetails_(?P<task>.+?)(?:_(?P<date>{_DATE}))?\.parquet\Z")
_BATCH = 1_000


def recognises(log: LogPath) -> bool:
    """A details file, a folder of them, or the folder of ``--output-dir`` that they are in."""
    if log.is_folder:
        return bool(_files(log.path))
    return set(log.columns) >= _COLUMNS or set(log.columns) >= _OLD


def read(log: LogPath, choices: Choices) -> Table:
    """Read one details file, or those of all tasks of one model and date."""
    choices.refuse_filters(FORM)
    files = _tasks(log)
    answers: list[Answer] = []
    notes = list(_LIMITS)
    for task, file in files.items():
        rows = list(_rows(file))
        if not rows:
            raise RunError(f"{file}: no rows; was lighteval interrupted?")
        metric = chosen_metric(file, task, _metrics(rows[0]), choices.metric_of(task, files))
        answers += _answers(file, task, rows, metric)
        notes.append(f"{task}: correct where {metric} is 1")
    first = next(iter(files.values()))
    return table_of(answers, log.path, FORM, files_sha256(files.values()), notes, _model_name(first))


def _files(folder: Path) -> list[Path]:
    """lighteval writes ``details/MODEL/DATE/details_TASK_DATE.parquet``; MODEL may be ``org/name``."""
    patterns = ("details_*.parquet", "*/details_*.parquet", "*/*/details_*.parquet", "details/**/details_*.parquet")
    return next((found for pattern in patterns if (found := sorted(folder.glob(pattern)))), [])


def _tasks(log: LogPath) -> dict[str, Path]:
    files = _files(log.path) if log.is_folder else [log.path]
    folders = sorted({file.parent for file in files})
    if len(folders) > 1:
        shown = ", ".join(ascii(str(folder.relative_to(log.path)))[1:-1] for folder in folders[:4])
        raise RunError(f"{log.path}: details of {len(folders)} evaluations ({shown}); name the folder of one")
    tasks: dict[str, Path] = {}
    for file in files:
        match = _FILE.match(file.name)
        task = match["task"] if match else file.stem
        if task in tasks:
            raise RunError(f"{log.path}: {tasks[task].name} and {file.name} are both of {task}; name one file")
        tasks[task] = file
    return tasks


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    from harness.records.parquet import expanded_bytes, expansion_cap, open_parquet

    check_size(path)
    if set(LogPath(path).columns) >= _OLD:
        raise RunError(
            f"{path}: details of a lighteval before 0.10, whose columns differ; evaluate again with a newer lighteval, "
            "or write a table with item_id, task, family and outcome from its columns full_prompt and metrics"
        )
    held = 0
    try:
        most = expansion_cap(path, MAX_TEXT)
        file = open_parquet(path, most, _COLUMNS)
        if file.metadata.num_rows > MAX_ROWS:
            raise RunError(f"{path}: {file.metadata.num_rows:,} rows is more than the {MAX_ROWS:,} a table may have")
        for batch in file.iter_batches(_BATCH, columns=sorted(_COLUMNS)):
            held += sum(map(expanded_bytes, batch.columns))
            if held > most:
                raise RunError(f"{path}: more than {most:,} bytes when it is read, the most that a table may have")
            yield from batch.to_pylist()
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise RunError(f"{path}: not readable as details of lighteval ({brief(error)[:80]})") from error


def _part(row: dict[str, Any], name: str) -> dict[str, Any]:
    part = row.get(name)
    return part if isinstance(part, dict) else {}


def _metrics(row: dict[str, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in _part(row, "metric").items() if value is not None}


def _answers(path: Path, task: str, rows: Sequence[dict[str, Any]], metric: str) -> Iterator[Answer]:
    scores = [score_of(_metrics(row).get(metric)) for row in rows]
    if bad := [f"row {place + 1}" for place, score in enumerate(scores) if score is None]:
        raise refuse_scores(path, task, metric, bad, len(rows))
    for place, (row, score) in enumerate(zip(rows, scores, strict=True)):
        doc, response = _part(row, "doc"), _part(row, "model_response")
        options = [str(choice) for choice in doc.get("choices") or ()]
        output, extracted, guess_rate = _said(response, options)
        yield Answer(
            task=task,
            content=_content(doc, options),
            score=score or 0.0,
            output=output,
            extracted=extracted,
            guess_rate=guess_rate,
            prompt=_text(response.get("input")),
            n_output_tokens=_n_tokens(response) if not guess_rate else None,
            place=str(doc.get("id") or place),
        )


def _content(doc: dict[str, Any], options: list[str]) -> dict[str, Any]:
    images = doc.get("images") or ()
    return {
        "query": doc.get("query"),
        "instruction": doc.get("instruction"),
        "choices": options,
        "gold": doc.get("gold_index"),
        "images": [_text(image) for image in images],
    }


def _said(response: dict[str, Any], options: list[str]) -> tuple[str, str | None, float]:
    """The output, the answer found in it, and the guess rate: generated, or the likeliest of the options."""
    texts = response.get("text_post_processed") or response.get("text") or ()
    likelihoods = response.get("logprobs") or ()
    if not texts and len(options) > 1 and len(likelihoods) == len(options):
        best = max(range(len(options)), key=likelihoods.__getitem__)
        return options[best].strip(), f"option {best + 1}", 1 / len(options)
    output = str(texts[0]) if texts else ""
    return output, output.strip() or None, 0.0


def _n_tokens(response: dict[str, Any]) -> int | None:
    tokens = response.get("output_tokens") or ()
    return len(tokens[0]) if tokens and isinstance(tokens[0], list) else None


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, sort_keys=True, default=repr)


def _model_name(file: Path) -> str:
    """The model as lighteval names its folder: ``details/MODEL/DATE``, or as its results file has it."""
    match = _FILE.match(file.name)
    parts = file.parent.parts
    if match is None or "details" not in parts:
        return ""
    below = len(parts) - 1 - parts[::-1].index("details")
    model = "/".join(parts[below + 1 : -1])
    results = Path(*parts[:below], "results", model, f"results_{match['date']}.json")
    if results.is_file():
        try:
            general = read_document(results)["config_general"]
            return str(general["model_config"]["model_name"])
        except (RunError, KeyError, TypeError):
            return model
    return model
