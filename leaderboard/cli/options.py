"""Options that several command groups share: where entries, base runs, ledgers and releases lie."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
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

ALL = tuple(place[0] for place in _PLACES)
# Those of them that say what a board is built from.
BOARD = ("submissions", "bases", "events")


def places(command: Command) -> Command:
    """Add ``--submissions``, ``--bases``, ``--events`` and ``--releases``; :func:`shelf_of` takes them."""
    for name, default, line in reversed(_PLACES):
        command = click.option(f"--{name}", type=_FOLDER, default=default, show_default=True, help=line)(command)
    return command


def restated(
    where: Mapping[str, Any],
    suites: Sequence[Path] = (),
    data_dir: Path | None = None,
    only: Collection[str] = ALL,
) -> list[str]:
    """The options of :func:`places` that are not at their default, those in ``only``, and suites and data of one's own,
    for a command that is to be run next in the same place."""
    own = [(name, where[name]) for name, default, _ in _PLACES if name in only and where[name] != default]
    options = [*own, *(("suite", suite) for suite in suites), *([("data-dir", data_dir)] if data_dir else [])]
    return [part for name, value in options for part in (f"--{name}", str(value))]


def command_line(*arguments: object) -> str:
    """``retention ARGUMENTS...`` as a shell reads it."""
    return shlex.join(["retention", *map(str, arguments)])


def shelf_of(where: dict[str, Any]) -> Shelf:
    """The shelf that the options of :func:`places` name."""
    from leaderboard.entries import Shelf

    return Shelf(**{name: where[name] for name, _, _ in _PLACES})
