"""Exports: the board and its entries in the formats of others. Each is a pure function of a row or the board.

Texts of authors pass :func:`leaderboard.documents.text.clean` and the writer of the format (JSON, YAML, XML), never a
template.
"""

from __future__ import annotations

from collections.abc import Iterator

from leaderboard.board import Row
from leaderboard.documents import DYNAMICS_FILE
from leaderboard.numbers import cite
from leaderboard.site.dynamics import why
from leaderboard.site.exports.badges import badge
from leaderboard.site.exports.citation_file import board_citation, entry_citation
from leaderboard.site.exports.data_files import DataFile, PublishedData, published_data
from leaderboard.site.exports.every_eval_ever import every_eval_ever
from leaderboard.site.exports.feed import atom_feed
from leaderboard.site.exports.hub import eval_results, model_index

__all__ = ["DataFile", "PublishedData", "atom_feed", "board_citation", "entry_files", "published_data"]


def entry_files(row: Row, site: str | None) -> Iterator[tuple[str, bytes]]:
    """Path and content of one entry in the formats of others; ``site`` is the https address of the published site, if
    any."""
    folder = f"exports/{row.entry_id}"
    yield f"badges/{row.entry_id}.svg", badge(row)
    yield f"{folder}/cite.bib", (cite(row, None, "bibtex", site) + "\n").encode()
    yield f"{folder}/CITATION.cff", entry_citation(row, site).encode()
    yield f"{folder}/model_index.yaml", model_index(row, site).encode()
    yield f"{folder}/every_eval_ever.json", every_eval_ever(row, site).encode()
    if (found := why(row.folder, row.manifest)) is not None:
        yield f"{folder}/{DYNAMICS_FILE}", found.to_json().encode()
    if (results := eval_results(row, site)) is not None:
        yield f"{folder}/eval_results.yaml", results.encode()
