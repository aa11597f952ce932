"""Sizes of an image processor: one that makes pictures larger than a machine can hold is refused by its setting."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.checkpoints.processor import ImageProcessor, read_processor
from harness.checkpoints.scan import CheckpointError

_SIDE = re.compile(r"(height|width|side|(patch|tile|image|pad|crop|merge)_size|resolution|pinpoints)\Z")
# A library tries every arrangement of so many parts.
_PARTS = re.compile(r"(tiles|crops|splits)\Z")
_EDGE = re.compile(r"(shortest|longest)_edge\Z")
_LEAST = re.compile(r"\A(min_pixels|shortest_edge)\Z")
# Of all published ones the largest side is 3,024, the largest least area 262,144 pixels, and there are 36 tiles.
_MOST_SIDE, _MOST_AREA, _MOST_PARTS = 1 << 14, 1 << 24, 1 << 10


def check_processor(folder: Path) -> None:
    """Raise ``CheckpointError``, which names the setting, unless pictures that the processor of ``folder`` makes fit
    into memory: sides of up to 16,384, or at least up to 16 million pixels, in at most 1,024 parts."""
    processor = read_processor(folder)
    if processor is not None and (found := absurd_processor(processor)):
        raise CheckpointError(
            f"{folder}: its image processor has {found}; restore that of the model that it was trained from"
        )


def absurd_processor(processor: ImageProcessor) -> str | None:
    """The setting that no image processor has, and its value; None if there is none."""
    limits = [(_SIDE, _MOST_SIDE), (_PARTS, _MOST_PARTS), (_LEAST, _MOST_AREA)]
    # Where patches are merged, edges are areas, and only the least makes a picture larger.
    limits += [] if "merge_size" in processor.settings else [(_EDGE, _MOST_SIDE)]
    every = {"settings": processor.settings, "stated": dict(processor.stated), "around": dict(processor.around)}
    for key, value in _numbers(every):
        for pattern, most in limits:
            if pattern.search(key) and abs(value) > most:
                return f"{key} {str(value)[:40]}, more than {most:,}"
    return None


def _numbers(settings: dict[str, Any]) -> Iterator[tuple[str, int | float]]:
    """Every number with the name of its field; those of lists have that of the list."""
    waiting: list[tuple[str, Any]] = list(settings.items())
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += [(key, each) for each in value]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield key, value
