"""The board as one JSON document, and one document an entry."""

from __future__ import annotations

import json
from typing import Any

from leaderboard.board.board import RANKING_RULE, RANKING_VERSION, Board, Row, Track
from leaderboard.board.cost import cost
from leaderboard.board.recipes import Recipe, recipes
from leaderboard.board.tables import SCHEMA
from leaderboard.documents import clean_document
from leaderboard.ledger import State

ENTRY_SCHEMA = "retentionbench-entry-1"
_UNITS = "rates and changes are shares: 1 is 100 % of a rate and 100 points of a change; divergences are in nats"


def board_json(board: Board) -> str:
    """Everything shown on the site as one document: tracks, entries with whole scorecards, and what was left out."""
    head = {
        "schema": SCHEMA,
        "data_as_of": board.data_as_of or None,
        "units": _UNITS,
        "order": "balance, descending, within a track; rank is an interval: [1 + number significantly better, "
        "number ranked - number significantly worse], rank_alone the same for one entry asked of by itself; entries "
        "without a rank follow by retention, then provisional ones in the same order",
        "ranking": {"version": RANKING_VERSION, "rule": RANKING_RULE},
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
        "schema": ENTRY_SCHEMA,
        "units": _UNITS,
        "track": {"id": track.key.slug, **vars(track.key)},
        **_entry_document(row),
        "events": [event.model_dump(mode="json", by_alias=True) for event in row.state.events],
        "cells": {metric: row.reference(metric) for metric in row.hashes},
    }
    return _json(document) + "\n"


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
        "recipes": [_recipe_document(recipe) for recipe in recipes(track)],
    }
    entries = ",\n".join(_json({"page": f"entries/{row.entry_id}.html", **_entry_document(row)}) for row in track.rows)
    return f'{_json(head)[:-1]},"entries":[\n{entries}\n]}}'


def _entry_document(row: Row) -> dict[str, Any]:
    placing = row.placing
    return {
        "entry_id": row.entry_id,
        **_state_document(row.state),
        "run_date": cost(row).date,
        "rank": None if placing.rank is None else list(placing.rank),
        "rank_alone": None if placing.alone is None else list(placing.alone),
        "tie_letters": placing.letters or None,
        "front": placing.front,
        "not_ranked": placing.reason,
        "cells": {metric: digest for metric, digest in row.hashes.items() if "/" not in metric},
        "manifest": row.manifest.model_dump(mode="json", by_alias=True, exclude_none=True),
        "scorecard": row.card.model_dump(mode="json"),
    }


def _recipe_document(recipe: Recipe) -> dict[str, Any]:
    means = {"gain": recipe.gain, "retention": recipe.retention, "balance": recipe.balance}
    return {
        "id": recipe.slug,
        "name": recipe.name,
        "entries": [row.entry_id for row in recipe.rows],
        "evidence": recipe.evidence.value,
        **{name: None if mean is None else vars(mean) for name, mean in means.items()},
    }


def _state_document(state: State) -> dict[str, Any]:
    return {
        "evidence": state.evidence.value,
        "standing": state.standing.value,
        "because": [{"event": event.seq, "at": event.at, "reason": event.reason} for event in state.because],
    }
