"""Data schemas: JSON Schemas of every data file of the site, each whole in one file.

Manifests, scorecards and events are described by the schemas of :mod:`leaderboard.ledger`; the documents of the board
hold them by their names.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from leaderboard.board.columns import Table
from leaderboard.board.json_documents import ENTRY_SCHEMA
from leaderboard.board.tables import SCHEMA
from leaderboard.ledger import Evidence, Standing, all_schemas

# Published name, and which of the ledger's schemas it is.
_OF_LEDGER = {
    "manifest": "manifest/1.json", "scorecard": "scorecard/2.json", "event": "event/1.json", "run": "run/1.json",
    "samples": "samples/4.json", "dynamics": "dynamics/1.json",
}  # fmt: skip
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT, _WHOLE, _SHARE = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "number"}
_ID = {"type": "string", "pattern": "^[a-z2-7]{12}$"}
_DAY = {"type": ["string", "null"], "pattern": "^20[0-9]{2}-[01][0-9]-[0-3][0-9]$"}
_RANK = {"type": ["array", "null"], "items": {"type": "integer", "minimum": 1}, "minItems": 2, "maxItems": 2,
         "description": "Best and worst place of the rank interval."}  # fmt: skip


def published_schemas(tables: Sequence[Table[Any]]) -> dict[str, str]:
    """Every schema as JSON by its path on the site: ``schemas/board.json`` of ``board.json`` and so on.

    ``schemas/NAME.columns.json`` describes a line of the table NAME.
    """
    of_ledger = all_schemas()
    parts = {name: json.loads(of_ledger[path]) for name, path in _OF_LEDGER.items()}
    found = {f"schemas/{name}.json": of_ledger[path] for name, path in _OF_LEDGER.items()}
    found |= {f"schemas/{table.name}.columns.json": table.json_schema() for table in tables}
    found["schemas/board.json"] = _text(_board(), {name: parts[name] for name in ("manifest", "scorecard")})
    found["schemas/entry.json"] = _text(_entry(), {name: parts[name] for name in ("manifest", "scorecard", "event")})
    return dict(sorted(found.items()))


def _text(document: dict[str, Any], parts: dict[str, Any]) -> str:
    # A part with an id of its own is a schema of its own: its references stay inside it.
    held = {name: {"$id": _address(name), **schema} for name, schema in parts.items()}
    return json.dumps({"$schema": _DIALECT, **document, "$defs": held}, indent=1, ensure_ascii=False) + "\n"


def _address(name: str) -> str:
    return f"urn:retentionbench:schema:{_OF_LEDGER[name].removesuffix('.json').replace('/', ':')}"


def _object(properties: dict[str, Any], about: str = "", *, more: bool = False) -> dict[str, Any]:
    """An object with all of ``properties``; with ``more`` others may stand beside them."""
    said = {"description": about} if about else {}
    return (
        said
        | {"type": "object", "properties": properties, "required": list(properties)}
        | ({} if more else {"additionalProperties": False})
    )


def _list(of: dict[str, Any], about: str = "") -> dict[str, Any]:
    return ({"description": about} if about else {}) | {"type": "array", "items": of}


def _or_null(rule: dict[str, Any]) -> dict[str, Any]:
    return {"oneOf": [rule, {"type": "null"}]}


_STATE = {
    "evidence": {"enum": [str(each) for each in Evidence]},
    "standing": {"enum": [str(each) for each in Standing]},
    "because": _list(_object({"event": _WHOLE, "at": _TEXT, "reason": _TEXT}), "The events that give its standing."),
}
_TRACK = {
    "suite": _TEXT, "target": _TEXT, "base_digest": _TEXT, "protocol": _TEXT, "environment": _TEXT,
    "kind": {"enum": ["standard", "custom"]}, "judge": _WHOLE,
}  # fmt: skip
_MEAN = _object(
    {
        "mean": _SHARE,
        "seeds": {"type": "integer", "minimum": 1},
        "interval": _or_null({"type": "array", "items": _SHARE, "minItems": 2, "maxItems": 2}),
        "disagree_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "values": {"type": "array", "items": _SHARE, "description": "Those of the seeds, highest first."},
    },
    "The mean over seeds with Student's 95 % interval, and p that all seeds have one value (Cochran's Q).",
)


def _of_entry() -> dict[str, Any]:
    return {
        "entry_id": _ID,
        **_STATE,
        "run_date": _DAY,
        "rank": _RANK,
        "rank_alone": _RANK,
        "tie_letters": {"type": ["string", "null"]},
        "front": {"enum": ["on the front", "not distinguishable", "dominated", None]},
        "not_ranked": {"type": ["string", "null"]},
        "manifest": {"$ref": _address("manifest")},
        "scorecard": {"$ref": _address("scorecard")},
    }


def _board() -> dict[str, Any]:
    hashes = {"type": "object", "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]{12}$"},
              "description": "The hash of each number of the pair, by metric."}  # fmt: skip
    recipe = _object(
        {
            "id": _TEXT,
            "name": _TEXT,
            "entries": _list(_ID),
            "evidence": {**_STATE["evidence"], "description": "The weakest of its entries."},
            "gain": _MEAN,
            "retention": _or_null(_MEAN),
            "balance": _or_null(_MEAN),
        }
    )
    track = {
        "id": _TEXT, **_TRACK, "base": _TEXT, "ranked": _WHOLE, "pairs_tested": _WHOLE,
        "detectable_balance_difference": {"type": ["number", "null"]},
        "recipes": _list(recipe, "Entries that differ in their seed and what follows from it, best first."),
        "entries": _list(_object({"page": _TEXT, **_of_entry(), "cells": hashes}), "By balance, then by retention."),
    }  # fmt: skip
    return {
        "title": "board.json",
        **_object(
            {
                "schema": {"const": SCHEMA},
                "data_as_of": _DAY,
                "units": _TEXT,
                "order": _TEXT,
                "ranking": _object({"version": _WHOLE, "rule": _TEXT}, "Who has a rank and a Pareto status."),
                "withdrawn": _list(_object({"entry_id": _ID, "name": _TEXT, **_STATE})),
                "left_out": _list(
                    _object(
                        {
                            "path": _TEXT,
                            "reason": _TEXT,
                            "waiting": {"type": "boolean", "description": "Whether it waits for its acceptance."},
                        }
                    )
                ),
                "tracks": _list(_object(track)),
            }
        ),
    }


def _entry() -> dict[str, Any]:
    cells = {"type": "object", "additionalProperties": _TEXT, "description": "What to cite each number by, by metric."}
    return {
        "title": "entries/ENTRY.json",
        **_object(
            {
                "schema": {"const": ENTRY_SCHEMA},
                "units": _TEXT,
                "track": _object({"id": _TEXT, **_TRACK}),
                **_of_entry(),
                "events": _list({"$ref": _address("event")}),
                "cells": cells,
            }
        ),
    }
