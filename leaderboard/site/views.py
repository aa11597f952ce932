"""Views: the board's entries put together by base and suite, for the pages that show them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.records import RunRecord
from harness.scoring import TaskScore
from leaderboard.board import Board, Row, Track
from leaderboard.board.naming import FAMILIES
from leaderboard.ledger import Evidence, Rebased
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
class BaseRunView:
    """One run of a base, and the entries that are scored with it; ``first`` is the run of its suite that is listed
    first, itself or another one."""

    folder: Path
    rows: tuple[Row, ...]
    first: Path

    @property
    def record(self) -> RunRecord:
        return self.rows[0].base

    @property
    def home(self) -> str:
        """Its place among the base runs."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def is_verified(self) -> bool:
        """Whether a maintainer ran a part of it again, and it agreed."""
        return any(row.evidence is Evidence.VERIFIED for row in self.rows)

    @property
    def ends(self) -> str:
        """The tokens that end an answer, where the record says."""
        stated = self.record.conditions
        return ", ".join(map(str, stated.stop_token_ids)) if stated is not None and stated.stop_token_ids else "-"

    @property
    def differs(self) -> int:
        """On how many items it comes to another outcome than the first run."""
        mine, theirs = base_answers(self.folder).outcomes, base_answers(self.first).outcomes
        return sum(one != other for one, other in zip(mine, theirs, strict=True))


@dataclass(frozen=True)
class BaseView:
    """One base checkpoint: its runs, those of one suite after those of another, and the tracks on it."""

    name: str
    runs: tuple[BaseRunView, ...]
    tracks: tuple[Track, ...]

    @property
    def page(self) -> str:
        return base_page(self.runs[0].record)

    @property
    def is_run_twice(self) -> bool:
        """Whether several runs of it on one suite stand beside each other."""
        return any(run.folder != run.first for run in self.runs)

    @property
    def replaced(self) -> tuple[Rebased, ...]:
        """The first event of each replacement of a run that was shown to be wrong."""
        events = [event for track in self.tracks for row in track.rows for event in row.state.events]
        found = sorted((event for event in events if isinstance(event, Rebased)), key=lambda event: event.at)
        return tuple({(event.replaced, event.replacement): event for event in reversed(found)}.values())[::-1]


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
        BaseView(tracks[0].rows[0].manifest.base.name, _base_runs(tracks), tuple(tracks)) for tracks in found.values()
    )


def _base_runs(tracks: Sequence[Track]) -> tuple[BaseRunView, ...]:
    """The runs that entries of ``tracks`` are scored with, in the order of the tracks."""
    found: dict[Path, list[Row]] = {}
    for track in tracks:
        for folder, rows in track.base_runs.items():
            found.setdefault(folder, []).extend(rows)
    first: dict[str, Path] = {}
    for folder in found:
        first.setdefault(folder.parent.name, folder)
    order = sorted(found, key=lambda folder: list(first).index(folder.parent.name))
    return tuple(BaseRunView(folder, tuple(found[folder]), first[folder.parent.name]) for folder in order)


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
    base = base_answers(track.base_folder)
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
