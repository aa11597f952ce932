"""Published pictures: documents name where their pictures lie, and nothing is decoded or held."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import plugin
from harness.items import Item, image_digest
from harness.pictures.photos import PhotoError
from harness.pictures.published import document, pictures_of, placed, size_of
from harness.plugin import PictureReader
from harness.sources import PictureSource
from tests.support.hub_sets import blink, picture, pope

POPE = PictureSource("lmms-lab/POPE", "0" * 40, "test", "pope", files=("data/test-*.parquet",))
BLINK = PictureSource(
    "BLINK-Benchmark/BLINK",
    "0" * 40,
    "val",
    "blink",
    files=("Counting/val-*.parquet",),
    pictures=("image_1", "image_2"),
)


def items(rows: Iterator[dict[str, Any]]) -> Iterator[Item]:
    for row in rows:
        shown = tuple(row[name] for name in ("image", "image_1", "image_2") if row.get(name))
        yield Item(task="t", question=row["question"], answer="a", target="a", guess_rate=0, images=shown)


@pytest.fixture
def sets(data: Path, hub_cache: Path) -> Path:
    pope(data)
    blink(data)
    return data


@pytest.mark.usefixtures("sets")
def test_a_document_has_the_places_of_its_pictures_and_the_id_of_their_bytes() -> None:
    places: dict[str, tuple[int, int, str]] = {}
    made = list(items(placed((BLINK, POPE), places)))
    # Two rows of BLINK with a picture each, and two photographs that POPE's eighteen rows share.
    assert sorted(places.values()) == [(0, 0, "image_1"), (0, 1, "image_1"), (1, 0, "image"), (1, 3, "image")]
    doc = document(made[-1], places)
    assert doc["pictures"] == [{"source": 1, "row": 3, "column": "image"}]
    assert (doc["n_images"], doc["item_id"]) == (1, made[-1].item_id)
    assert "images" not in doc
    assert pictures_of(doc, (BLINK, POPE)) == list(made[-1].images)
    assert image_digest(made[-1].images[0]) in places


@pytest.mark.usefixtures("sets")
def test_a_task_opens_its_pictures_without_decoding_them() -> None:
    tasks = {"t": PictureReader((POPE,), items)}
    documents = plugin.picture_reader(tasks)("t", seed=1)["test"]
    assert len(documents) == len(set(documents["item_id"])) == 12  # those with a yes are the same in each part
    (image,) = plugin.picture_loader(tasks)(documents[0])
    assert image.size == (640, 426)
    assert image.encoded[:3] == b"\xff\xd8\xff"  # type: ignore[attr-defined]
    # Pillow has read the header, and no pixel.
    assert image._im is None  # type: ignore[attr-defined]
    assert plugin.question(documents[0]).count("<image>") == 1


def test_a_text_that_places_its_pictures_gets_no_more_marks() -> None:
    assert plugin.question({"question": "Is <image> like <image>?", "n_images": 2}) == "Is <image> like <image>?"
    assert plugin.question({"question": "Is <image> like it?", "n_images": 2}) == "<image>Is <image> like it?"


def test_a_size_is_read_from_the_header() -> None:
    assert size_of(picture(1, (30, 20))["bytes"]) == (30, 20)
    with pytest.raises(PhotoError, match="picture of 3 bytes: not readable"):
        size_of(b"xyz")
