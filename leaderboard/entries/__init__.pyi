from .dynamics import read_dynamics
from .entry import BadEntry, Entry, entry_folders, load_entry, read_entry
from .history import check_append_only, merge_commits, merge_order
from .integrity import BaseRun, BaseRuns, Findings, Replaced, Submission, paired_home
from .judges import Judges, public
from .limits import (
    KEPT_CHARACTERS,
    MAX_EXPANDED_BYTES,
    MAX_FILE_BYTES,
    MAX_RECORD_BYTES,
    Cut,
    cut_of,
    is_cut,
    without_mark,
)
from .maintain import (
    arrivals,
    base_files,
    changed_files,
    not_accepted,
    record,
    record_acceptance,
    refuse_changed,
    refuse_verifier,
    wrong_seed,
)
from .rejudging import Moved, rejudge_board
from .rules import STEPS, Finding, asks_first, finding, some
from .secrets import find_secret
from .shelf import BOARD_FILE, Scored, Shelf, UnknownEntryError, published_card

__all__ = [
    "BOARD_FILE",
    "KEPT_CHARACTERS",
    "MAX_EXPANDED_BYTES",
    "MAX_FILE_BYTES",
    "MAX_RECORD_BYTES",
    "STEPS",
    "BadEntry",
    "BaseRun",
    "BaseRuns",
    "Cut",
    "Entry",
    "Finding",
    "Findings",
    "Judges",
    "Moved",
    "Replaced",
    "Scored",
    "Shelf",
    "Submission",
    "UnknownEntryError",
    "arrivals",
    "asks_first",
    "base_files",
    "changed_files",
    "check_append_only",
    "cut_of",
    "entry_folders",
    "find_secret",
    "finding",
    "is_cut",
    "load_entry",
    "merge_commits",
    "merge_order",
    "not_accepted",
    "paired_home",
    "public",
    "published_card",
    "read_dynamics",
    "read_entry",
    "record",
    "record_acceptance",
    "refuse_changed",
    "refuse_verifier",
    "rejudge_board",
    "some",
    "without_mark",
    "wrong_seed",
]
