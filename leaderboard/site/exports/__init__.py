"""Exports: the board and its entries in the formats of others. Each is a pure function of a row or the board.

Texts of authors pass :func:`leaderboard.documents.text.clean` and the writer of the format (JSON, YAML, XML), never a
template.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leaderboard.board import Board, entry_json
from leaderboard.documents import DYNAMICS_FILE
from leaderboard.numbers import cite
from leaderboard.site.dynamics import why
from leaderboard.site.exports.badges import badge
from leaderboard.site.exports.citation_file import board_citation, entry_citation
from leaderboard.site.exports.data_files import DataFile, PublishedData, published_data
from leaderboard.site.exports.every_eval_ever import every_eval_ever
from leaderboard.site.exports.feed import atom_feed
from leaderboard.site.exports.hub import eval_results, model_index
from leaderboard.site.releases import Release

__all__ = ["DataFile", "PublishedData", "export_files", "published_data"]


def export_files(board: Board, site: str | None, releases: Sequence[Release] = ()) -> Iterator[tuple[str, bytes]]:
    """Path and content of every exported file but the data files (:func:`published_data`).

    ``site`` is the https address of the published board, if it has one; ``releases`` are told by the feed.
    """
    yield "feed.xml", atom_feed(board, site, releases)
    yield "CITATION.cff", board_citation(board, site).encode()
    for track in board.tracks:
        for row in track.rows:
            yield f"entries/{row.entry_id}.json", entry_json(track, row).encode()
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
