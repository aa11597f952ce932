"""Options that several command groups share: where entries, base runs, ledgers and releases lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from leaderboard.entries import Shelf

_FOLDER = click.Path(file_okay=False, path_type=Path)
Command = TypeVar("Command", bound=Callable[..., Any])

_PLACES = (
    ("submissions", Path("submissions"), "Where entries live."),
    ("bases", Path("leaderboard/data/bases"), "Runs of the bases."),
    ("events", Path("leaderboard/data/events"), "Ledgers of the entries."),
    ("releases", Path("leaderboard/data/releases"), "Frozen boards."),
)


def places(command: Command) -> Command:
    """Add ``--submissions``, ``--bases``, ``--events`` and ``--releases``; :func:`shelf_of` takes them."""
    for name, default, line in reversed(_PLACES):
        command = click.option(f"--{name}", type=_FOLDER, default=default, show_default=True, help=line)(command)
    return command


def shelf_of(where: dict[str, Any]) -> Shelf:
    """The shelf that the options of :func:`places` name."""
    from leaderboard.entries import Shelf

    return Shelf(**{name: where[name] for name, _, _ in _PLACES})
