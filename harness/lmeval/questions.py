"""Questions: what a task puts to a model, item by item, before anything answers: its text, options and pictures."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

from harness.lmeval.loading import LoadedTask, build_requests


@dataclass(frozen=True)
class Question:
    """One item: its ``options`` where they are scored, none where an answer is written; width and height of images."""

    text: str
    options: tuple[str, ...]
    images: tuple[tuple[int, int], ...]


def questions_of(loaded: LoadedTask) -> Iterator[Question]:
    """The items of a task, in document order."""
    written = loaded.task.OUTPUT_TYPE == "generate_until"
    for doc in loaded.task.eval_docs:
        first, *others = build_requests(loaded.task, doc)
        options = () if written else tuple(each.args[1] for each in (first, *others))
        pictures = first.args[2].get("visual", ()) if len(first.args) > 2 else ()
        yield Question(first.args[0], options, tuple(map(picture_size, pictures)))


def picture_size(picture: Any) -> tuple[int, int]:
    """Width and height of a picture, of an encoded one without decoding it."""
    encoded = picture if isinstance(picture, bytes) else getattr(picture, "encoded", None)
    if encoded is None:
        width, height = picture.size
        return int(width), int(height)
    with Image.open(io.BytesIO(encoded)) as opened:  # Reads the header alone.
        return opened.size
