"""Plain columns on stdout: never cut to the terminal's width, and fit for grep."""

from collections.abc import Collection, Sequence

import click

from harness.scoring import align_columns


def echo_columns(header: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str]) -> None:
    """Print ``rows`` under ``header``, columns named in ``left`` to the left and the others to the right.

    Names come from files anyone may write, so terminal codes in them are made visible.
    """
    for number, line in enumerate(align_columns(header, rows, left)):
        click.secho(line, dim=number == 0)


def count(number: int | None) -> str:
    """An integer with thousands separators, or a dash."""
    return "-" if number is None else f"{number:,}"


def size(count: int) -> str:
    """A number of bytes for people: 1.2 GB."""
    number = float(count)
    for unit in ("B", "KB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"
