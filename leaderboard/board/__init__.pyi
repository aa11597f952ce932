from .board import Board, Row, Track, TrackKey, load_board
from .cache import Cache, code_digest
from .tables import board_csv, board_json, board_parquet, entry_json

__all__ = [
    "Board",
    "Cache",
    "Row",
    "Track",
    "TrackKey",
    "board_csv",
    "board_json",
    "board_parquet",
    "code_digest",
    "entry_json",
    "load_board",
]
