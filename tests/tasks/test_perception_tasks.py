"""The perception tasks as they are shipped: known items, sure golds, and what a rule without eyes would score."""

import io
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from harness.answers.boxes import Box, FramedBox
from harness.items import items_digest
from harness.lmeval import LoadedTask, load_tasks
from harness.records import load_task_module, tasks_root
from harness.sources import SourceError
from harness.suites.catalogue import find_task, find_tasks

FOLDER = tasks_root() / "perception"
# Items, clusters, and the digest of the first twenty item ids: a change here is a new version of the suites.
KNOWN = {
    "perception_captions": (670, 189, "5062854f9ebc5beb"),
    "perception_charts": (631, 358, "6237c6d4d6915478"),
    "perception_counting": (108, 94, "70160995812d706b"),
    "perception_drawings": (280, 280, "45ef745a9bc47fa8"),
    "perception_pointing": (353, 234, "b612a95662f79883"),
    "perception_pointing_1000": (353, 234, "97c36e18d08eccd4"),
    "perception_presence": (766, 278, "63a8f5c49f1def8d"),
    "perception_statements": (240, 211, "46d8a9ac97d5bf93"),
    "perception_two_captions": (492, 175, "0e54638fbc377935"),
}
OBJECTS: Any = load_task_module(FOLDER / "objects.py")
CAPTIONS: Any = load_task_module(FOLDER / "captions.py")
DRAWINGS: Any = load_task_module(FOLDER / "drawings.py")


@pytest.fixture(scope="module")
def tasks(published_sets: Path) -> dict[str, LoadedTask]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETENTION_DATA", str(published_sets))
        return load_tasks(list(KNOWN))


def documents(tasks: dict[str, LoadedTask], name: str) -> list[dict[str, Any]]:
    return list(tasks[name].task.eval_docs)


def test_every_perception_task_is_known() -> None:
    assert {name for name, task in find_tasks().items() if task.family == "perception"} == set(KNOWN)


def test_the_items_are_the_known_ones(tasks: dict[str, LoadedTask]) -> None:
    for name, (items, clusters, digest) in KNOWN.items():
        ids, docs = tasks[name].item_ids, documents(tasks, name)
        assert (len(set(ids)), len({doc["cluster_id"] for doc in docs})) == (items, clusters), name
        assert items_digest(ids[:20])[:16] == digest, name
        file = find_task(name)
        assert file.items == items
        assert sum(doc["guess_rate"] for doc in docs) / items == pytest.approx(file.chance, abs=0.001)


@pytest.mark.usefixtures("published")
def test_each_picture_is_the_one_that_its_id_covers(tasks: dict[str, LoadedTask]) -> None:
    for name in KNOWN:
        task = tasks[name].task
        for doc in documents(tasks, name)[:3]:
            assert task.doc_to_text(doc).startswith("<image>")
            (image,) = task.doc_to_image(doc)
            assert Image.open(io.BytesIO(image.encoded)).convert("RGB").size == image.size


@pytest.mark.usefixtures("published")
def test_a_gold_box_lies_in_the_frame_that_the_question_states(tasks: dict[str, LoadedTask]) -> None:
    for doc in documents(tasks, "perception_pointing"):
        gold = FramedBox.parse(doc["answer"])
        assert f"{gold.width} pixels wide and {gold.height} pixels high" in doc["question"]
        assert gold.width % 28 == gold.height % 28 == 0
        assert gold.holds(gold.box)
    (image,) = tasks["perception_pointing"].task.doc_to_image(doc)
    assert image.size == (gold.width, gold.height)
    for doc, other in zip(
        sorted(documents(tasks, "perception_pointing"), key=_asked_of),
        sorted(documents(tasks, "perception_pointing_1000"), key=_asked_of),
        strict=True,
    ):
        gold, thousandths = FramedBox.parse(doc["answer"]), FramedBox.parse(other["answer"])
        assert gold.box.x1 / gold.width == pytest.approx(thousandths.box.x1 / 1000, abs=1e-4)


def _asked_of(doc: dict[str, Any]) -> tuple[str, str]:
    return doc["cluster_id"], doc["question"].partition(" in this picture")[0]


def test_presence_is_balanced_on_every_photograph(tasks: dict[str, LoadedTask]) -> None:
    golds: dict[str, Counter[str]] = defaultdict(Counter)
    for doc in documents(tasks, "perception_presence"):
        golds[doc["cluster_id"]][doc["answer"]] += 1
        assert (doc["answer"] == "yes") == (doc["group"] == "present")
    assert all(counted["yes"] == counted["no"] for counted in golds.values())
    assert Counter(doc["group"] for doc in documents(tasks, "perception_presence"))["adversarial"] > 100


@pytest.mark.parametrize(
    ("task", "most"), [("perception_counting", 0.41), ("perception_drawings", 0.34), ("perception_two_captions", 0.53)]
)
def test_no_letter_and_no_option_is_the_one_to_bet_on(tasks: dict[str, LoadedTask], task: str, most: float) -> None:
    docs = documents(tasks, task)
    golds = ["ABCDEFGH".index(doc["answer"]) for doc in docs]
    assert max(Counter(golds).values()) / len(docs) < most
    texts = Counter(doc["options"][gold] for doc, gold in zip(docs, golds, strict=True))
    assert max(texts.values()) / len(docs) < most


def test_no_one_box_and_no_length_of_a_caption_does_well(tasks: dict[str, LoadedTask]) -> None:
    golds = [FramedBox.parse(doc["answer"]) for doc in documents(tasks, "perception_pointing")]
    for margin in (0.0, 0.1, 0.2, 0.3):
        middle = [
            Box(margin * g.width, margin * g.height, (1 - margin) * g.width, (1 - margin) * g.height) for g in golds
        ]
        hits = sum(gold.box.overlap(box) >= 0.5 for gold, box in zip(golds, middle, strict=True))
        assert hits / len(golds) < 0.16
    pairs = documents(tasks, "perception_two_captions")
    shorter = sum((len(doc["options"][0]) < len(doc["options"][1])) == (doc["answer"] == "A") for doc in pairs)
    assert shorter / len(pairs) < 0.6
    golds_of_captions = Counter(doc["answer"] for doc in documents(tasks, "perception_captions"))
    assert max(golds_of_captions.values()) / golds_of_captions.total() < 0.56


def test_a_photograph_asks_for_what_its_boxes_show() -> None:
    listed = sorted(OBJECTS.PHOTOS.digests())[:4]
    dog, cat, cup = ({"category": kind, "bbox": [10, 20, 300, 200], "iscrowd": 0} for kind in ("dog", "cat", "cup"))
    tie, pig = ({"category": kind, "bbox": [0, 0, 300, 300], "iscrowd": 0} for kind in ("tie", "pig"))
    rows = [
        _row(listed[0], [dog, cup, tie]),
        _row(listed[1], [cat, cat, dog], doubtful=["cup"]),
        _row(listed[2], [cat, {**cat, "iscrowd": 1}]),
        _row(listed[3], [pig, tie]),
    ]
    asked = [(item.pictures[0], item.question.partition("?")[0], item.answer) for item in OBJECTS.presence(iter(rows))]
    assert (listed[0], "Is there a dog in the image", "yes") in asked
    assert (listed[0], "Is there a cat in the image", "no") in asked
    assert not [question for _, question, _ in asked if "tie" in question]
    assert (listed[1], "Is there a cup in the image", "no") not in asked, "a caption names it"
    pointed = [item.question.partition(" in this")[0] for item in OBJECTS.pointing("perception_pointing_1000", rows)]
    assert pointed == [f"Where is the {kind}" for kind in ("cup", "dog", "dog", "pig")]
    rows[1]["instances"].append(cat)
    (counted,) = [item for item in OBJECTS.counting(iter(rows)) if "cats" in item.question]
    assert counted.options["ABCD".index(counted.answer)] == "3"


def _row(name: str, instances: list[dict[str, Any]], doubtful: list[str] | None = None) -> dict[str, Any]:
    return {
        "file_name": f"{name}.jpg",
        "width": 640,
        "height": 480,
        "instances": instances,
        "named_in_captions_only": doubtful or [],
    }


def test_a_photograph_that_is_not_listed_is_left_out() -> None:
    row = {"filename": "000000000000.jpg", "caption": "A dog.", "negative_caption": "A cat.", "kind": "replace_obj"}
    assert list(CAPTIONS.two_captions(iter([row]))) == []
    name = min(CAPTIONS.PHOTOS.digests())
    (item,) = CAPTIONS.two_captions(iter([{**row, "filename": f"{name}.jpg"}]))
    assert item.options["AB".index(item.answer)] == "A dog."
    (asked,) = CAPTIONS.captions(iter([{**row, "filename": f"{name}.jpg"}]))
    assert asked.answer == ("yes" if "dog" in asked.question else "no")


def test_statements_that_people_disagree_about_are_left_out(tasks: dict[str, LoadedTask]) -> None:
    assert Counter(doc["answer"] for doc in documents(tasks, "perception_statements")) == {"yes": 124, "no": 116}


def test_a_grid_is_asked_for_its_rows_or_its_columns() -> None:
    row = {"task": "Counting Grid - Blank Grids", "groundtruth": "3,4"}
    asked = {DRAWINGS._asked({**row, "image": f"images/grid_{k}.png"})[1:] for k in range(8)}
    assert asked == {
        ("How many rows does the grid in the image have?", "3"),
        ("How many columns does the grid in the image have?", "4"),
    }


def test_boxes_are_judged_by_their_overlap() -> None:
    doc = {"answer": "[10.00, 20.00, 110.00, 220.00] in 504x336"}
    assert OBJECTS.judge_box(doc, ["[10, 20, 110, 220]"])["acc"] == 1
    assert OBJECTS.judge_box(doc, ["[10, 20, 110, 100]"])["acc"] == 0
    assert OBJECTS.judge_box(doc, ["[0.02, 0.06, 0.22, 0.65]"])["off_list"] == 1
    assert OBJECTS.judge_box(doc, ["on the left"])["unparsed"] == 1


def test_without_the_file_the_task_says_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_DATA", str(tmp_path))
    with pytest.raises(SourceError, match=r"has no nlvr/dev_300\.jsonl, .* it comes from github\.com/lil-lab/nlvr"):
        DRAWINGS.load(task="perception_statements")
    (tmp_path / "nlvr").mkdir()
    (tmp_path / "nlvr" / "dev_300.jsonl").write_text("{}\n")
    with pytest.raises(SourceError, match="but the task names df6f85383d90; restore the file"):
        DRAWINGS.load(task="perception_statements")
