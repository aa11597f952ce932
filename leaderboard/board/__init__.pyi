from .board import Board, Row, Track, TrackKey, load_board
from .cache import Cache, code_digest
from .columns import Column, Table
from .data_schemas import published_schemas
from .json_documents import board_json, entry_json
from .queue import QUEUE_REASONS, Queued, queued_entries
from .tables import board_tables

__all__ = [
    "QUEUE_REASONS",
    "Board",
    "Cache",
    "Column",
    "Queued",
    "Row",
    "Table",
    "Track",
    "TrackKey",
    "board_json",
    "board_tables",
    "code_digest",
    "entry_json",
    "load_board",
    "published_schemas",
    "queued_entries",
]
