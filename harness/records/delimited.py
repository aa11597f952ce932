"""How a CSV file is written: what spreadsheets in other languages make of one is understood where it is unambiguous."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

_HEAD = 65_536
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class Dialect:
    """Encoding and separator of a file, and how many lines stand before its header (Excel's ``sep=;``)."""

    encoding: str
    separator: str
    skipped: int = 0


def dialect_of(path: Path, usual: str) -> Dialect:
    """The dialect of ``path``, ``usual`` by its suffix; another separator counts where the header has more of it."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    encoding = "utf-16" if head.startswith(_UTF_16) else "utf-8-sig"
    first = next(iter(head.decode(encoding, errors="ignore").splitlines()), "").strip()
    if first.casefold().startswith("sep=") and len(first) == 5:
        return Dialect(encoding, first[4], 1)
    return Dialect(encoding, max((usual, *_SEPARATORS), key=first.count))


def with_decimal_commas(column: pd.Series) -> pd.Series:
    """A column of numbers, "0,5" among them, as numbers; as it is where that is not what it has."""
    if pd.api.types.is_numeric_dtype(column):
        return column
    try:
        return pd.to_numeric(column.str.replace(",", ".", regex=False))
    except (ValueError, TypeError, AttributeError):
        return column
