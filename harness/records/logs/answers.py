"""Answers of a log become the rows of a table, each item known by the content of its question."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.items import canonical_json
from harness.records.logs.choices import some_names
from harness.records.samples import Outcome, RunError
from harness.records.tables import MAX_ROWS, Form, Table, make_table

PAIRED = "items are paired by the content of the question: its hash, in the place of ids"
FAMILIES = "each task is a family and a group of its own"
CUT = "an answer that was cut off and is not correct counts as unparsed"


@dataclass(frozen=True)
class Answer:
    """One answer of a log.

    ``content`` is what makes the question (text, options, pictures by digest or name), ``place`` tells questions of
    the same content apart where the log can (an index in its data set), ``cluster`` names the question that was asked
    several times (epochs, trials). ``score`` is in [0, 1], 1 is correct; ``extracted`` is None where the tool found no
    answer. ``prompt`` is what the model was given, where the log has it.
    """

    task: str
    content: Mapping[str, Any]
    score: float
    output: str
    extracted: str | None
    guess_rate: float = 0.0
    prompt: str = ""
    finish_reason: str = ""
    n_output_tokens: int | None = None
    place: str = ""
    cluster: str = ""

    @property
    def outcome(self) -> Outcome:
        if self.score == 1:
            return Outcome.CORRECT
        unparsed = self.extracted is None or self.finish_reason == "length"
        return Outcome.UNPARSED if unparsed else Outcome.WRONG


def table_of(
    answers: Iterable[Answer], path: Path, form: Form, sha256: str, notes: Sequence[str], name: str = ""
) -> Table:
    """The table of a log's answers; ``name`` is the model's, by default the file's. ``RunError`` as of any table."""
    import pandas as pd

    kept = _bounded(answers, path)
    if not kept:
        raise RunError(f"{path}: no answers in it")
    digests = [hashlib.sha256(canonical_json(_content(each))).hexdigest() for each in kept]
    frame = pd.DataFrame([_row(each) for each in kept]).assign(item_id=_item_ids(kept, digests))
    clusters = [canonical_json([_plain(each.task), _plain(each.cluster)]).decode() for each in kept if each.cluster]
    if len(set(clusters)) < len(clusters) == len(kept):
        frame["cluster_id"] = clusters
    empty = [column for column in ("prompt_digest", "finish_reason", "output") if not frame[column].any()]
    if frame["n_output_tokens"].isna().any():
        empty.append("n_output_tokens")
    table = make_table(frame.drop(columns=empty), path, form, sha256, (*notes, FAMILIES))
    return named(table, name)


def named(table: Table, model: str) -> Table:
    """``table`` under the name of its model, where that can be printed."""
    return replace(table, record=replace(table.record, name=_printable(model) or table.record.name))


def _bounded(answers: Iterable[Answer], path: Path) -> list[Answer]:
    kept = []
    for answer in answers:
        kept.append(answer)
        if len(kept) > MAX_ROWS:
            raise RunError(f"{path}: more than {MAX_ROWS:,} answers, the most that a table may have")
    return kept


def _content(answer: Answer) -> dict[str, Any]:
    return {"task": answer.task, "content": _plain(answer.content)}


def _plain(value: Any) -> Any:
    """``value`` as JSON that is the same on every machine: no NaN, and no half of a surrogate pair."""
    if isinstance(value, Mapping):
        return {str(_plain(str(name))): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return value if isinstance(value, bool | int) or value is None else str(value)


def _item_ids(answers: Sequence[Answer], digests: Sequence[str]) -> list[str]:
    """The digest of each question; where several are the same, with their place in the log or their order."""
    counts = Counter(digests)
    places: defaultdict[str, list[str]] = defaultdict(list)
    for answer, digest in zip(answers, digests, strict=True):
        places[digest].append(answer.place)
    order: Counter[str] = Counter()
    found = []
    for answer, digest in zip(answers, digests, strict=True):
        if counts[digest] == 1:
            found.append(digest)
            continue
        told_apart = len(set(places[digest])) == counts[digest]
        copy = answer.place if told_apart else order[digest]
        order[digest] += 1
        found.append(hashlib.sha256(canonical_json(_plain({"item": digest, "copy": copy}))).hexdigest())
    return found


def _row(answer: Answer) -> dict[str, Any]:
    prompt = answer.prompt.encode(errors="replace")
    return {
        "task": answer.task,
        "family": answer.task,
        "outcome": str(answer.outcome),
        "score": answer.score,
        "guess_rate": answer.guess_rate,
        "output": answer.output,
        "extracted": answer.extracted,
        "finish_reason": answer.finish_reason,
        "n_output_tokens": answer.n_output_tokens,
        "prompt_digest": hashlib.sha256(prompt).hexdigest() if prompt else "",
    }


def _printable(name: str) -> str:
    return "".join(char for char in name if char.isprintable())[:200]


def score_of(value: Any) -> float | None:
    """A number in [0, 1] or a truth value as a score; None for anything else."""
    if isinstance(value, bool | int | float) and 0 <= value <= 1:
        return float(value)
    return None


def chosen_metric(path: Path, task: str, first: Mapping[str, Any], chosen: str | None) -> str:
    """The metric ``chosen``, or the first of a task's first row (``first``: its metrics) that is a score."""
    scores = [name for name, value in first.items() if score_of(value) is not None]
    if chosen is None and scores:
        return scores[0]
    if chosen in first:
        return str(chosen)
    if chosen is not None:
        raise RunError(f"{path}: {task} has no metric {chosen!a}; it has {some_names(list(first))}")
    raise RunError(
        f"{path}: no metric of {task} is a number in [0, 1] for each item (it has {some_names(list(first))}); "
        "choose one with --metric, or write the items as a table with item_id, task, family and outcome"
    )


def refuse_scores(path: Path, task: str, metric: str, places: Sequence[str], total: int) -> RunError:
    """The error for the items at ``places``, whose ``metric`` is no score."""
    return RunError(
        f"{path}: {ascii(metric)[1:-1]} of {task} is not a number in [0, 1] in {len(places)} of {total} items "
        f"({some_names(places, 3)}); choose another with --metric"
    )
