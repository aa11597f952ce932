"""What a submission costs its author: time and size of the runs that are on the board, suite by suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from leaderboard.board import Board, Row


@dataclass(frozen=True)
class Expectation:
    """The tuned runs of one suite in one environment: how many, items of each, seconds of wall time (median and
    range), and the median size of an entry's folder in bytes."""

    suite: str
    environment: str
    runs: int
    items: int
    seconds: float
    seconds_range: tuple[float, float]
    entry_bytes: float


def expectations(board: Board) -> tuple[Expectation, ...]:
    """One for each suite and environment that has entries, those with most entries first."""
    found: dict[tuple[str, str], list[Row]] = {}
    for track in board.tracks:
        found.setdefault((track.key.suite, track.key.environment), []).extend(track.rows)
    made = [_expectation(suite, environment, rows) for (suite, environment), rows in found.items()]
    return tuple(sorted(made, key=lambda each: (-each.runs, each.suite, each.environment)))


def _expectation(suite: str, environment: str, rows: Sequence[Row]) -> Expectation:
    seconds = [row.tuned.wall_seconds for row in rows]
    sizes = [sum(path.stat().st_size for path in row.folder.rglob("*") if path.is_file()) for row in rows]
    return Expectation(
        suite=suite,
        environment=environment,
        runs=len(rows),
        items=rows[0].tuned.n_items,
        seconds=median(seconds),
        seconds_range=(min(seconds), max(seconds)),
        entry_bytes=median(sizes),
    )
