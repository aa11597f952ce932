"""Entries of a made-up board that a maintainer has verified, so that they are ranked."""

from pathlib import Path

from harness.records.run import read_record
from leaderboard.documents.identity import base_folder, suite_name
from leaderboard.entries.maintain import record
from leaderboard.entries.shelf import Shelf
from leaderboard.ledger.events import Verified
from tests.support.accepting import accepted
from tests.support.events import agreement
from tests.support.synthetic_board import Folders


def confirmed(made: Folders, *but: str) -> Path:
    """Verify every entry of a board whose files can be read, ``but`` some; returns the folder of events."""
    root = made.submissions.parent
    shelf = accepted(Shelf(made.submissions, made.bases, root / "events", root / "releases"))
    for entry, manifest in shelf.manifests():
        if entry in but:
            continue
        tuned = read_record(made.submissions / entry / "tuned")
        base = read_record(base_folder(made.bases, suite_name(tuned), manifest.base.weights_digest))
        found = agreement(tuned=tuned.samples_sha256)
        side = found.base.model_copy(update={"samples_sha256": base.samples_sha256})
        document = found.model_copy(update={"base": side}).model_dump(mode="json")
        record(shelf, Verified, entry, "mo", agreement=document)
    return shelf.events
