"""Predictions and scored files of VLMEvalKit: xlsx or tsv tables ``MODEL_DATASET[_judge_result].xlsx``."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import install_command
from harness.records.logs.answers import PAIRED, Answer, chosen_metric, refuse_scores, score_of, table_of
from harness.records.logs.choices import Choices
from harness.records.logs.letters import named_letter
from harness.records.logs.log_path import LogPath, check_archive, files_sha256
from harness.records.samples import RunError, brief
from harness.records.tables import MAX_ROWS, Form, Table, check_size

FORM: Form = "VLMEvalKit log"
_INSTALL = install_command("logs")
_LIMITS = (
    PAIRED,
    "questions of the same text are told apart by index: pictures are not in the file, or known by their digest",
    "no finish reason: an answer that was cut off counts as wrong",
    "the guess rate is 1/options where the file has options and 0 elsewhere",
)
_KEYS = frozenset({"index", "question", "prediction"})
# What its evaluators add to the predictions.
_SCORES = ("hit", "score", "eval_score", "correct", "match")
_FOUND = ("extracted", "eval_pred", "res")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SCORED = re.compile(r"_(?:[^_/]+_result|auxmatch|results|score)\Z")
# What a sheet may expand to beside so many times its file's size.
_XLSX_FREELY, _XLSX_TIMES = 4 * 1024**2, 30
_FAILED = "Failed to obtain answer"


def recognises(log: LogPath) -> bool:
    """A file of predictions, or what an evaluator wrote from it."""
    if log.suffix == ".xlsx":
        return log.head.startswith(b"PK")
    return log.suffix == ".tsv" and _first_line(log) >= _KEYS


def read(log: LogPath, choices: Choices) -> Table:
    """Read one data set; ``--metric`` names the column that is 1 for a correct answer.

    A file of predictions alone is judged only where its answers are letters of its options: by the one letter that
    stands alone in the prediction.
    """
    choices.refuse_filters(FORM)
    rows = list(_rows(log.path))
    names = set().union(*(row.keys() for row in rows))
    if missing := sorted(_KEYS - names):
        raise RunError(
            f"{log.path}: no column {missing[0]!r}; a file of VLMEvalKit has index, question and prediction, and a "
            "table of your own item_id, task, family and outcome: write that one as CSV"
        )
    task, model = _names(log.path)
    scored = {name: rows[0].get(name) for name in _SCORES if name in names}
    given = choices.metric_of(task, [task])
    if given is None and not scored:
        answers = list(_lettered(log.path, task, rows))
        rule = "the one letter that stands alone in the prediction is answer"
    else:
        held = rows[0] if given else scored
        metric = chosen_metric(log.path, task, {name: _number(value) for name, value in held.items()}, given)
        answers, rule = list(_scored(log.path, task, rows, metric)), f"column {metric} is 1"
    return table_of(answers, log.path, FORM, files_sha256([log.path]), (*_LIMITS, f"correct where {rule}"), model)


def _first_line(log: LogPath) -> set[str]:
    first = log.head.decode(errors="replace").lstrip("\ufeff").splitlines()[:1]
    return {name.strip().strip('"') for name in "".join(first).split("\t")}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    import pandas as pd

    check_size(path)
    try:
        if path.suffix.lower() == ".xlsx":
            frame = _read_xlsx(path)
        else:
            frame = pd.read_csv(path, sep="\t", nrows=MAX_ROWS + 1, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError, pd.errors.ParserError) as error:
        raise RunError(f"{path}: not readable as a table of VLMEvalKit ({brief(error)[:80]})") from error
    if not len(frame):
        raise RunError(f"{path}: no rows")
    if len(frame) > MAX_ROWS:
        raise RunError(f"{path}: more than {MAX_ROWS:,} rows, the most that a table may have")
    for row in frame.to_dict("records"):
        yield {str(name): value for name, value in row.items()}


def _read_xlsx(path: Path) -> Any:
    import pandas as pd

    # openpyxl takes a second for a megabyte of cells, and what people and models write shrinks tenfold.
    check_archive(path, _XLSX_FREELY + _XLSX_TIMES * path.stat().st_size)
    try:
        return pd.read_excel(path, engine="openpyxl", keep_default_na=False)
    except ImportError as error:
        raise RunError(f"{path}: an Excel file, which openpyxl reads; install it: {_INSTALL}") from error
    except Exception as error:  # Of a broken file openpyxl raises whatever comes of it: zlib, zipfile, XML, types.
        raise RunError(f"{path}: not readable as an Excel file ({brief(error)[:80]})") from error


def _names(path: Path) -> tuple[str, str]:
    """Data set and model of ``MODEL_DATASET``; the model's folder tells where one ends and the other begins."""
    stem = _SCORED.sub("", path.stem)
    for folder in path.resolve().parents[:2]:
        if stem.startswith(f"{folder.name}_"):
            return stem.removeprefix(f"{folder.name}_"), folder.name
    model, _, task = stem.partition("_")
    return (task, model) if task else (stem, "")


def _number(value: Any) -> Any:
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _scored(path: Path, task: str, rows: Sequence[Mapping[str, Any]], metric: str) -> Iterator[Answer]:
    scores = [score_of(_number(row.get(metric))) for row in rows]
    if bad := [f"index {row['index']}" for row, score in zip(rows, scores, strict=True) if score is None]:
        raise refuse_scores(path, task, metric, bad, len(rows))
    for row, score in zip(rows, scores, strict=True):
        found = next((str(row[name]) for name in _FOUND if name in row), str(row["prediction"])).strip()
        yield _answer(task, row, score or 0.0, found if found not in ("", "Unknown", "Z") else None)


def _lettered(path: Path, task: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[Answer]:
    if not all(str(row.get("answer", "")).strip() in _options(row) for row in rows):
        raise RunError(
            f"{path}: predictions without scores, whose answers are no letters of options: give the file that the "
            f"evaluation writes beside it (such as {path.stem}_exact_matching_result.xlsx)"
        )
    for row in rows:
        letter = named_letter(str(row["prediction"]), _options(row))
        yield _answer(task, row, float(letter == str(row["answer"]).strip()), letter)


def _answer(task: str, row: Mapping[str, Any], score: float, extracted: str | None) -> Answer:
    output = str(row["prediction"])
    options = _options(row)
    return Answer(
        task=task,
        content={
            "question": str(row["question"]),
            "options": options,
            "answer": str(row.get("answer", "")),
            "image": hashlib.sha256(str(row["image"]).encode(errors="replace")).hexdigest() if "image" in row else "",
        },
        score=score,
        output=output,
        extracted=None if output.startswith(_FAILED) else extracted,
        guess_rate=1 / len(options) if len(options) > 1 else 0.0,
        place=str(row["index"]),
    )


def _options(row: Mapping[str, Any]) -> dict[str, str]:
    return {letter: str(row[letter]) for letter in _LETTERS if str(row.get(letter, "")).strip()}
