"""CITATION.cff (Citation File Format 1.2.0) of the board and of an entry."""

from __future__ import annotations

from typing import Any

from harness import __version__
from leaderboard.board import Board, Row
from leaderboard.documents import clean, yaml_text
from leaderboard.site.exports.hub import page, utc

# The format refuses an identifier that SPDX does not list; these are those that entries use.
_LICENSES = frozenset(
    {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-SA-4.0", "CC0-1.0", "MIT"}
)
_AUTHORS = {"name": "The RetentionBench authors"}


def board_citation(board: Board, site: str | None) -> str:
    """How to cite the board as it stands."""
    document: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "To cite one entry or one number, use the citation on its page; to cite the whole board, this one.",
        "title": "RetentionBench: learning gain and forgetting of fine-tuned models",
        "type": "dataset",
        "authors": [_AUTHORS],
        "version": __version__,
        "license": "Apache-2.0",
    }
    if board.data_as_of:
        document["date-released"] = board.data_as_of
    if site is not None:
        document["url"] = site
    return yaml_text(document)


def entry_citation(row: Row, site: str | None) -> str:
    """How to cite one entry: a data set by its author, published on the board."""
    manifest = row.manifest
    suite = f"{manifest.suite.id}-{manifest.suite.version}"
    document: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": f"Cite this entry with its signature: {clean(row.card.signature, 2000)}",
        "title": clean(f"{row.name} against {manifest.base.name} on {suite}"),
        "type": "dataset",
        "authors": [{"alias": manifest.contact.handle}, _AUTHORS],
        "identifiers": [{"type": "other", "value": row.entry_id, "description": "RetentionBench entry"}],
        "version": __version__,
        "abstract": f"{'Not accepted yet. ' if row.pending else ''}Evidence: {row.evidence}"
        f"{', so provisional' if row.provisional else ''}.",
    }
    moment = utc(row.state.submitted.at if row.state.submitted is not None else row.created)
    if moment is not None:
        document["date-released"] = moment.strftime("%Y-%m-%d")
    if manifest.license in _LICENSES:
        document["license"] = manifest.license
    if site is not None:
        document["url"] = page(row, site)
    return yaml_text(document)
