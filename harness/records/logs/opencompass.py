"""Predictions and results of OpenCompass: JSON files ``predictions/MODEL/DATASET.json`` and ``results/MODEL/...``."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.records.logs.answers import PAIRED, Answer, table_of
from harness.records.logs.choices import Choices, some_names
from harness.records.logs.letters import named_letter
from harness.records.logs.log_path import LogPath, files_sha256, read_document
from harness.records.samples import RunError
from harness.records.tables import Form, Table

FORM: Form = "OpenCompass log"
_LIMITS = (
    PAIRED,
    "no finish reason: an answer that was cut off counts as wrong",
    "the guess rate is 1/options where options were compared by their perplexity and 0 elsewhere",
)
_LETTERS = "ABCDEFGHIJ"
_WAY_OUT = "evaluate with `--dump-eval-details` and give results/MODEL/DATASET.json"


def recognises(log: LogPath) -> bool:
    """A file of predictions or of results with details, a model's folder of them, or a run's folder of one model."""
    return bool(_files(log.path)) if log.is_folder else _is_results(log.document) or _is_predictions(log.document)


def read(log: LogPath, choices: Choices) -> Table:
    """Read one data set, or all of a model's.

    Where a file of predictions has a file of results with details beside it (``../../results/MODEL``), its verdicts
    count; else predictions are judged where the right answer is a letter, or where options were compared.
    """
    choices.refuse_filters(FORM)
    if choices.metrics:
        raise RunError(f"--metric {choices.metrics[0]!a}: {FORM}s have one verdict an item; leave it out")
    files = _files(log.path) if log.is_folder else [log.path]
    answers: list[Answer] = []
    notes = list(_LIMITS)
    for file in files:
        found, rule = _answers(file)
        answers += found
        notes.append(f"{file.stem}: {rule}")
    return table_of(answers, log.path, FORM, files_sha256(files), notes, files[0].parent.name)


def _is_results(document: Any) -> bool:
    details = document.get("details") if isinstance(document, dict) else None
    return isinstance(details, dict | list) and bool(_verdicts(details))


def _is_predictions(document: Any) -> bool:
    if not isinstance(document, dict) or not document:
        return False
    first = next(iter(document.values()))
    return isinstance(first, dict) and "prediction" in first and "0" in document


def _files(folder: Path) -> list[Path]:
    """The files of a model's folder, or those below ``results`` (else ``predictions``) of a run's."""
    for below in ("*.json", "results/*/*.json", "predictions/*/*.json"):
        found = [path for path in sorted(folder.glob(below)) if recognises(LogPath(path))]
        models = sorted({path.parent.name for path in found})
        if len(models) > 1:
            raise RunError(f"{folder}: OpenCompass logs of {len(models)} models ({some_names(models, 4)}); name the "
                           "folder of one")  # fmt: skip
        if found:
            return found
    return []


def _answers(path: Path) -> tuple[list[Answer], str]:
    document = read_document(path)
    results = path.parents[2] / "results" / path.parent.name / path.name if len(path.parents) > 2 else path
    if _is_results(document):
        return list(_judged(path, _verdicts(document["details"]))), "correct where details say so"
    if results.is_file() and results != path and _is_results(judged := read_document(results)):
        return list(_judged(results, _verdicts(judged["details"]))), f"correct where details of {results.name} say so"
    return _predicted(path, [row for row in document.values() if isinstance(row, dict)])


def _verdicts(details: Any) -> list[dict[str, Any]]:
    """The items of ``details`` that have a verdict; the name of their kind stands among them."""
    rows = details.values() if isinstance(details, dict) else details
    return [row for row in rows if isinstance(row, dict) and _verdict(row) is not None]


def _verdict(row: Mapping[str, Any]) -> bool | None:
    for name in ("correct", "is_correct", "cascade_correct"):
        value = row.get(name)
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(value, bool) or value in (0, 1):
            return bool(value)
    return None


def _judged(path: Path, rows: Sequence[Mapping[str, Any]]) -> Iterator[Answer]:
    for place, row in enumerate(rows):
        prompt = row.get("prompt", row.get("origin_prompt"))
        compared = _options(row.get("origin_prediction"))
        if prompt is None and not compared and "example_abbr" not in row:
            raise RunError(f"{path}: item {place} of details has no prompt, so that it cannot be paired; {_WAY_OUT}")
        output = _text(row.get("origin_prediction") if not compared else row.get("predictions"))
        found = _text(row.get("predictions", row.get("pred"))).strip()
        yield Answer(
            task=path.stem,
            content={
                "prompt": _text(prompt if prompt is not None else row.get("example_abbr")),
                "references": _text(row.get("references", row.get("answer"))),
                "options": compared,
            },
            score=float(bool(_verdict(row))),
            output=output,
            extracted=found or None,
            guess_rate=1 / len(compared) if len(compared) > 1 else 0.0,
            place=str(place),
        )


def _options(compared: Any) -> dict[str, str]:
    """The text of each option, where options were compared by perplexity."""
    if not isinstance(compared, dict):
        return {}
    return {str(name): _text(each.get("prompt")) for name, each in compared.items() if isinstance(each, dict)}


def _predicted(path: Path, rows: Sequence[Mapping[str, Any]]) -> tuple[list[Answer], str]:
    if all("label" in " ".join(row) and "gold" in row for row in rows):
        return [_compared(path, place, row) for place, row in enumerate(rows)], "correct where prediction is gold"
    golds = [str(row.get("gold")).strip() for row in rows]
    if all(gold in _LETTERS and len(gold) == 1 for gold in golds):
        rule = "correct where the one letter that stands alone in the prediction is gold; no results with details"
        return [_lettered(path, place, row) for place, row in enumerate(rows)], rule
    unknown = all(gold in ("None", "") for gold in golds)
    what = "no right answers (gold)" if unknown else "right answers that are no letter"
    raise RunError(f"{path}: predictions with {what}, which its evaluator judges: {_WAY_OUT}")


def _compared(path: Path, place: int, row: Mapping[str, Any]) -> Answer:
    labels = {name.removeprefix("label: "): each for name, each in row.items() if name.startswith("label: ")}
    found = str(row.get("prediction"))
    return Answer(
        task=path.stem,
        content={"prompt": _text(row.get("origin_prompt")), "gold": _text(row["gold"]), "options": _options(labels)},
        score=float(found == str(row["gold"])),
        output=found,
        extracted=found,
        guess_rate=1 / len(labels) if len(labels) > 1 else 0.0,
        place=str(place),
    )


def _lettered(path: Path, place: int, row: Mapping[str, Any]) -> Answer:
    output, gold = _text(row.get("prediction")), str(row["gold"]).strip()
    found = named_letter(output, _LETTERS)
    return Answer(
        task=path.stem,
        content={"prompt": _text(row.get("origin_prompt")), "gold": gold},
        score=float(found == gold),
        output=output,
        extracted=found,
        place=str(place),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, sort_keys=True)
