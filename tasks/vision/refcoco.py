"""RefCOCO, RefCOCO+ and RefCOCOg: find what an expression refers to in a photograph, and give its box.

    vision_refcoco_testa   Where is this in the picture: man in black shirt                  -> [12, 30, 200, 420]

testA refers to people, testB to other things; RefCOCO+ avoids words of place, RefCOCOg has whole phrases. Chance level
0. Each row is one thing with several expressions, of which the first is asked for. The frame of the coordinates is part
of the question: pixels of the picture as it is shown, at a size that a processor of 28-pixel tokens leaves as it is
(``harness.pictures.in_whole_tokens``), or, in the tasks that end in ``_1000``, thousandths of its width and height.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from PIL import Image

from harness import plugin
from harness.answers import boxes, forms
from harness.items import Item
from harness.pictures import in_whole_tokens, open_images, pictures_of, resized, size_of
from harness.plugin import PictureReader
from harness.sources import PictureSource, Row, one_line

_FORM = (
    "Give the box around it as [x1, y1, x2, y2], and nothing else: (x1, y1) is its upper left corner and (x2, y2) its "
    "lower right corner, x to the right and y downwards"
)
_PIXELS = "in pixels of this picture, which is {width} pixels wide and {height} pixels high."
_THOUSANDTHS = "in thousandths of the picture's width and height, from 0 to 1000."


def _items(task: str, rows: Iterator[Row], *, thousandths: bool) -> Iterator[Item]:
    for row in rows:
        width, height = size_of(row["image"])
        frame = (1000, 1000) if thousandths else in_whole_tokens(width, height)
        x, y, wide, high = row["bbox"]
        across, down = frame[0] / width, frame[1] / height
        box = boxes.Box(x * across, y * down, (x + wide) * across, (y + high) * down)
        counted = _THOUSANDTHS if thousandths else _PIXELS.format(width=frame[0], height=frame[1])
        yield Item(
            task=task,
            question=f"Where is this in the picture: {one_line(row['answer'][0])}\n\n{_FORM}, {counted}",
            answer=str(boxes.FramedBox(box, *frame)),
            target=f"[{box.x1:.0f}, {box.y1:.0f}, {box.x2:.0f}, {box.y2:.0f}]",
            guess_rate=0,
            images=(row["image"],),
            cluster_id=forms.picture_cluster((row["image"],)),
        )


def images(doc: Mapping[str, Any]) -> list[Image.Image]:
    """The picture at the size that the question states; for thousandths, as the set has it."""
    pictures = pictures_of(doc, TASKS[doc["task"]].sources)
    if not doc["task"].endswith("_1000"):
        gold = boxes.FramedBox.parse(doc["answer"])
        pictures = [resized(picture, (gold.width, gold.height)) for picture in pictures]
    return open_images(pictures)


def judge(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """``process_results``: the overlap of the two boxes is the score, and .5 is enough."""
    return boxes.judge_box(results[0], doc["answer"]).metrics()


def _pair(name: str, repo: str, revision: str, split: str, folder: str) -> dict[str, PictureReader]:
    source = PictureSource(repo, revision, split, folder, files=(f"data/{split}-*.parquet",))
    return {
        task: PictureReader((source,), partial(_items, task, thousandths=thousandths))
        for task, thousandths in ((name, False), (f"{name}_1000", True))
    }


_REFCOCO = "lmms-lab/RefCOCO", "e15256ece129a21d62e216f95f98ba2e808f96a0"
_PLUS = "lmms-lab/RefCOCOplus", "a283082593c437efc2bb9876d43bc3075cd914fe"
# The last revision of RefCOCOg whose full name is known has the validation split alone.
_G = "lmms-lab/RefCOCOg", "b63a1c8cd7f3c72417eaacd336bf32e6ee65ab47"

TASKS: dict[str, PictureReader] = {
    **_pair("vision_refcoco_testa", *_REFCOCO, "testA", "refcoco"),
    **_pair("vision_refcoco_testb", *_REFCOCO, "testB", "refcoco"),
    **_pair("vision_refcocoplus_testa", *_PLUS, "testA", "refcocoplus"),
    **_pair("vision_refcocoplus_testb", *_PLUS, "testB", "refcocoplus"),
    **_pair("vision_refcocog_val", *_G, "val", "refcocog"),
}

load = plugin.picture_reader(TASKS)
