"""Flips: the items that one model got right and the other did not, with both outputs, for the page."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.scoring import Source, paired_items, wording

# Characters of all outputs together that a browser opens without complaint; each output gets its share of them.
TEXT_BUDGET = 12_000_000
LONGEST_OUTPUT = 2000
SHORTEST_OUTPUT = 120


@dataclass(frozen=True)
class Answer:
    """One side's answer; ``cut`` where more was written than is shown."""

    outcome: str
    output: str
    cut: bool


@dataclass(frozen=True)
class Flip:
    """One flipped item; of sampled answers one that flipped, with its repeat in the id.

    ``anchor`` is its place on the page, the same in every report that has the item.
    """

    item_id: str
    anchor: str
    transition: str
    base: Answer
    tuned: Answer


@dataclass(frozen=True)
class TaskFlips:
    """All flipped items of one task, forgotten before learned, in a fixed order."""

    task: str
    items: tuple[Flip, ...]

    def count(self, transition: str) -> int:
        return sum(item.transition == transition for item in self.items)


@dataclass(frozen=True)
class Flips:
    """All flipped items of a pair; an output is shown up to ``shown`` characters, fewer the more items there are."""

    tasks: tuple[TaskFlips, ...]
    shown: int

    @property
    def total(self) -> int:
        return sum(len(task.items) for task in self.tasks)

    def count(self, transition: str) -> int:
        return sum(task.count(transition) for task in self.tasks)


def flipped_items(order: Iterable[str], base: Source, tuned: Source) -> Flips:
    """Every flipped item of the pair, tasks in ``order``; none is left out, however many there are."""
    items = paired_items(base, tuned)
    flipped = items[items["transition"].isin(("forgotten", "learned"))].sort_values(
        ["task", "transition", "item_id"], kind="stable"
    )
    shown = max(SHORTEST_OUTPUT, min(LONGEST_OUTPUT, TEXT_BUDGET // (2 * max(len(flipped), 1))))
    by_task = {str(name): rows for name, rows in flipped.groupby("task", sort=False)}
    return Flips(
        tuple(
            TaskFlips(name, tuple(_flip(row, shown) for row in by_task[name].to_dict("records")))
            for name in order
            if name in by_task
        ),
        shown,
    )


def _flip(row: dict[Any, Any], shown: int) -> Flip:
    base, tuned = (
        Answer(
            wording.outcome(row[f"{side}_outcome"], row[f"{side}_off_list"]),
            wording.printable(row[f"{side}_output"][:shown]),
            len(row[f"{side}_output"]) > shown,
        )
        for side in ("base", "tuned")
    )
    item_id, ours = row["item_id"], _OURS.fullmatch(row["item_id"])
    # Ids of other tools may be any text, and are unique within a task alone.
    place = item_id if ours else hashlib.sha256(f"{row['task']}\n{item_id}".encode()).hexdigest()
    shown_id, anchor = item_id[:12] if ours else item_id, f"i-{place[:12]}"
    if "repeat" in row:
        shown_id, anchor = f"{shown_id} #{row['repeat']}", f"{anchor}-{row['repeat']}"
    return Flip(shown_id, anchor, row["transition"], base, tuned)


_OURS = re.compile(r"[0-9a-f]{64}")
