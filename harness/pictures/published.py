"""Published pictures: items about the pictures of a data set, as documents that say where these lie.

A set has thousands of pictures. They stay the encoded files that they are in the set: an item's id covers their bytes,
no document holds them, and nothing decodes them before an engine does.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from PIL import Image

from harness.items import Item, image_digest
from harness.pictures.photos import PhotoError
from harness.sources import PictureSource, Row

# The digest of a picture, and where it lies: the place of its source, its row and its column.
Places = dict[str, tuple[int, int, str]]


def placed(sources: Iterable[PictureSource], places: Places) -> Iterator[Row]:
    """The rows of all sources; ``places`` is told where each different picture lies."""
    for number, source in enumerate(sources):
        for row, fields in enumerate(source.rows()):
            for column in source.pictures:
                if (data := fields[column]) is not None:
                    places.setdefault(image_digest(data), (number, row, column))
            yield fields


def document(item: Item, places: Places) -> dict[str, Any]:
    """An item as an lm-eval document, with the places of its pictures instead of their bytes."""
    digests = [image_digest(image) for image in item.images]
    found = [places[digest] for digest in digests]
    return {
        **item.model_dump(exclude={"target", "images"}),
        "item_id": item.item_id,
        "n_images": len(found),
        "image_digests": digests,
        "pictures": [{"source": source, "row": row, "column": column} for source, row, column in found],
    }


def pictures_of(doc: Mapping[str, Any], sources: tuple[PictureSource, ...]) -> list[bytes]:
    """The encoded pictures of a :func:`document`, in the order in which they are shown."""
    return [sources[each["source"]].picture(each["row"], each["column"]) for each in doc["pictures"]]


def size_of(picture: bytes) -> tuple[int, int]:
    """Width and height of an encoded picture, which is not decoded for it."""
    try:
        with Image.open(io.BytesIO(picture)) as opened:
            return opened.size
    except (OSError, ValueError, SyntaxError) as error:
        raise PhotoError(f"picture of {len(picture):,} bytes: not readable ({type(error).__name__})") from error
