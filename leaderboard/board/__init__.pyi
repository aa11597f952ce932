from .board import Board, Row, Track, TrackKey, load_board
from .cache import Cache, code_digest
from .queue import QUEUE_REASONS, Queued, queued_entries
from .tables import board_csv, board_json, board_parquet, entry_json

__all__ = [
    "QUEUE_REASONS",
    "Board",
    "Cache",
    "Queued",
    "Row",
    "Track",
    "TrackKey",
    "board_csv",
    "board_json",
    "board_parquet",
    "code_digest",
    "entry_json",
    "load_board",
    "queued_entries",
]
