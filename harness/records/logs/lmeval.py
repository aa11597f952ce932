"""lm-eval's own logs (``--log_samples``) as plain tables, without importing lm-eval.

``LIMITS`` lists what such a log does not contain and what is assumed instead. Items are paired by task and ``doc_hash``
(lm-eval's hash of the document), duplicates in their order; ``prompt_hash`` must agree.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.items import canonical_json
from harness.records.logs.answers import FAMILIES, score_of
from harness.records.logs.choices import Choices, some_names
from harness.records.logs.log_path import LogPath, files_below, files_sha256, has_below, read_document
from harness.records.samples import Outcome, RunError
from harness.records.tables import Form, Table, check_size, json_lines, make_table

FORM: Form = "lm-eval log"
LIMITS = (
    "no finish reason: a truncated answer counts as wrong, or as unparsed if the filter found nothing",
    "an answer is unparsed only where lm-eval's filter says [invalid] or the output is empty",
    "items are paired by the hash of the document, not by item ids, and assumed to be independent",
    "the guess rate is 1/options for multiple choice and 0 for everything else",
    FAMILIES,
)
_KEYS = frozenset({"doc_id", "doc_hash", "prompt_hash", "arguments", "resps", "filtered_resps", "filter", "metrics"})
_PATTERN = "samples_*.jsonl"
_FILE = re.compile(r"\Asamples_(?P<task>.+?)(?:_(?P<date>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?))?\.jsonl\Z")
NOT_PARSED = frozenset({"", "[invalid]"})


def recognises(log: LogPath) -> bool:
    """An lm-eval log, a folder of such logs, or the folder of ``--output_path`` with one model's folder in it."""
    return has_below(log.path, _PATTERN) if log.is_folder else log.first_row.keys() >= _KEYS


def read(log: LogPath, choices: Choices) -> Table:
    """Read one log, or the logs of all tasks in a folder, as a table.

    A filter must be chosen for each task that has several; the metric is the number that is 1 for a correct answer, by
    default the log's first. ``RunError`` names the file, what is wrong and how to choose.
    """
    import pandas as pd

    files = _files_of_tasks(log)
    rows: list[dict[str, Any]] = []
    notes = list(LIMITS)
    filters = _Filters(choices, files)
    for task, file in files.items():
        check_size(file)
        logged = filters.chosen_rows(task, file)
        name = choices.metric_of(task, files) or _first_metric(file, logged)
        rows += _rows(file, task, logged, name)
        notes.append(f"{task}: correct where {name} of filter {logged[0]['filter']} is 1")
    filters.check_all_used(log.path)
    table = make_table(pd.DataFrame(rows), log.path, FORM, files_sha256(files.values()), ())
    name = _model_name(log, next(iter(files.values())))
    return Table(replace(table.record, name=name or table.record.name, notes=tuple(notes)), table.samples)


def _files_of_tasks(log: LogPath) -> dict[str, Path]:
    tasks: dict[str, Path] = {}
    for file in files_below(log.path, _PATTERN, "lm-eval logs") if log.is_folder else [log.path]:
        match = _FILE.match(file.name)
        task = match["task"] if match else file.stem
        if task in tasks:
            raise RunError(
                f"{log.path}: {tasks[task].name} and {file.name} are both logs of {task}; name one file, or move what "
                "is of an older run elsewhere"
            )
        tasks[task] = file
    return tasks


def _model_name(log: LogPath, file: Path) -> str:
    """The model's name in lm-eval's results file of the same date, else in its newest; empty where there is none."""
    match = _FILE.match(file.name)
    dated = file.with_name(f"results_{match['date']}.json") if match else file
    results = [dated] if match and dated.is_file() else sorted(file.parent.glob("results_*.json"))[-1:]
    for path in results:
        try:
            found = read_document(path)
        except RunError:
            continue
        name = found.get("model_name") if isinstance(found, dict) else None
        if isinstance(name, str) and name.isprintable():
            return name[:200]
    return file.parent.name if log.is_folder and file.parent != log.path else ""


class _Filters:
    """Which filter's answers count, a task at a time: the chosen one, or the only one that there is."""

    def __init__(self, choices: Choices, files: Mapping[str, Path]) -> None:
        self._choices, self._files = choices, files
        self._unused: dict[str, list[str]] = {}
        self._held: set[str] = set()

    def chosen_rows(self, task: str, path: Path) -> list[dict[str, Any]]:
        rows = _logged(path)
        filters = sorted({str(row["filter"]) for row in rows})
        self._held.update(filters)
        chosen = self._choices.filter_of(task, self._files)
        names = ", ".join(ascii(name) for name in filters)
        if chosen is None and len(filters) > 1:
            raise RunError(
                f"{path}: answers of {len(filters)} filters ({names}); choose one with --filter NAME, or for this task "
                f"alone with --filter {task}=NAME"
            )
        if chosen not in (None, *filters):
            own = f"{task}={chosen}" in self._choices.filters
            if own or len(filters) != 1:
                raise RunError(
                    f"{path}: no rows of filter {chosen!r}; it has {names or 'no rows'}{self._tasks(chosen)}"
                )
            # A task with one filter leaves nothing to choose; the name is meant for the others.
            self._unused.setdefault(str(chosen), []).append(f"{task}: {names}")
            chosen = None
        return [row for row in rows if chosen is None or row["filter"] == chosen]

    def check_all_used(self, path: Path) -> None:
        """Raise ``RunError`` where a filter was chosen that no task has."""
        for name, held in self._unused.items():
            if name not in self._held:
                shown = "; ".join(held[:3]) + ("; ..." if len(held) > 3 else "")
                raise RunError(f"{path}: no rows of filter {name!r}; it has {shown}{self._tasks(name)}")

    def _tasks(self, chosen: str | None) -> str:
        return f"; its tasks are {some_names(sorted(self._files))}" if chosen and "=" in chosen else ""


def _logged(path: Path) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    for number, row in enumerate(json_lines(path), start=1):
        if missing := sorted(_KEYS - row.keys()):
            raise RunError(f"{path}: line {number} has no {missing[0]!r}; is it a log of lm-eval --log_samples?")
        # The document itself is not needed, and may contain images.
        kept.append({name: value for name, value in row.items() if name not in ("doc", "target")})
    if not kept:
        raise RunError(f"{path}: no rows; was lm-eval interrupted?")
    return kept


def _first_metric(path: Path, logged: Sequence[Mapping[str, Any]]) -> str:
    metrics = logged[0]["metrics"]
    for name in metrics if isinstance(metrics, list) else ():
        if isinstance(name, str) and score_of(logged[0].get(name)) is not None:
            return name
    raise RunError(f"{path}: no metric of its first row is a number in [0, 1]; choose one with --metric")


def _rows(path: Path, task: str, logged: Sequence[Mapping[str, Any]], metric: str) -> list[dict[str, Any]]:
    if bad := [row for row in logged if score_of(row.get(metric)) is None]:
        some = ", ".join(ascii(row["doc_id"])[:20] for row in bad[:3])
        raise RunError(
            f"{path}: {metric} is not a number in [0, 1] in {len(bad)} of {len(logged)} rows (doc_id {some}); "
            f"choose another with --metric, or for this task alone with --metric {task}=NAME"
        )
    seen: Counter[str] = Counter()
    rows = []
    for row in sorted(logged, key=lambda each: (str(each["doc_hash"]), str(each["doc_id"]))):
        doc = ascii(row["doc_hash"])
        identity = canonical_json({"task": task, "doc": doc, "copy": seen[doc]})
        seen[doc] += 1
        options = _options(row)
        output, extracted = _answer(row, options)
        parsed = extracted is not None
        score = float(row[metric])
        outcome = Outcome.CORRECT if score == 1 else Outcome.WRONG if parsed else Outcome.UNPARSED
        rows.append(
            {
                "item_id": hashlib.sha256(identity).hexdigest(),
                "task": task,
                "family": task,
                "outcome": str(outcome),
                "score": score,
                "guess_rate": 1 / len(options) if len(options) > 1 else 0.0,
                "output": output,
                "extracted": extracted,
                "prompt_digest": str(row["prompt_hash"]),
            }
        )
    return rows


def _options(row: Mapping[str, Any]) -> list[str]:
    """The options of a multiple-choice row, in their order; empty for a generated answer.

    Each option is one request. If all have the same continuation (cloze), the contexts are the options.
    """
    arguments = row["arguments"]
    requests = list(arguments.values()) if isinstance(arguments, dict) else []
    pairs = [(each.get("arg_0"), each.get("arg_1")) for each in requests if isinstance(each, dict)]
    if not pairs or not all(isinstance(text, str) for pair in pairs for text in pair):
        return []
    texts = list(dict.fromkeys(str(continuation) for _, continuation in pairs))
    return texts if len(texts) > 1 or len(pairs) == 1 else [str(context) for context, _ in pairs]


def _answer(row: Mapping[str, Any], options: Sequence[str]) -> tuple[str, str | None]:
    """The output and the extracted answer: the index of the likeliest option, or what the filter found."""
    first, found = str(_alone(row["resps"])), str(_alone(row["filtered_resps"]))
    if not options:
        return first, None if found.strip() in NOT_PARSED else found
    likelihoods = [_first_number(each) for each in _list(row["filtered_resps"])[: len(options)]]
    if len(options) < 2 or len(likelihoods) < len(options):
        return first, first
    best = max(range(len(options)), key=likelihoods.__getitem__)
    return options[best].strip(), f"option {best + 1}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _alone(value: Any) -> Any:
    """The first element of a list, unwrapped while it is a list of one."""
    first = (_list(value) or [""])[0]
    while isinstance(first, list) and len(first) == 1:
        first = first[0]
    return first


def _first_number(value: Any) -> float:
    """The log-likelihood in one logged answer: lm-eval writes numbers as strings, alone or before ``is_greedy``."""
    while isinstance(value, list) and value:
        value = value[0]
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("-inf")
