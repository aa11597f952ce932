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

import pandas as pd

from harness.items import canonical_json
from harness.records.samples import Outcome, RunError, file_sha256
from harness.records.tables import Table, check_size, json_lines, make_table

LIMITS = (
    "no finish reason: a truncated answer counts as wrong, or as unparsed if the filter found nothing",
    "an answer is unparsed only where lm-eval's filter says [invalid] or the output is empty",
    "items are paired by the hash of the document, not by item ids, and assumed to be independent",
    "the guess rate is 1/options for multiple choice and 0 for everything else",
    "each task is a family and a group of its own",
)
_KEYS = frozenset({"doc_id", "doc_hash", "prompt_hash", "arguments", "resps", "filtered_resps", "filter", "metrics"})
_FILE = re.compile(r"\Asamples_(?P<task>.+?)(?:_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)?\.jsonl\Z")
NOT_PARSED = frozenset({"", "[invalid]"})


def is_log(path: Path) -> bool:
    """Whether ``path`` is an lm-eval log or a folder of such logs."""
    if path.is_dir():
        return any(path.glob("samples_*.jsonl"))
    if path.suffix != ".jsonl" or not path.is_file():
        return False
    return next(iter(json_lines(path)), {}).keys() >= _KEYS


def read_log(path: Path, chosen_filter: str | None = None, metric: str | None = None) -> Table:
    """Read one log, or the logs of all tasks in a folder, as a table.

    ``chosen_filter`` is required if a log has several; ``metric`` is the metric that is 1 for a correct answer, by
    default the log's first. ``RunError`` names the file, what is wrong and how to choose.
    """
    files = sorted(path.glob("samples_*.jsonl")) if path.is_dir() else [path]
    rows: list[dict[str, Any]] = []
    tasks: dict[str, Path] = {}
    notes = list(LIMITS)
    digest = hashlib.sha256()
    for file in files:
        check_size(file)
        match = _FILE.match(file.name)
        task = match["task"] if match else file.stem
        if task in tasks:
            raise RunError(f"{path}: {tasks[task].name} and {file.name} are both logs of {task}; name one file")
        tasks[task] = file
        logged = _chosen_rows(file, chosen_filter)
        name = metric or _first_metric(file, logged)
        rows += _rows(file, task, logged, name)
        notes.append(f"{task}: correct where {name} of filter {logged[0]['filter']} is 1")
        digest.update(bytes.fromhex(file_sha256(file)))
    table = make_table(pd.DataFrame(rows), path, "lm-eval log", digest.hexdigest(), ())
    return Table(replace(table.record, notes=tuple(notes)), table.samples)


def _chosen_rows(path: Path, chosen: str | None) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    filters: set[str] = set()
    for number, row in enumerate(json_lines(path), start=1):
        if missing := sorted(_KEYS - row.keys()):
            raise RunError(f"{path}: line {number} has no {missing[0]!r}; is it a log of lm-eval --log_samples?")
        filters.add(str(row["filter"]))
        if chosen is None or row["filter"] == chosen:
            # The document itself is not needed, and may contain images.
            kept.append({name: value for name, value in row.items() if name not in ("doc", "target")})
    names = ", ".join(ascii(name) for name in sorted(filters))
    if not kept:
        raise RunError(f"{path}: no rows of filter {chosen!r}; it has {names or 'no rows'}")
    if chosen is None and len(filters) > 1:
        raise RunError(f"{path}: answers of {len(filters)} filters ({names}); choose one with --filter")
    return kept


def _first_metric(path: Path, logged: Sequence[Mapping[str, Any]]) -> str:
    metrics = logged[0]["metrics"]
    for name in metrics if isinstance(metrics, list) else ():
        if isinstance(name, str) and _is_score(logged[0].get(name)):
            return name
    raise RunError(f"{path}: no metric of its first row is a number in [0, 1]; choose one with --metric")


def _is_score(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _rows(path: Path, task: str, logged: Sequence[Mapping[str, Any]], metric: str) -> list[dict[str, Any]]:
    bad = [row["doc_id"] for row in logged if not _is_score(row.get(metric))]
    if bad:
        some = ", ".join(ascii(doc)[:20] for doc in bad[:3])
        raise RunError(
            f"{path}: {metric} is not a number in [0, 1] in {len(bad)} of {len(logged)} rows (doc_id {some}); "
            "choose another with --metric"
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
