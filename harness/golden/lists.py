"""Lists in a cell: the accepted answers, the pictures of a question, the four numbers of a box."""

import json
import math
import re

from harness.answers.boxes import Box, FramedBox
from harness.golden.cells import Cell, GoldenError
from harness.pictures import in_whole_tokens

_BETWEEN = re.compile(r"[\s,;|]+")


def as_list(cell: Cell, where: str, column: str) -> tuple[str, ...]:
    """The entries of a cell: of a JSON list each, else the cell itself; none of an empty one."""
    listed = cell if isinstance(cell, tuple) else json_list(cell, where, column)
    entries = (cell.strip(),) if listed is None and isinstance(cell, str) else tuple(map(str.strip, listed or ()))
    if not any(entries):
        return ()
    if not all(entries):
        raise GoldenError(f"{where}: column {column} has an empty entry; remove it from the list")
    return entries


def json_list(cell: str, where: str, column: str) -> tuple[str, ...] | None:
    """The texts of a JSON list in a cell; None where the cell is none. Numbers stay as they are written."""
    if not (cell.strip().startswith("[") and '"' in cell):
        return None
    try:
        found = json.loads(cell, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise GoldenError(f"{where}: column {column} is no JSON list ({str(error)[:60]}): {cell[:40]!a}") from error
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise GoldenError(f"{where}: column {column} is no list of texts: {cell[:40]!a}")
    return tuple(found)


def as_box(cell: Cell, size: tuple[int, int], where: str) -> str:
    """The box of a cell, in pixels of a picture of ``size``, in the frame in which the picture is shown."""
    x1, y1, x2, y2 = _corners(cell, where)
    width, height = size
    if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
        raise GoldenError(
            f"{where}: column answer is no box in a picture of {width} x {height} pixels: [{x1:g}, {y1:g}, {x2:g}, "
            f"{y2:g}]; write x1, y1, x2, y2 with x1 < x2 <= {width} and y1 < y2 <= {height}"
        )
    frame = in_whole_tokens(width, height)
    across, down = frame[0] / width, frame[1] / height
    return str(FramedBox(Box(x1 * across, y1 * down, x2 * across, y2 * down), *frame))


def _corners(cell: Cell, where: str) -> list[float]:
    text = ",".join(cell) if isinstance(cell, tuple) else cell
    try:
        found = [float(part) for part in _BETWEEN.split(text.strip(" \t\r\n[]()"))]
    except ValueError:
        found = []
    if len(found) != 4 or not all(map(math.isfinite, found)):
        raise GoldenError(f"{where}: column answer is {text[:40]!a}, not the four numbers x1, y1, x2, y2 of a box")
    return found
