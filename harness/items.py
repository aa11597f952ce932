"""Items: one question of a task, with an id that is the same in every process and on every machine.

Both models of a pair are evaluated on the same items. An ``item_id`` covers the task, the text, the gold answer and
the bytes of its images, so two samples with the same id answered the same question.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Split = Literal["train", "dev", "test"]

# The image placeholder in a text, as lm-eval's tasks and models write it.
IMAGE_MARK = "<image>"

# Shares of the key space, in per cent: test comes first, so that changing the dev share never changes a suite.
_TEST_SHARE = 15
_DEV_SHARE = 5

# Candidates rejected in a row before a split counts as exhausted; the dev split rejects 19 in 20.
_MOST_MISSES = 5_000


class Item(BaseModel):
    """One question with its gold answer.

    ``guess_rate`` is the chance level of this item (harness/scoring/METRICS.md: 1/k for k options, 0 for free-form
    answers, 1/m! for an exact m-tile jigsaw). ``target`` is the full text that a model which knows the answer would
    write; used for training, never for scoring. ``cluster_id`` groups items that are not independent (several questions
    on one image). Images are held as encoded files, or, to save memory and time, as the names of ``pictures`` that the
    task can open, with the digests of the files that it then gives.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    question: str
    answer: str
    target: str
    guess_rate: Annotated[float, Field(ge=0, lt=1)]
    options: tuple[str, ...] = ()
    images: tuple[bytes, ...] = ()
    group: str = ""
    cluster_id: str = ""
    pictures: tuple[str, ...] = ()
    image_digests: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _pictures_have_digests(self) -> Item:
        if len(self.pictures) != len(self.image_digests) or (self.pictures and self.images):
            raise ValueError("pictures and image_digests belong together, and stand in the place of images")
        return self

    @property
    def item_id(self) -> str:
        """sha256 hex over task, content and image bytes."""
        digests = self.image_digests or [image_digest(image) for image in self.images]
        return content_id(self.task, self.question, self.answer, self.options, digests)

    def with_pictures(self, *names: str, digests: Iterable[str] = ()) -> Item:
        """The same item, with its images replaced by the names of the pictures that they are.

        ``digests`` are those of the pictures' files, where the item has no images yet.
        """
        known = tuple(digests) or tuple(image_digest(image) for image in self.images)
        return self.model_copy(update={"images": (), "pictures": names, "image_digests": known})


def content_id(task: str, question: str, answer: str, options: Iterable[str], image_digests: Iterable[str]) -> str:
    """The id of the item with this content, whose images are known by their digests alone."""
    content = {
        "task": task,
        "question": question,
        "answer": answer,
        "options": list(options),
        "images": list(image_digests),
    }
    return hashlib.sha256(canonical_json(content)).hexdigest()


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces; NaN and infinity raise ``ValueError``."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


# An item's id, its cluster and where its picture lies ask for the same digest in turn.
@lru_cache(maxsize=8)
def image_digest(image: bytes) -> str:
    """sha256 hex over the encoded image as it is stored."""
    return hashlib.sha256(image).hexdigest()


def items_digest(item_ids: Iterable[str]) -> str:
    """sha256 hex over the item ids in their order: identifies a set of questions."""
    digest = hashlib.sha256()
    for item_id in item_ids:
        digest.update(item_id.encode() + b"\n")
    return digest.hexdigest()


def files_digest(files: Mapping[str, str]) -> str:
    """sha256 hex over the paths and sha256s of a checkpoint's files: its ``weights_digest``."""
    return hashlib.sha256(canonical_json(sorted(files.items()))).hexdigest()


def split_of(key: str) -> Split:
    """The split that content key ``key`` always belongs to: 15 % test, 5 % dev, 80 % train.

    Generated tasks draw candidates and keep those whose key falls in the wanted split, so that no training item can
    be a suite item by construction.
    """
    place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % 100
    if place < _TEST_SHARE:
        return "test"
    return "dev" if place < _TEST_SHARE + _DEV_SHARE else "train"


def draw_items(
    split: Split, count: int, rng: random.Random, propose: Callable[[random.Random], tuple[str, Item]]
) -> Iterator[Item]:
    """``count`` distinct items of one split, drawn by ``propose``, which returns a content key and its item.

    Raises ``ValueError`` when the split has fewer items, since a short set would pass for a complete one.
    """
    seen: set[str] = set()
    misses = 0
    while len(seen) < count:
        key, item = propose(rng)
        if split_of(key) != split or item.item_id in seen:
            misses += 1
            if misses > _MOST_MISSES:
                raise ValueError(f"{item.task}: only {len(seen)} of {count} items found in the {split} split")
            continue
        misses = 0
        seen.add(item.item_id)
        yield item
