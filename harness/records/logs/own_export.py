"""Logs that this harness exported itself: their rows are those of the run, not what another tool's form keeps of them.

``retention runs export`` writes beside each answer which item, task, family and group it is of. With these, the numbers
of two exported runs are the numbers of the two runs.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.records.logs.answers import named
from harness.records.samples import Outcome
from harness.records.tables import Form, Table, make_table

NOTE = (
    "exported by `retention runs export`: items, tasks, families, groups and outcomes are those that it wrote, which "
    "anybody can edit; the runs themselves are checked"
)
_TEXTS = ("item_id", "task", "family", "group", "cluster_id", "finish_reason", "prompt_digest")
_NUMBERS = ("guess_rate", "score")


def exported_row(facts: Any, correct: bool, **answer: Any) -> dict[str, Any] | None:
    """The row of a run that ``facts`` of an exported answer state, with the fields of ``answer``.

    None where they are not what an export writes, or where the log says otherwise whether the answer is ``correct``:
    then it was scored again, and the log's own score counts. Numbers may be written as text.
    """
    if not isinstance(facts, Mapping):
        return None
    try:
        row = {name: facts[name] for name in _TEXTS} | {name: float(facts[name]) for name in _NUMBERS}
        outcome = Outcome(facts["outcome"])
        repeat = int(json.loads(str(facts.get("repeat", 0))))
    except (KeyError, TypeError, ValueError):
        return None
    if (outcome is Outcome.CORRECT) != correct or not all(isinstance(row[name], str) for name in _TEXTS):
        return None
    return {**row, "outcome": str(outcome), "repeat": repeat, **answer}


def exported_table(
    rows: Sequence[Mapping[str, Any] | None], path: Path, form: Form, sha256: str, name: str
) -> Table | None:
    """The table of exported rows; None where one of them is not known to be such. ``RunError`` as of any table."""
    import pandas as pd

    known = [row for row in rows if row is not None]
    if not known or len(known) < len(rows):
        return None
    return named(make_table(pd.DataFrame(known), path, form, sha256, (NOTE,)), name)
