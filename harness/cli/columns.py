"""Plain columns on stdout: never cut to the terminal's width, and fit for grep."""

from collections.abc import Collection, Sequence

import click

from harness.scoring import align_columns

# What stands in place of a revision for a file that is on no hub.
_FILE = "sha256:"
_SHORT = 7


def echo_columns(header: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str]) -> None:
    """Print ``rows`` under ``header``, columns named in ``left`` to the left and the others to the right.

    Names come from files anyone may write, so terminal codes in them are made visible.
    """
    for number, line in enumerate(align_columns(header, rows, left)):
        click.secho(line, dim=number == 0)


def count(number: int | None) -> str:
    """An integer with thousands separators, or a dash."""
    return "-" if number is None else f"{number:,}"


def places(sources: Sequence[str], *, revisions: bool = False) -> str:
    """Where data come from, in one cell: the first set of the hub, or folder of local files, and how many more."""
    found = list(dict.fromkeys(_place(source, revisions) for source in sources))
    return "" if not found else found[0] + (f" and {len(found) - 1} more" if len(found) > 1 else "")


def _place(source: str, revisions: bool) -> str:
    name, _, revision = source.partition("@")
    folder, slash, _ = name.rpartition("/")
    if revision.startswith(_FILE):
        return f"{folder}{slash}" or name
    return f"{name}@{revision[:_SHORT]}" if revision and revisions else name
