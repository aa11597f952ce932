"""Entry: what the page of one entry says beside its numbers, of itself and of the others in its track."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.report import Forest, forest_of
from harness.scoring import AlarmGroup, alarm_groups, headline
from leaderboard.board import Row, Track
from leaderboard.board.cost import Cost, cost
from leaderboard.board.recipes import Recipe, recipes
from leaderboard.site.explorer import Telling, telling

# What a main number is called, the place of its name on the page, and the metric that it is.
MAIN = (
    ("Gain", "gain", "gain"),
    ("Retention", "retention", "retention_macro"),
    ("Worst group", "worst-group", "worst_group"),
    ("Balance", "balance", "balance"),
)


@dataclass(frozen=True)
class Other:
    """Another entry of the track, as a link needs it; ``seed`` is "seed 1", or empty where none is stated."""

    entry_id: str
    name: str
    seed: str = ""
    gain: float | None = None
    retention: float | None = None


@dataclass(frozen=True)
class Around:
    """What the page of an entry shows of others: those that dominate it (of ``dominators`` the best three), its recipe,
    and the recipe's other seeds. All of it is in the key of the remembered page."""

    dominated_by: tuple[Other, ...]
    dominators: int
    recipe: str
    title: str
    settings: str
    tags: tuple[tuple[str, str], ...]
    seeds: tuple[Other, ...]

    @property
    def facts(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class EntryPage:
    """One entry: in a sentence, as a forest, its alarms by kind, items it forgot, its cost, and others beside it."""

    headline: str
    forest: Forest
    alarms: tuple[AlarmGroup, ...]
    forgotten: tuple[Telling, ...]
    cost: Cost
    around: Around


def neighbours(track: Track) -> dict[str, Around]:
    """What the pages of a track's entries show of each other, by entry."""
    rows = {row.entry_id: row for row in track.rows}
    return {
        row.entry_id: _around(row, recipe, rows) for recipe in recipes(track) for row in recipe.rows
    }  # fmt: skip


def entry_page(row: Row, around: Around) -> EntryPage:
    return EntryPage(
        headline=headline(row.card),
        forest=forest_of(row.card),
        alarms=alarm_groups(row.card),
        forgotten=telling(row),
        cost=cost(row),
        around=around,
    )


def _around(row: Row, recipe: Recipe, rows: dict[str, Row]) -> Around:
    placing = row.placing
    return Around(
        dominated_by=tuple(_other(rows[name]) for name in placing.dominated_by if name in rows),
        dominators=placing.dominators,
        recipe=recipe.slug,
        title=recipe.title,
        settings=recipe.settings,
        tags=tuple((tag.text, tag.tone) for tag in recipe.tags),
        seeds=_seeds(recipe.rows) if len(recipe.rows) > 1 else (),
    )


def _other(row: Row) -> Other:
    said = ", ".join(map(str, row.manifest.method.seeds or ()))
    return Other(
        row.entry_id, row.name, f"seed {said}" if said else "", row.card.learned.gain, row.card.retention_macro
    )


def _seeds(rows: Sequence[Row]) -> tuple[Other, ...]:
    """All entries of a recipe, in the order of their seeds."""
    return tuple(_other(row) for row in sorted(rows, key=lambda row: (row.manifest.method.seeds or [], row.entry_id)))
