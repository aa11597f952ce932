from .hub import REPO
from .opening import commands, pull_request
from .prepare import find_base, prepare_entry

__all__ = [
    "REPO",
    "commands",
    "find_base",
    "prepare_entry",
    "pull_request",
]
