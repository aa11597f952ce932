"""Objects in photographs: whether a thing is there, where it is, and how many there are.

    perception_presence       Is there a dog in the image?                                      -> yes
    perception_pointing       Where is the dog in this picture? Give the box ..                 -> [12, 30, 200, 420]
    perception_pointing_1000  the same, in thousandths of the picture's width and height
    perception_counting       How many dogs are there in the image?  A. 4  B. 2  C. 3  D. 5     -> B

Chance level 1/2, 0 and 1/4. The photographs are COCO 2017 validation images; what is in them is known from COCO's boxes
of 80 classes, which are taken to be complete. Left out is what they are not reliable about: small things, classes that
merge into each other, and what a caption names without a box.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

from harness import plugin
from harness.answers import boxes, forms
from harness.items import Item
from harness.pictures import in_whole_tokens, resized
from harness.plugin import Reader
from harness.records import load_task_module, tasks_root
from harness.sources import LocalFile, Row

PHOTOS = load_task_module(tasks_root() / "jigsaw" / "sources.py").PHOTOS
BOXES = LocalFile(
    "coco_boxes/coco_boxes.jsonl",
    "c39a7dfe956cfe4766b5d8b120040c7f86b6a4ec81988190dbb3459ac1f3883d",
    "COCO's annotations (tasks/perception/README.md has its fields)",
)

# Often not annotated, too small to be seen, or called otherwise: COCO's sheep may be goats, a dining table any table.
UNSURE = frozenset(
    (
        *("book", "cell phone", "dining table", "fork", "frisbee", "handbag", "knife", "remote", "sheep", "spoon"),
        *("sports ball", "tie", "toothbrush"),
    )
)
ALIKE = (
    {"cup", "bowl", "wine glass", "bottle"},
    {"car", "truck", "bus"},
    {"chair", "bench", "couch"},
    {"potted plant", "vase"},
    {"hot dog", "sandwich"},
    {"handbag", "backpack", "suitcase"},
    {"bicycle", "motorcycle"},
    {"tv", "laptop"},
)
# What a class is called in a question, where COCO's name alone will not do.
ONE = {"tv": "television", "mouse": "computer mouse", "skis": "pair of skis", "scissors": "pair of scissors"}
MANY = {
    "person": "people",
    "mouse": "computer mice",
    "wine glass": "wine glasses",
    "tv": "televisions",
    "couch": "couches",
    "bus": "buses",
    "bench": "benches",
    "sandwich": "sandwiches",
}
# Heaped up, in pairs, or part of something else: people count them differently.
UNCOUNTED = frozenset(
    ("apple", "banana", "broccoli", "carrot", "donut", "keyboard", "orange", "oven", "scissors", "skis")
)
# Half of the photographs were chosen for showing exactly one person, so that this is no question there.
PERSON = "person"

# Shares of a picture: what is present is seen well, and what is pointed at is neither tiny nor the whole picture.
SEEN = 0.02
POINTED = (0.02, 0.6)
COUNTED = 0.002
MOST_COUNTED = 9
_A_PICTURE = 2

_POINT = (
    "Where is the {one} in this picture? Give the box around it as [x1, y1, x2, y2], and nothing else: (x1, y1) is its "
    "upper left corner and (x2, y2) its lower right corner, x to the right and y downwards, "
)
_PIXELS = "in pixels of this picture, which is {width} pixels wide and {height} pixels high."
_THOUSANDTHS = "in thousandths of the picture's width and height, from 0 to 1000."


@dataclass(frozen=True)
class Photo:
    """A photograph: its name, its size, and the boxes (x, y, width, height) of each class in it."""

    name: str
    size: tuple[int, int]
    boxes: Mapping[str, Sequence[tuple[float, float, float, float]]]
    crowds: frozenset[str]
    doubtful: frozenset[str]

    def shares(self, kind: str) -> list[float]:
        """The share of the picture that each box of a class covers."""
        area = self.size[0] * self.size[1]
        return [width * height / area for _, _, width, height in self.boxes[kind]]

    def merges(self, kind: str) -> bool:
        """Whether another class is there that ``kind`` is taken for."""
        return any(kind in group and (group - {kind}) & self.boxes.keys() for group in ALIKE)


def photos(rows: Iterator[Row]) -> list[Photo]:
    """The photographs that this project lists, in the order of their names."""
    known = PHOTOS.digests()
    found = (_photo(row) for row in rows if row["file_name"].removesuffix(".jpg") in known)
    return sorted(found, key=lambda photo: photo.name)


def _photo(row: Row) -> Photo:
    placed: dict[str, list[tuple[float, float, float, float]]] = {}
    for each in row["instances"]:
        x, y, width, height = each["bbox"]
        placed.setdefault(each["category"], []).append((x, y, width, height))
    crowds = frozenset(each["category"] for each in row["instances"] if each["iscrowd"])
    name = row["file_name"].removesuffix(".jpg")
    return Photo(name, (row["width"], row["height"]), placed, crowds, frozenset(row["named_in_captions_only"]))


def presence(rows: Iterator[Row]) -> Iterator[Item]:
    """As many questions with a yes as with a no on every photograph, two of each at most."""
    taken = photos(rows)
    often = Counter(kind for photo in taken for kind in photo.boxes)
    beside = Counter(pair for photo in taken for pair in combinations(sorted(photo.boxes), 2))
    for photo in taken:
        rng = random.Random(f"presence:{photo.name}")
        there = [kind for kind in sorted(photo.boxes) if _sure(kind) and max(photo.shares(kind)) >= SEEN]
        asked = rng.sample(there, min(_A_PICTURE, len(there)))
        for kind in asked:
            yield _is_there(photo, kind, "yes", "present")
        for kind, drawn in _absent(photo, rng, len(asked), often, beside):
            yield _is_there(photo, kind, "no", drawn)


def _sure(kind: str) -> bool:
    return kind not in UNSURE and kind != PERSON


def _absent(
    photo: Photo, rng: random.Random, count: int, often: Counter[str], beside: Counter[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Classes that are not there, and how each was drawn: POPE's three ways, in an order of the photograph's own."""
    free = [
        kind
        for kind in sorted(often)
        if _sure(kind) and kind not in photo.boxes and kind not in photo.doubtful and not photo.merges(kind)
    ]

    def seen_beside(kind: str) -> int:
        return sum(beside[tuple(sorted((kind, other)))] for other in photo.boxes)  # type: ignore[index]

    for drawn in rng.sample(("random", "popular", "adversarial"), 3)[: min(count, len(free))]:
        if drawn == "random":
            kind = rng.choice(free)
        else:
            kind = max(free, key=lambda each: (often[each] if drawn == "popular" else seen_beside(each), each))
        free.remove(kind)
        yield kind, drawn


def _is_there(photo: Photo, kind: str, gold: str, group: str) -> Item:
    text = f"Is there {_article(kind)} in the image?"
    item = forms.asked_for_words("perception_presence", text, [gold], (), ask=forms.ASK_YES_OR_NO, group=group)
    return _shown(item, photo)


def _article(kind: str) -> str:
    one = ONE.get(kind, kind)
    return one if kind == "broccoli" else f"{'an' if one[0] in 'aeiou' else 'a'} {one}"


def pointing(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    """Things of which there is one, people in every second photograph of one."""
    for photo in photos(rows):
        for kind, placed in sorted(photo.boxes.items()):
            (low, high), alone = POINTED, len(placed) == 1 and kind not in photo.crowds
            if alone and kind not in UNSURE and not photo.merges(kind) and low <= photo.shares(kind)[0] <= high:
                if kind == PERSON and len(photo.boxes) > 1 and random.Random(photo.name).randrange(2):
                    continue
                yield _point(task, photo, kind)


def _point(task: str, photo: Photo, kind: str) -> Item:
    thousandths = task.endswith("_1000")
    frame = (1000, 1000) if thousandths else in_whole_tokens(*photo.size)
    ((x, y, width, height),) = photo.boxes[kind]
    across, down = frame[0] / photo.size[0], frame[1] / photo.size[1]
    box = boxes.Box(x * across, y * down, (x + width) * across, (y + height) * down)
    counted = _THOUSANDTHS if thousandths else _PIXELS.format(width=frame[0], height=frame[1])
    item = Item(
        task=task,
        question=_POINT.format(one=ONE.get(kind, kind)) + counted,
        answer=str(boxes.FramedBox(box, *frame)),
        target=f"[{box.x1:.0f}, {box.y1:.0f}, {box.x2:.0f}, {box.y2:.0f}]",
        guess_rate=0,
        group="person" if kind == PERSON else "thing",
    )
    return _shown(item, photo, frame if not thousandths else None)


def counting(rows: Iterator[Row]) -> Iterator[Item]:
    """Things of which there are three and more, and as many questions with the answers one and two, so that none of
    the three is the answer to bet on."""
    found = [(photo, kind) for photo in photos(rows) for kind in sorted(photo.boxes) if _countable(photo, kind)]
    by_number: dict[int, list[tuple[Photo, str]]] = {1: [], 2: [], 3: []}
    for photo, kind in found:
        by_number[min(3, len(photo.boxes[kind]))].append((photo, kind))
    rng = random.Random("counting")
    for pairs in by_number.values():
        for photo, kind in rng.sample(pairs, min(len(pairs), len(by_number[3]))):
            yield _count(photo, kind)


def _countable(photo: Photo, kind: str) -> bool:
    reliable = kind not in UNSURE | UNCOUNTED | photo.crowds and not photo.merges(kind)
    within = len(photo.boxes[kind]) <= MOST_COUNTED and min(photo.shares(kind)) >= COUNTED
    return reliable and within and (kind != PERSON or len(photo.boxes[kind]) > 1)


def _count(photo: Photo, kind: str) -> Item:
    """Four numbers in a row, of which the right one is anywhere."""
    number = len(photo.boxes[kind])
    rng = random.Random(f"counting:{photo.name}:{kind}")
    first = rng.randint(max(0, number - 3), number)
    options = rng.sample([str(first + step) for step in range(4)], 4)
    stem = f"How many {MANY.get(kind, f'{kind}s')} are there in the image?"
    item = forms.lettered("perception_counting", stem, options, options.index(str(number)), group=str(number))
    assert item is not None, "numbers in a row are different"
    return _shown(item, photo)


def _shown(item: Item, photo: Photo, frame: tuple[int, int] | None = None) -> Item:
    """The item with its photograph, as it is or, for a ``frame`` of pixels, at that size."""
    digest = PHOTOS.digests()[photo.name]
    clustered = item.model_copy(update={"cluster_id": digest[:16]})
    if frame is None:
        return clustered.with_pictures(photo.name, digests=(digest,))
    name = f"{photo.name}@{frame[0]}x{frame[1]}"
    return clustered.model_copy(update={"images": (open_picture(name),)}).with_pictures(name)


def open_picture(name: str) -> bytes:
    """The photograph of this name, or of the name before "@" at the size behind it."""
    photo, _, size = name.partition("@")
    if not size:
        return PHOTOS.file(photo)
    width, height = map(int, size.split("x"))
    return resized(PHOTOS.file(photo), (width, height))


def judge_box(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """``process_results``: the overlap of the two boxes is the score, and .5 is enough."""
    return boxes.judge_box(results[0], doc["answer"]).metrics()


TASKS: dict[str, Reader] = {
    "perception_presence": Reader((BOXES,), presence, pictures=(PHOTOS,)),
    "perception_pointing": Reader((BOXES,), partial(pointing, "perception_pointing"), pictures=(PHOTOS,)),
    "perception_pointing_1000": Reader((BOXES,), partial(pointing, "perception_pointing_1000"), pictures=(PHOTOS,)),
    "perception_counting": Reader((BOXES,), counting, pictures=(PHOTOS,)),
}

load = plugin.reader(TASKS)
images = plugin.opener(open_picture)
