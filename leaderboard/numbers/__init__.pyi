from .cells import SUMMARY, TASK, cells_of, find_cell, parse_cell, part_name
from .citations import cite, quotation, quoted_number
from .formats import learning_rate, markdown, number, percent, points, points_ci, probability, ratio, ratio_ci
from .moves import moved_table
from .quotations import MAX_CHARACTERS, verify
from .reproduction import Reproduction, reproduce, reproduce_by_running

__all__ = [
    "MAX_CHARACTERS",
    "SUMMARY",
    "TASK",
    "Reproduction",
    "cells_of",
    "cite",
    "find_cell",
    "learning_rate",
    "markdown",
    "moved_table",
    "number",
    "parse_cell",
    "part_name",
    "percent",
    "points",
    "points_ci",
    "probability",
    "quotation",
    "quoted_number",
    "ratio",
    "ratio_ci",
    "reproduce",
    "reproduce_by_running",
    "verify",
]
