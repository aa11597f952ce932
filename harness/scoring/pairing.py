"""Pairing: two runs become one table of items, or are refused (design.md, invariant 1)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.errors import CheckFailedError
from harness.samples import Outcome, Run, RunRecord
from harness.scoring.transitions import transition_names

_SHARED = ("task", "family", "group", "cluster_id", "guess_rate")
_SIDED = ("output", "extracted", "outcome", "score", "finish_reason", "n_output_tokens")
_EXAMPLES = 3


@dataclass(frozen=True)
class Pair:
    """A base and a tuned run that answered the same questions.

    ``items`` has one row an item, sorted by task and item id: ``item_id``, what both share (task, family, group,
    cluster_id, guess_rate), what each side did (``base_outcome``, ``tuned_outcome``, ``base_output``, ...) and its
    ``transition``.
    """

    base: RunRecord
    tuned: RunRecord
    items: pd.DataFrame


def pair(base: Run, tuned: Run) -> Pair:
    """Join two runs item by item.

    Raises ``CheckFailedError`` with counts and examples when the runs differ in suite, engine, tokenizer, template,
    decoding, items or prompts, when an item failed on either side, or when a run does not hold its whole suite.
    """
    _check_records(base.record, tuned.record)
    for side, run in (("base", base), ("tuned", tuned)):
        _check_rows(side, run)
    left, right = base.samples.set_index("item_id"), tuned.samples.set_index("item_id")
    _check_items(left, right)
    right = right.loc[left.index]
    for column in (*_SHARED, "prompt_digest"):
        differing = left.index[(left[column] != right[column]).to_numpy()]
        if len(differing):
            what = "prompts differ" if column == "prompt_digest" else f"column {column!r} differs"
            raise _refusal(f"{what} on {_some(differing, len(left))}; evaluate both with one command")
    items = left[list(_SHARED)].copy()
    for column in _SIDED:
        items[f"base_{column}"], items[f"tuned_{column}"] = left[column], right[column]
    items["transition"] = transition_names(
        (items["base_outcome"] == Outcome.CORRECT).to_numpy(dtype=bool),
        (items["tuned_outcome"] == Outcome.CORRECT).to_numpy(dtype=bool),
    )
    _check_tasks(items)
    return Pair(base.record, tuned.record, items.reset_index().sort_values(["task", "item_id"], ignore_index=True))


def _check_records(base: RunRecord, tuned: RunRecord) -> None:
    facts: list[tuple[str, Any, Any]] = [
        ("suite", f"{base.suite.name} {base.suite.version}", f"{tuned.suite.name} {tuned.suite.version}"),
        ("suite digest", base.suite.digest, tuned.suite.digest),
        ("protocol", base.suite.protocol, tuned.suite.protocol),
        ("suite tasks", base.suite.tasks, tuned.suite.tasks),
        ("engine", base.engine.environment, tuned.engine.environment),
        ("tokenizer", base.checkpoint.tokenizer_digest, tuned.checkpoint.tokenizer_digest),
        ("chat template", base.template_digest, tuned.template_digest),
        ("template policy", base.template_policy, tuned.template_policy),
        ("decoding", base.decoding, tuned.decoding),
    ]
    for name, mine, theirs in facts:
        if mine != theirs:
            raise _refusal(
                f"{name} differs: base {_short(mine)}, tuned {_short(theirs)}; evaluate both with one command"
            )


def _check_rows(side: str, run: Run) -> None:
    rows = run.samples
    repeated = rows["item_id"][rows["item_id"].duplicated()]
    if len(repeated):
        raise _refusal(f"the {side} run repeats {_some(repeated, len(rows))}")
    failed = rows.loc[rows["error"].notna(), "item_id"]
    if len(failed):
        reason = str(rows.loc[rows["error"].notna(), "error"].iloc[0]).splitlines()[:1]
        raise _refusal(
            f"the {side} run failed on {_some(failed, len(rows))} ({''.join(reason)[:80]}); "
            "evaluate again to finish them"
        )
    for column, valid in (
        ("score", rows["score"].between(0, 1)),
        ("guess_rate", rows["guess_rate"].between(0, 1, inclusive="left")),
        ("outcome", rows["outcome"].isin(list(Outcome))),
    ):
        invalid = rows.loc[~valid, "item_id"]
        if len(invalid):
            raise _refusal(f"the {side} run has an invalid {column} on {_some(invalid, len(rows))}")
    held = {str(task): int(n) for task, n in rows["task"].value_counts().items()}
    for task in sorted({*held, *run.record.suite.tasks}):
        if held.get(task, 0) != (expected := run.record.suite.tasks.get(task, 0)):
            raise _refusal(f"the {side} run has {held.get(task, 0)} items of {task}, but the suite has {expected}")


def _check_items(base: pd.DataFrame, tuned: pd.DataFrame) -> None:
    for side, missing in (("tuned", base.index.difference(tuned.index)), ("base", tuned.index.difference(base.index))):
        if len(missing):
            raise _refusal(f"the {side} run lacks {_some(missing, len(base))} of the other")


def _check_tasks(items: pd.DataFrame) -> None:
    for column in ("family", "group"):
        counts = items.groupby("task")[column].nunique()
        if (counts > 1).any():
            task = counts.index[np.argmax(counts)]
            raise _refusal(f"task {task} has items of {int(counts.max())} different {column} values")


def _refusal(why: str) -> CheckFailedError:
    return CheckFailedError(f"refused: {visible(why)}")


def visible(text: str) -> str:
    """``text`` on one line, with terminal codes made visible: messages quote files that anyone may write."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _some(ids: Any, total: int) -> str:
    shown = ", ".join(str(item_id)[:12] for item_id in ids[:_EXAMPLES])
    return f"{len(ids)} of {total} items ({shown}{', ...' if len(ids) > _EXAMPLES else ''})"


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:12]}.." if len(text) == 64 and text.isalnum() else text
