"""The board as data: ``board.json``, ``board.csv`` and ``board.parquet``, and one document an entry."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from leaderboard.board.board import Board, Row, Track
from leaderboard.documents import clean, clean_document, spreadsheet_cell
from leaderboard.ledger import State

SCHEMA = "retentionbench-board-1"
_TEXT, _REAL, _WHOLE = pa.string(), pa.float64(), pa.int64()
# Numbers that the table quotes, with the column of their cell's hash.
_QUOTED = {"gain": "gain_cell", "retention_macro": "retention_cell", "balance": "balance_cell"}
_COLUMNS = {
    "entry_id": _TEXT, "track": _TEXT, "suite": _TEXT, "target": _TEXT, "protocol": _TEXT, "environment": _TEXT,
    "track_kind": _TEXT, "base": _TEXT, "base_digest": _TEXT, "tuned": _TEXT, "tuned_digest": _TEXT, "method": _TEXT,
    "contact": _TEXT, "evidence": _TEXT, "standing": _TEXT, "rank_low": _WHOLE, "rank_high": _WHOLE,
    "rank_alone_low": _WHOLE, "rank_alone_high": _WHOLE,
    "tie_letters": _TEXT, "front": _TEXT, "gain": _REAL, "gain_low": _REAL, "gain_high": _REAL,
    "normalised_gain": _REAL, "retention_macro": _REAL, "retention_low": _REAL, "retention_high": _REAL,
    "retention_ratio": _REAL,
    "rests_on_tasks": _WHOLE, "rests_on_items": _WHOLE, "rests_on_units": _WHOLE,
    "worst_group": _TEXT, "worst_group_retention": _REAL, "balance": _REAL, "balance_low": _REAL,
    "balance_high": _REAL, "alarms": _WHOLE, "gain_cell": _TEXT, "retention_cell": _TEXT, "balance_cell": _TEXT,
    "signature": _TEXT,
}  # fmt: skip

Cells = dict[str, str | float | int | None]


def board_json(board: Board) -> str:
    """Everything shown on the site as one document: tracks, entries with whole scorecards, and what was left out."""
    head = {
        "schema": SCHEMA,
        "data_as_of": board.data_as_of or None,
        "order": "balance, descending, within a track; rank is an interval: [1 + number significantly better, "
        "number ranked - number significantly worse], rank_alone the same for one entry asked of by itself; entries "
        "without a rank follow by retention",
        "withdrawn": [
            {"entry_id": stone.entry_id, "name": stone.name, **_state_document(stone.state)}
            for stone in board.tombstones
        ],
        "left_out": [vars(bad) for bad in board.bad],
    }
    tracks = ",\n".join(_track_text(track) for track in board.tracks)
    return f'{_json(head)[:-1]},"tracks":[\n{tracks}\n]}}\n'


def entry_json(track: Track, row: Row) -> str:
    """One entry whole: manifest, scorecard, placing, events, and the id with the hash of every number."""
    document = {
        "schema": "retentionbench-entry-1",
        "track": {"id": track.key.slug, **vars(track.key)},
        **_entry_document(row),
        "events": [event.model_dump(mode="json", by_alias=True) for event in row.state.events],
        "cells": {metric: row.reference(metric) for metric in row.hashes},
    }
    return _json(document) + "\n"


def board_csv(board: Board) -> str:
    """One line an entry, numbers unrounded, no cell that a spreadsheet would run."""
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for cells in _lines(board):
        writer.writerow([spreadsheet_cell(cells[column]) for column in _COLUMNS])
    return sheet.getvalue()


def board_parquet(board: Board) -> bytes:
    """The table of :func:`board_csv` with typed columns; absent values are null."""
    lines = _lines(board)
    columns = {
        name: [clean(value) if isinstance(value := line[name], str) else value for line in lines] for name in _COLUMNS
    }
    table = pa.table(columns, schema=pa.schema(list(_COLUMNS.items()), metadata={"schema": SCHEMA}))
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _json(document: dict[str, Any]) -> str:
    # On one line: indented, the library writes it ten times more slowly.
    return json.dumps(
        clean_document(document), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )


def _track_text(track: Track) -> str:
    """A track's object, each entry on a line of its own."""
    compared = track.comparison
    head = {
        "id": track.key.slug,
        **vars(track.key),
        "base": track.base.checkpoint.name,
        "ranked": len(compared.order),
        "pairs_tested": compared.pairs,
        "detectable_balance_difference": compared.detectable,
    }
    entries = ",\n".join(_json({"page": f"entries/{row.entry_id}.html", **_entry_document(row)}) for row in track.rows)
    return f'{_json(head)[:-1]},"entries":[\n{entries}\n]}}'


def _entry_document(row: Row) -> dict[str, Any]:
    placing = row.placing
    return {
        "entry_id": row.entry_id,
        **_state_document(row.state),
        "rank": None if placing.rank is None else list(placing.rank),
        "rank_alone": None if placing.alone is None else list(placing.alone),
        "tie_letters": placing.letters or None,
        "front": placing.front,
        "not_ranked": placing.reason,
        "cells": {metric: digest for metric, digest in row.hashes.items() if "/" not in metric},
        "manifest": row.manifest.model_dump(mode="json", by_alias=True, exclude_none=True),
        "scorecard": row.card.model_dump(mode="json"),
    }


def _state_document(state: State) -> dict[str, Any]:
    return {
        "evidence": state.evidence.value,
        "standing": state.standing.value,
        "because": [{"event": event.seq, "at": event.at, "reason": event.reason} for event in state.because],
    }


def _lines(board: Board) -> list[Cells]:
    return [_cells(track, row) for track in board.tracks for row in track.rows]


def _cells(track: Track, row: Row) -> Cells:
    card, placing, hashes = row.card, row.placing, row.hashes
    low, high = placing.rank if placing.rank is not None else (None, None)
    return {
        "entry_id": row.entry_id,
        "track": track.key.slug,
        "suite": track.key.suite,
        "target": track.key.target,
        "protocol": track.key.protocol,
        "environment": track.key.environment,
        "track_kind": track.key.kind,
        "base": row.manifest.base.name,
        "base_digest": track.key.base_digest,
        "tuned": row.name,
        "tuned_digest": row.tuned.checkpoint.weights_digest,
        "method": row.manifest.method.family,
        "contact": row.manifest.contact.handle,
        "evidence": str(row.evidence),
        "standing": str(row.standing),
        "rank_low": low,
        "rank_high": high,
        "rank_alone_low": placing.alone[0] if placing.alone else None,
        "rank_alone_high": placing.alone[1] if placing.alone else None,
        "tie_letters": placing.letters or None,
        "front": placing.front,
        "gain": card.learned.gain,
        **_bounds("gain", card.learned.gain_ci),
        "normalised_gain": card.learned.normalised_gain,
        "retention_macro": card.retention_macro,
        **_bounds("retention", card.retention_macro_ci),
        "retention_ratio": card.retention_ratio,
        **{f"rests_on_{name}": getattr(card.rests_on, name, None) for name in ("tasks", "items", "units")},
        "worst_group": card.worst_group.group if card.worst_group else None,
        "worst_group_retention": card.worst_group.retention if card.worst_group else None,
        "balance": card.balance,
        **_bounds("balance", card.balance_ci),
        "alarms": len(card.alarms),
        **{column: hashes[metric] for metric, column in _QUOTED.items()},
        "signature": card.signature,
    }


def _bounds(name: str, interval: tuple[float, float] | None) -> dict[str, float | None]:
    low, high = interval if interval is not None else (None, None)
    return {f"{name}_low": low, f"{name}_high": high}
