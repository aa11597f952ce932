"""Jigsaws: sets of documents without images, the same in every process, and the images made of one document."""

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.items import Item
from harness.pictures import jigsaw
from harness.pictures.jigsaw import JigsawSet, Recipe, image_loader, loader, make, question
from harness.pictures.photos import PhotoError
from harness.pictures.pixels import PixelError, Pixels, decode_png, restore
from harness.pictures.puzzles import Grid, fit


@dataclass(frozen=True)
class Noise:
    """Coarse noise of natural size: pictures that can be decided, and some that cannot be taken."""

    count: int = 6
    bad: tuple[str, ...] = ()

    def names(self) -> Iterator[str]:
        yield from (*self.bad, *(f"good{k}" for k in range(self.count)))

    def open(self, name: str) -> tuple[str, Pixels]:
        digest = hashlib.sha256(name.encode()).hexdigest()
        if name == "broken":
            raise PhotoError("broken: not a readable picture")
        if name == "small":
            return digest, np.zeros((50, 300, 3), dtype=np.uint8)
        if name == "flat":
            return digest, np.full((200, 200, 3), 90, dtype=np.uint8)
        if name == "again":
            return self.open("good0")
        rng = np.random.default_rng(int(digest[:8], 16))
        cells = rng.integers(0, 256, (18, 27, 3), dtype=np.uint8)
        return digest, np.repeat(np.repeat(cells, 10, axis=0), 10, axis=1)


def files(images: list[Any]) -> list[bytes]:
    """The encoded images, however they are handed to lm-eval."""
    return [image if isinstance(image, bytes) else image.encoded for image in images]


RECIPE = Recipe("puzzle", Grid(3, 3), seed=4, per_picture=3)


def test_documents_are_recipes_not_images() -> None:
    made = make(RECIPE, Noise(), "noise")
    assert len(made.documents) == 18
    assert len(json.dumps(made.documents)) < 18 * 2_000
    document = made.documents[0]
    assert document["question"] == question(Grid(3, 3), "direct", "whole")
    assert document["guess_rate"] == 1 / 362_880
    assert (document["group"], document["rows"], document["columns"]) == ("3x3", 3, 3)


def test_the_item_id_covers_the_images_that_are_shown() -> None:
    sources = {"noise": Noise()}
    for recipe in (RECIPE, Recipe("puzzle", Grid(2, 2), "think", "tiles", seed=4)):
        for document in make(recipe, Noise(), "noise").documents[:4]:
            shown = files(image_loader(sources)(document))
            assert len(shown) == (1 if recipe.layout == "whole" else 4)
            item = Item(
                task="puzzle",
                question=document["question"],
                answer=document["answer"],
                target="",
                guess_rate=0,
                images=tuple(shown),
            )
            assert document["item_id"] == item.item_id


def test_restoring_what_is_shown_gives_the_picture() -> None:
    source = Noise()
    for document in make(RECIPE, source, "noise").documents:
        (shown,) = files(image_loader({"noise": source})(document))
        order = tuple(map(int, document["answer"].split(",")))
        expected = fit(source.open(document["picture"])[1], Grid(3, 3))
        assert np.array_equal(restore(decode_png(shown), 3, 3, order), expected)
        assert order != tuple(sorted(order))


def test_every_round_has_each_picture_once() -> None:
    made = make(RECIPE, Noise(), "noise")
    rounds = [[doc["picture"] for doc in made.documents[start : start + 6]] for start in (0, 6, 12)]
    assert rounds[0] == rounds[1] == rounds[2]
    assert sorted(rounds[0]) == [f"good{k}" for k in range(6)]
    assert len({doc["cluster_id"] for doc in made.documents}) == 6
    assert len({doc["item_id"] for doc in made.documents}) == 18


def test_a_picture_keeps_its_puzzles_whatever_else_is_there() -> None:
    """Deterministic per picture and seed; direct and think ask the same puzzles."""
    by_name = {(d["picture"], d["answer"]) for d in make(RECIPE, Noise(2), "noise").documents}
    assert by_name < {(d["picture"], d["answer"]) for d in make(RECIPE, Noise(6), "noise").documents}
    think = Recipe("other", Grid(3, 3), "think", "tiles", seed=4, per_picture=3)
    assert by_name == {(d["picture"], d["answer"]) for d in make(think, Noise(2), "noise").documents}
    seeded = Recipe("puzzle", Grid(3, 3), seed=5, per_picture=3)
    assert by_name.isdisjoint((d["picture"], d["answer"]) for d in make(seeded, Noise(2), "noise").documents)


def test_what_cannot_be_taken_is_counted_by_its_reason() -> None:
    made = make(RECIPE, Noise(3, ("broken", "small", "flat", "again")), "noise")
    assert made.pictures == 3
    assert made.dropped == {"unreadable": 1, "too small": 1, "flat tile": 1, "duplicate": 1}
    assert made.summary() == "3 of 7 pictures taken, 4 dropped (1 duplicate, 1 flat tile, 1 too small, 1 unreadable)"
    assert make(RECIPE, Noise(3), "noise").summary() == "3 of 3 pictures taken, 0 dropped"


def test_a_count_stops_at_so_many_pictures() -> None:
    made = make(RECIPE, Noise(6, ("flat",)), "noise", count=2)
    assert (made.pictures, len(made.documents), made.dropped.total()) == (2, 6, 1)


def digest() -> str:
    return hashlib.sha256(json.dumps(make(RECIPE, Noise(), "noise").documents).encode()).hexdigest()


def test_the_same_documents_in_another_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from tests.harness.pictures.test_jigsaw import digest; print(digest())"],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONHASHSEED": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == digest()


def test_a_task_file_loads_from_its_sources_or_from_a_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load = loader({"noise": Noise(2, ("flat",))})
    documents = load(task="puzzle", rows=1, columns=3, source="noise", seed=1, version=1)["test"]
    assert [doc["source"] for doc in documents] == ["noise", "noise"]
    assert not caplog.messages, "what is dropped of a shipped source is known"
    file = io.BytesIO()
    Image.fromarray(Noise().open("good1")[1]).save(file, "PNG")
    (tmp_path / "one.png").write_bytes(file.getvalue())
    Image.new("RGB", (300, 300)).save(tmp_path / "black.png")
    (document,) = load(task="puzzle", rows=3, columns=1, images=str(tmp_path))["test"]
    assert caplog.messages == ["puzzle: 1 of 2 pictures taken, 1 dropped (1 flat tile)"]
    assert (document["source"], document["picture"]) == (str(tmp_path), "one.png")
    (shown,) = files(image_loader({})(document))
    assert decode_png(shown).shape == (168, 252, 3)


@pytest.mark.parametrize(
    ("grid", "layout", "said"),
    [
        (Grid(3, 3), "whole", "9 equal tiles, 3 rows of 3"),
        (Grid(3, 3), "whole", "1 2 3\n4 5 6\n7 8 9\n"),
        (Grid(3, 3), "whole", "if displayed tile 5 belongs in the top left corner, the list starts with 5"),
        (Grid(2, 2), "whole", "1 2\n3 4\n"),
        (Grid(1, 3), "whole", "3 equal tiles, side by side in one row"),
        (Grid(1, 3), "whole", "displayed tile 2 belongs at the far left"),
        (Grid(3, 1), "whole", "1\n2\n3\n"),
        (Grid(3, 1), "whole", "displayed tile 2 belongs at the top"),
        (Grid(3, 3), "tiles", "the first is tile 1, the second is tile 2, and so on up to tile 9"),
    ],
)
def test_the_numbering_is_stated(grid: Grid, layout: Any, said: str) -> None:
    asked = question(grid, "direct", layout)
    assert said in asked
    assert "reading order of the restored picture" in asked
    assert "inside <answer> and </answer> tags" in asked
    assert "<think>" not in asked
    assert "inside <think> and </think> tags" in question(grid, "think", layout)


def test_an_empty_set_says_so() -> None:
    assert JigsawSet().summary() == "0 of 0 pictures taken, 0 dropped"


def test_a_folder_is_cut_once_until_a_picture_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("RETENTION_CACHE", str(tmp_path / "items"))
    (tmp_path / "pictures").mkdir()
    for name in ("good0", "good1", "flat"):
        Image.fromarray(Noise().open(name)[1]).save(tmp_path / "pictures" / f"{name}.png")
    cuts: list[str] = []
    monkeypatch.setattr(jigsaw, "make", lambda *args: cuts.append("cut") or make(*args))

    def ids() -> list[str]:
        caplog.clear()
        documents = loader({})(task="puzzle", rows=2, columns=2, images=str(tmp_path / "pictures"))["test"]
        assert "1 dropped" in caplog.text
        return list(documents["item_id"])

    first = ids()
    assert ids() == first
    assert cuts == ["cut"]
    Image.fromarray(Noise().open("good2")[1]).save(tmp_path / "pictures" / "good1.png")
    assert ids() != first
    assert cuts == ["cut", "cut"]


def test_a_puzzle_that_is_cut_otherwise_than_its_id_says_is_not_shown() -> None:
    document = make(RECIPE, Noise(), "noise").documents[0]
    with pytest.raises(PixelError, match=rf"item {document['item_id'][:12]}: its picture is not the one"):
        image_loader({"noise": Noise()})({**document, "answer": document["answer"][::-1]})
