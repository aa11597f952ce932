"""Views: the board's entries put together by base and suite, for the pages that show them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.records import RunRecord
from harness.scoring import TaskScore
from leaderboard.board import Board, Row, Track
from leaderboard.board.naming import FAMILIES
from leaderboard.site.answers import base_answers, read_answers, shortened

METHODS = {
    "sft": (FAMILIES["sft"], "Supervised fine-tuning: the loss is the likelihood of given answers."),
    "rft": (
        FAMILIES["rft"],
        "Reinforcement fine-tuning: the model's own answers are rewarded (GRPO, PPO, RLOO and others).",
    ),
    "dpo": (FAMILIES["dpo"], "Preference optimisation on pairs of answers."),
    "sft-on-rollouts": (
        FAMILIES["sft-on-rollouts"],
        "Supervised fine-tuning on answers that a reinforced model gave.",
    ),
    "distill": (FAMILIES["distill"], "Training on another model's answers or distribution."),
    "merge": (FAMILIES["merge"], "Weights of several checkpoints combined."),
    "other": (FAMILIES["other"], "Anything else; the entry says what."),
}
_ANSWERS_SHOWN = 2
_MOST_READ = 6
_TOLD = 0.8  # The retention of an entry that explains what retention is.


def slug(text: str) -> str:
    """A file name for a label: what is no letter, digit, dot or hyphen becomes a hyphen."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip(".-") or "unnamed"


@dataclass(frozen=True)
class Example:
    """The entry that the reading guide explains itself with, and its prior task that lost most."""

    row: Row
    task_name: str
    task: TaskScore

    @property
    def target_items(self) -> dict[str, int]:
        """Transitions of all target items, whatever task they belong to."""
        return total(self.row.card.tasks[name] for name in self.row.card.learned.tasks)


def example(board: Board) -> Example | None:
    """The entry of the first track, ranked if any is, that kept nearest to four fifths: something lost, most left."""
    for track in board.tracks:
        # A track in which nobody has run anything again still has an entry to explain itself with.
        rows = track.ranked or tuple(row for row in track.compared if row.card.balance is not None)
        kept = [(row.card.retention_macro, row.entry_id, row) for row in rows if row.card.prior_tasks]
        if kept:
            row = min(kept, key=lambda each: (abs((each[0] or 0.0) - _TOLD), each[1]))[2]
            name = next(iter(row.card.prior_tasks))
            return Example(row, name, row.card.prior_tasks[name])
    return None


def total(tasks: Iterable[TaskScore]) -> dict[str, int]:
    """Transitions of several tasks together."""
    found = list(tasks)
    return {cell: sum(getattr(task, cell) for task in found) for cell in ("n01", "n11", "n10", "n00")}


@dataclass(frozen=True)
class BaseView:
    """One base checkpoint: a record of each suite it answered, and the tracks on it."""

    name: str
    records: tuple[RunRecord, ...]
    tracks: tuple[Track, ...]

    @property
    def page(self) -> str:
        return base_page(self.records[0])


def base_page(record: RunRecord) -> str:
    return f"bases/{record.checkpoint.weights_digest[:12]}.html"


def suite_page(name: str) -> str:
    return f"suites/{slug(name)}.html"


def bases(board: Board) -> tuple[BaseView, ...]:
    """The bases of the board, in the order of their tracks."""
    found: dict[str, list[Track]] = {}
    for track in board.tracks:
        found.setdefault(base_page(track.base), []).append(track)
    return tuple(
        BaseView(
            tracks[0].rows[0].manifest.base.name,
            tuple({track.base.samples_sha256: track.base for track in tracks}.values()),
            tuple(tracks),
        )
        for tracks in found.values()
    )


def suites(board: Board) -> dict[str, tuple[Track, ...]]:
    """The tracks of each suite version, by its page."""
    found: dict[str, list[Track]] = {}
    for track in board.tracks:
        found.setdefault(suite_page(track.key.suite), []).append(track)
    return {page: tuple(tracks) for page, tracks in found.items()}


@dataclass(frozen=True)
class Forgotten:
    """An item that entries forgot: how many, what the base said, and what some of those entries say now."""

    item_id: str
    task: str
    by: int
    base: str
    now: tuple[tuple[Row, str, str], ...]


def forgotten(track: Track) -> tuple[Forgotten, ...]:
    """The items that most ranked entries of a track forgot, with answers of the best-placed of them."""
    if not track.forgotten:
        return ()
    base = base_answers(track.rows[0].folders[0])
    place = {item_id: at for at, item_id in enumerate(base.item_ids)}
    wanted = {item.item_id: place[item.item_id] for item in track.forgotten}
    now: dict[str, list[tuple[Row, str, str]]] = {item_id: [] for item_id in wanted}
    for row in track.compared[:_MOST_READ]:
        answers = read_answers(row.folders[1])
        for item_id, at in wanted.items():
            if answers.outcomes[at] != "correct" and len(now[item_id]) < _ANSWERS_SHOWN:
                now[item_id].append((row, answers.outcomes[at], shortened(answers.outputs[at])))
    return tuple(
        Forgotten(
            item.item_id, item.task, item.forgotten_by, shortened(base.outputs[wanted[item.item_id]]),
            tuple(now[item.item_id]),
        )
        for item in track.forgotten
    )  # fmt: skip
