"""Which columns of someone's own table are which: a table's own names, or the common ones that mean the same."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

REQUIRED = ("item_id", "task", "family", "outcome")
# Names that are taken only where a table lacks a required column, the first that it has.
_COMMON: Mapping[str, tuple[str, ...]] = {
    "item_id": ("id", "sample_id", "question_id", "doc_id", "uid", "qid", "index"),
    "task": ("task_name", "dataset", "benchmark", "subset"),
    "outcome": ("correct", "is_correct", "hit", "passed", "acc", "exact_match"),
    "output": ("prediction", "response", "model_output", "completion", "generation"),
    "extracted": ("extracted_answer", "parsed_answer", "parsed_pred", "pred"),
}
# What makes a question, where it has no id.
_CONTENT = ("question", "prompt", "input", "options", "choices", "answer", "target", "image")
_QUESTION = _CONTENT[:3]
_PREFIX = "content of "


def columns_of(names: Sequence[str], known: Collection[str]) -> dict[str, str]:
    """The columns of a table among ``names``, as name: column.

    A file that lacks a required column may have the common names instead. Where they do not complete it, it keeps its
    own, so that an error names the column that is missing. Case and outer spaces of a header count only where they
    tell two columns apart.
    """
    found = _columns_of(names, known)
    plain = {name.strip().casefold(): name for name in names}
    if len(plain) < len(names) or _is_complete(found):
        return found
    again = {plain[name]: column for name, column in _columns_of(list(plain), known).items()}
    return again if _is_complete(again) else found


def _is_complete(columns: Mapping[str, str]) -> bool:
    found = set(columns.values())
    has_id = "item_id" in found or any(name.startswith(_PREFIX) for name in found)
    return has_id and not {"outcome", "score"}.isdisjoint(found)


def _columns_of(names: Sequence[str], known: Collection[str]) -> dict[str, str]:
    own = {name: name for name in names if name in known}
    if all(name in own for name in REQUIRED):
        return own
    found = dict(own)
    for column, others in _COMMON.items():
        given = next((name for name in others if name in names), None)
        if column not in own and given is not None:
            found[given] = column
    has_id = "item_id" in found.values()
    if not has_id and any(name in names for name in _QUESTION):
        found |= {name: _PREFIX + name for name in names if name in _CONTENT}
    return found if _is_complete(found) else own


def notes_on(columns: Mapping[str, str]) -> list[str]:
    """What to say of the columns that go by another name."""
    return [
        f"column {name} was read as {column}"
        for name, column in columns.items()
        if name != column and not column.startswith(_PREFIX)
    ]


def completed(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """``frame`` with the required columns that follow from others, and a note on each."""
    content = [name for name in frame.columns if str(name).startswith(_PREFIX)]
    if not content and ("item_id" not in frame or {"outcome", "score"}.isdisjoint(frame.columns)):
        return frame, []
    if not content and "outcome" in frame and "task" in frame and "family" not in frame:
        # The names are a table's own, one of which was forgotten.
        return frame, []
    notes = []
    frame = frame.copy(deep=False)
    if "task" not in frame:
        frame["task"] = "items"
        notes.append("no task: all items are of one task")
    if "family" not in frame:
        frame["family"] = frame["task"]
        notes.append("no family: each task is a family of its own")
    if "outcome" not in frame:
        frame["outcome"] = [_outcome(score) for score in frame["score"]]
        notes.append("no outcome: an item is correct where its score is 1, and it is not known which are unparsed")
    if content:
        frame["item_id"] = [_digest(row) for row in frame[["task", *content]].to_dict("records")]
        names = ", ".join(str(name).removeprefix(_PREFIX) for name in content)
        notes.append(f"no item_id: items are paired by the content of {names}")
    return frame.drop(columns=content), notes


def _outcome(score: Any) -> str | None:
    if isinstance(score, bool | int | float) and 0 <= score <= 1:
        return "correct" if score == 1 else "wrong"
    return None


def _digest(row: Mapping[Any, Any]) -> str:
    text = json.dumps({str(name): value for name, value in row.items()}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
