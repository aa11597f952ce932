from .board import Board, Row, Track, TrackKey, load_board
from .cache import Cache, code_digest
from .columns import Column, Table
from .data_schemas import published_schemas
from .json_documents import board_json, entry_json
from .tables import board_tables

__all__ = [
    "Board",
    "Cache",
    "Column",
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
]
