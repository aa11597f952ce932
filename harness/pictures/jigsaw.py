"""Jigsaws: documents of puzzles made from any source of pictures, with images generated on demand.

A document has the recipe of its puzzle (picture, grid, order, layout), its answer and its item id, but no image: a PNG
of 588x420 pixels takes 740 KB, and a set has hundreds. The id covers the images as displayed, so the first loading of a
set makes each puzzle once to digest it, and discards it; later ones find the documents in the item cache.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from PIL import Image

from harness.item_cache import Made, cached
from harness.items import Item, image_digest
from harness.pictures.photos import Folder, PhotoError
from harness.pictures.pixels import Pixels, check_images, open_images
from harness.pictures.puzzles import PATCH, Grid, Layout, fit, orders, show, texture
from harness.sources import test_split

Document = Mapping[str, Any]
Reasoning = Literal["direct", "think"]

_log = logging.getLogger(__name__)


class Pictures(Protocol):
    """A source of unshuffled pictures. ``open`` returns a picture's digest (sha256 hex) and its pixels."""

    def names(self) -> Iterator[str]: ...

    def open(self, name: str) -> tuple[str, Pixels]: ...

    def __hash__(self) -> int: ...


@runtime_checkable
class _Pinned(Protocol):
    """Pictures that are known not to change: ``pinned`` says what fixes them, as JSON, or None."""

    def pinned(self) -> Any: ...


@dataclass(frozen=True)
class Recipe:
    """What all puzzles of a set have in common; each picture gets ``per_picture`` orders."""

    task: str
    grid: Grid
    protocol: Reasoning = "direct"
    layout: Layout = "whole"
    seed: int = 0
    per_picture: int = 1
    patch: int = PATCH


@dataclass
class JigsawSet:
    """The documents of a set, the number of pictures they are cut from, and the number dropped by reason."""

    documents: list[dict[str, Any]] = field(default_factory=list)
    pictures: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def summary(self) -> str:
        """How many pictures were taken and how many were dropped and why, on one line."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.dropped.items()))
        seen = self.pictures + self.dropped.total()
        return f"{self.pictures} of {seen} pictures taken, {self.dropped.total()} dropped" + f" ({reasons})" * any(
            self.dropped
        )


def make(recipe: Recipe, pictures: Pictures, source: str, count: int | None = None) -> JigsawSet:
    """Puzzles of the first ``count`` pictures with a unique solution (of all such pictures, without a count).

    Pictures are shuffled by the seed and their digests, and the first order of each comes before the second of any, so
    that the first documents are a random sample of as many pictures as possible. ``source`` is stored in each document
    as the origin of its picture.
    """
    made = JigsawSet()
    rounds: list[list[tuple[str, dict[str, Any]]]] = [[] for _ in range(recipe.per_picture)]
    seen: set[str] = set()
    for name, digest, pixels in _decidable(recipe.grid, recipe.patch, pictures, made.dropped):
        if digest in seen:
            made.dropped["duplicate"] += 1
            continue
        seen.add(digest)
        made.pictures += 1
        place = hashlib.sha256(f"{recipe.seed}:{digest}".encode()).hexdigest()
        for turn, order in enumerate(orders(recipe.grid, recipe.per_picture, recipe.seed, digest)):
            document = _document(recipe, order, digest, pixels)
            rounds[turn].append((place, document | {"source": source, "picture": name}))
        if made.pictures == count:
            break
    made.documents = [document for turn in rounds for _, document in sorted(turn, key=lambda each: each[0])]
    return made


def _decidable(grid: Grid, patch: int, pictures: Pictures, dropped: Counter[str]) -> Iterator[tuple[str, str, Pixels]]:
    """Name, digest and fitted pixels of each picture whose tiles can be told apart; the others are counted."""
    for name in pictures.names():
        try:
            digest, pixels = pictures.open(name)
        except PhotoError:
            dropped["unreadable"] += 1
            continue
        fitted = fit(pixels, grid, patch)
        if fitted is None:
            dropped["too small"] += 1
        elif fault := texture(pixels, grid).fault:
            dropped[fault] += 1
        else:
            yield name, digest, fitted


def _document(recipe: Recipe, order: tuple[int, ...], digest: str, pixels: Pixels) -> dict[str, Any]:
    grid = recipe.grid
    answer = ",".join(map(str, order))
    item = Item(
        task=recipe.task,
        question=question(grid, recipe.protocol, recipe.layout),
        answer=answer,
        target=f"<answer>{answer}</answer>",
        guess_rate=grid.guess_rate,
        images=tuple(show(pixels, grid, order, recipe.layout)),
        group=grid.name,
        cluster_id=digest,
    )
    return {
        **item.model_dump(include={"question", "answer", "guess_rate", "group", "cluster_id"}),
        "item_id": item.item_id,
        "n_images": len(item.images),
        "image_digests": [image_digest(image) for image in item.images],
        "rows": grid.rows,
        "columns": grid.columns,
        "layout": recipe.layout,
        "patch": recipe.patch,
    }


def loader(sources: Mapping[str, Pictures]) -> Callable[..., dict[str, Any]]:
    """The ``custom_dataset`` function of a task file whose pictures come from ``sources``, or from a folder.

    ``dataset_kwargs``: ``task``; ``rows`` and ``columns``; ``source``, a name in ``sources``, or ``images``, a folder
    of pictures; optionally ``protocol``, ``layout``, ``seed``, ``per_picture``, ``count`` (pictures) and ``patch``.
    Dropped pictures of a folder are logged as a warning.
    """

    def load(
        task: str,
        rows: int,
        columns: int,
        source: str = "",
        images: str = "",
        count: int | None = None,
        protocol: Reasoning = "direct",
        layout: Layout = "whole",
        seed: int = 0,
        per_picture: int = 1,
        patch: int = PATCH,
        **_: Any,
    ) -> dict[str, Any]:
        where = source or str(Path(images).expanduser().resolve())
        recipe = Recipe(task, Grid(rows, columns), protocol, layout, seed, per_picture, patch)
        pictures = _pictures(sources, where)
        kept = cached(task, _origin(recipe, pictures, where, count), lambda: _made(recipe, pictures, where, count))
        if kept.note:
            _log.log(logging.WARNING if images else logging.INFO, "%s: %s", task, kept.note)
        return {"test": kept.documents}

    return load


def _origin(recipe: Recipe, pictures: Pictures, where: str, count: int | None) -> dict[str, Any] | None:
    """All that the documents of a set follow from; None for pictures that may be others the next time."""
    pinned = pictures.pinned() if isinstance(pictures, _Pinned) else None
    return None if pinned is None else {"recipe": asdict(recipe), "where": where, "count": count, "pictures": pinned}


def _made(recipe: Recipe, pictures: Pictures, where: str, count: int | None) -> Made:
    made = make(recipe, pictures, where, count)
    return Made(test_split(made.documents)["test"], made.summary() if made.dropped else "")


def image_loader(sources: Mapping[str, Pictures]) -> Callable[[Document], list[Image.Image]]:
    """The ``doc_to_image`` function to go with :func:`loader`: PNG files, generated on each call."""

    def images(doc: Document) -> list[Image.Image]:
        grid = Grid(doc["rows"], doc["columns"])
        pixels = _fitted(_pictures(sources, doc["source"]), doc["picture"], grid, doc["patch"])
        shown = show(pixels, grid, tuple(map(int, doc["answer"].split(","))), doc["layout"])
        return open_images(check_images(shown, doc.get("image_digests"), f"item {doc.get('item_id', '')[:12]}"))

    return images


def _pictures(sources: Mapping[str, Pictures], where: str) -> Pictures:
    return sources[where] if where in sources else Folder(Path(where))


@lru_cache(maxsize=16)
def _fitted(pictures: Pictures, name: str, grid: Grid, patch: int) -> Pixels:
    fitted = fit(pictures.open(name)[1], grid, patch)
    assert fitted is not None, "a document is only made of a picture that fits"
    return fitted


def question(grid: Grid, protocol: Reasoning, layout: Layout) -> str:
    """The question of a puzzle; it states how tiles and places are numbered, and gives no order as an example."""
    count = grid.tiles
    parts = f"{count} equal tiles, {_shape(grid)}"
    if layout == "whole":
        numbers = "\n".join(
            " ".join(str(row * grid.columns + column + 1) for column in range(grid.columns)) for row in range(grid.rows)
        )
        shown = (
            f"This picture was cut into {parts}, and the tiles were shuffled. The tiles as displayed are numbered from "
            f"1 to {count} in reading order, row by row from the top and each row from left to right:\n{numbers}\n"
        )
    else:
        shown = (
            f"These {count} pictures are the tiles of one picture that was cut into {parts}. They are displayed in a "
            f"shuffled order: the first is tile 1, the second is tile 2, and so on up to tile {count}.\n"
        )
    corner = "in the top left corner" if min(grid.rows, grid.columns) > 1 else _FIRST[grid.rows == 1]
    first = (count + 1) // 2
    asked = (
        f"Find the order that restores the picture. Write the {count} tile numbers in reading order of the restored "
        "picture, separated by commas: the k-th number names the displayed tile that belongs at place k (it does not "
        f"say where tile k goes). For example, if displayed tile {first} belongs {corner}, the list starts with "
        f"{first}. Use every number once.\n"
    )
    return shown + asked + _FORMS[protocol]


_FIRST = {True: "at the far left", False: "at the top"}
_FORMS = {
    "direct": "Give the list inside <answer> and </answer> tags, without any explanation.",
    "think": (
        "First think it through inside <think> and </think> tags. Then give the list inside <answer> and </answer> "
        "tags: <think>...</think><answer>...</answer>"
    ),
}


def _shape(grid: Grid) -> str:
    if grid.rows == 1:
        return "side by side in one row"
    if grid.columns == 1:
        return "one below the other in one column"
    return f"{grid.rows} rows of {grid.columns}"
