"""Questions on landscapes: known items, splits that never meet, and golds that the pixels bear out."""

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest

from harness.items import Item, items_digest, split_of
from harness.pictures import scenes
from harness.pictures.pixels import decode_png
from harness.records.suites import load_task_module, tasks_root
from harness.suites.catalogue import find_task

pytestmark = pytest.mark.slow

MODULE: Any = load_task_module(tasks_root() / "general" / "scenes.py")
KNOWN = {
    "general_scenes_count": "af9ffa44f3f028fc",
    "general_scenes_colour": "2a4e99a5b6c69a61",
    "general_scenes_place": "878bb72b99918d6f",
}


def drawn(task: str, count: int, split: str = "test", seed: int = 1) -> list[tuple[str, Item]]:
    return list(MODULE.items(task, split, count, seed))


def gold(item: Item) -> str:
    return item.options["ABCD".index(item.answer)]


@pytest.mark.parametrize("task", KNOWN)
def test_known_items_whose_images_are_made_when_asked(task: str) -> None:
    docs = MODULE.load(**{**find_task(task).fields["dataset_kwargs"], "count": 100})["test"]
    assert len(set(docs["item_id"])) == 100
    assert items_digest(docs["item_id"][:20])[:16] == KNOWN[task]
    assert "images" not in docs.features
    ((scene, item),) = drawn(task, 1)
    assert (docs[0]["pictures"], docs[0]["item_id"]) == ([scene], item.item_id)
    (image,) = MODULE.images(docs[0])
    assert getattr(image, "encoded", image) == item.images[0]
    assert max(Counter(docs["answer"]).values()) < 40, "always one letter must not look like seeing"


def test_splits_share_no_picture() -> None:
    names = {split: [scene for scene, _ in drawn("general_scenes_colour", 4, split)] for split in ("train", "test")}
    for split, found in names.items():
        assert {split_of(scene) for scene in found} == {split}


@pytest.mark.parametrize("task", KNOWN)
def test_options_are_four_different_ones(task: str) -> None:
    for _, item in drawn(task, 10):
        assert len(set(item.options)) == 4
        assert item.guess_rate == 0.25
        assert decode_png(item.images[0]).shape == (336, 504, 3)


def painted(scene: str, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """What a scene was painted with, as the painters were called."""
    calls: list[tuple[str, tuple[Any, ...]]] = []
    for name in ("paint_house", "paint_tree", "paint_balloon"):
        real = getattr(scenes, name)

        def spy(*args: Any, name: str = name, real: Any = real) -> None:
            calls.append((name, args))
            real(*args)

        monkeypatch.setattr(MODULE, name, spy)
    MODULE.draw(scene)
    monkeypatch.undo()
    return calls


def test_as_many_houses_as_the_gold_says_and_none_hides_another(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = Counter()
    for scene, item in drawn("general_scenes_count", 40):
        calls = painted(scene, monkeypatch)
        numbers[gold(item)] += 1
        assert sum(name == "paint_house" for name, _ in calls) == int(gold(item))
        boxes = [
            (x - size * 4 // 5, foot - size * 5 // 4, x + size * 4 // 5, foot)
            for name, (_, _, x, foot, size, _) in calls
            if name == "paint_house"
        ]
        for one, other in itertools.combinations(boxes, 2):
            assert one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
        assert all(box[0] >= 0 and box[2] < scenes.WIDTH and box[3] < scenes.HEIGHT for box in boxes)
    assert set(numbers) == {"1", "2", "3", "4", "5", "6"}


def test_the_balloon_has_the_colour_that_the_gold_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for scene, item in drawn("general_scenes_colour", 30):
        (x, y), radius = painted(scene, monkeypatch)[-1][1][1:3]
        pixels = decode_png(item.images[0]).astype(int)
        stripe = pixels[y - radius : y + radius, x - radius // 6 : x + radius // 6 + 1].reshape(-1, 3)
        seen = np.median(stripe, axis=0)
        assert gold(item) == min(MODULE.COLOURS, key=lambda name: abs(np.array(MODULE.COLOURS[name]) - seen).sum())


def test_places_are_as_the_pixels_show(monkeypatch: pytest.MonkeyPatch) -> None:
    for scene, item in drawn("general_scenes_place", 30):
        one, other = (call[1][1] for call in painted(scene, monkeypatch)[1::2])
        across = "right" if one[0] > other[0] else "left"
        down = "below" if one[1] > other[1] else "above"
        assert gold(item) == f"{down} and to the {across}"
        named = [name for name in MODULE.COLOURS if f" {name} balloon" in item.question]
        assert len(named) == 2
        pixels = decode_png(item.images[0]).astype(int)
        first = item.question.split()[3]
        stripe = np.median(pixels[one[1] - 9 : one[1] + 9, one[0] - 2 : one[0] + 3].reshape(-1, 3), axis=0)
        assert first == min(MODULE.COLOURS, key=lambda name: abs(np.array(MODULE.COLOURS[name]) - stripe).sum())
