"""Datastore: entries as Every Eval Ever keeps them, an aggregate record each and a line for every answer.

The folders are those of its data store: ``data/<benchmark>/<developer>/<model>/<uuid>.json`` and, beside it,
``<uuid>_samples.jsonl``. Questions are left out: they are their sources', and each line names its item.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import PurePosixPath

from harness.exports import Aggregate, instance_lines
from leaderboard.board import Row
from leaderboard.documents import clean
from leaderboard.site.exports.every_eval_ever import aggregate, of_task

_BENCHMARK = "retentionbench"


def datastore_files(row: Row, site: str | None = None) -> Iterator[tuple[str, bytes]]:
    """Path below ``data/`` and content of the two files of one entry; the same entry gives the same bytes.

    Each line points to the accuracy of its task in the aggregate record, so that its mean is that number.
    """
    record = aggregate(row, site)
    results = {task: row.reference(of_task(task, "tuned")) for task in row.card.tasks}
    of = Aggregate(record["evaluation_id"], record["model_info"]["id"], results)
    lines = [line.encode() for line in instance_lines(row.folders[1], of)]
    content = b"".join(lines)
    home = _home(row)
    name = uuid.UUID(bytes=hashlib.sha256(f"{row.entry_id} {row.card.signature}".encode()).digest()[:16], version=4)
    record["detailed_evaluation_results"] = {
        "format": "jsonl",
        "file_path": f"data/{home / f'{name}_samples.jsonl'}",
        "hash_algorithm": "sha256",
        "checksum": hashlib.sha256(content).hexdigest(),
        "total_rows": len(lines),
    }
    document = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    yield str(home / f"{name}.json"), document.encode()
    yield str(home / f"{name}_samples.jsonl"), content


def _home(row: Row) -> PurePosixPath:
    """The folder of a model: its developer is the owner of its repository, else the author of the entry."""
    owner, _, model = clean(row.name).rpartition("/")
    return PurePosixPath(_BENCHMARK, _folder(owner or row.manifest.contact.handle), _folder(model))


def _folder(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-") or "unnamed"
