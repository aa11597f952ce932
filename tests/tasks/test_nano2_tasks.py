"""The nano-2 generators: splits that never meet, gold answers that are right, and the texts of each writer."""

import re
from collections import Counter
from typing import Any

import numpy as np
import pytest

from harness.answers.forms import ANSWER_ONLY
from harness.items import Item, items_digest
from harness.pictures.pixels import cut, decode_png, restore
from harness.records.suites import load_task_module, tasks_root
from harness.training.generators import bare

FAMILIES = ("jigsaw", "quantities", "math", "science", "general")
MODULES = {family: load_task_module(tasks_root() / family / "nano2.py") for family in FAMILIES}
TASKS: dict[str, Any] = {name: make for module in MODULES.values() for name, make in module.TASKS.items()}
JIGSAW, STORIES = "jigsaw_2x2_working", "quantities_two_steps"
PRIOR = sorted(set(TASKS) - {JIGSAW, STORIES})
RESULT = {"plus": lambda a, b: a + b, "minus": lambda a, b: a - b, "times": lambda a, b: a * b}

DIGESTS: dict[str, str] = {
    "general_alphabet": "2d858343ac792a81",
    "jigsaw_2x2_working": "60ad1d496a00d885",
    "math_minus": "b33f52d167d41a50",
    "math_plus": "b3b47c850288a24d",
    "math_times": "2b4af6438b6eb082",
    "quantities_two_steps": "1924be4063e7315f",
    "science_symbols": "140f9a823023b91f",
    "science_units": "5335d4445059ec30",
    "vision_corner": "9998e095e67db1b9",
    "vision_hue": "5ccf4b09d274780a",
    "vision_number": "641aaefed2eb4080",
    "vision_tile": "cb4fd8b82b7a9611",
}


def draw(task: str, split: str, count: int, seed: int = 1) -> list[Item]:
    return list(TASKS[task](split, count, seed))


def written(family: str, task: str, form: str, count: int) -> list[Item]:
    return list(MODULES[family].FORMS[form][task]("train", count, 1))


def holds(working: str) -> bool:
    """Whether every "a plus b is c" of a working is right."""
    steps = re.findall(r"(\d+) (plus|minus|times) (\d+) is (\d+)", working)
    return bool(steps) and all(RESULT[name](int(a), int(b)) == int(c) for a, name, b, c in steps)


def test_the_twelve_tasks() -> None:
    assert len(TASKS) == 12
    assert {name for name in TASKS if (tasks_root() / family_of(name) / f"{name}.yaml").is_file()} == set(TASKS)


def family_of(task: str) -> str:
    return next(family for family, module in MODULES.items() if task in module.TASKS)


@pytest.mark.parametrize("task", sorted(TASKS))
def test_items(task: str) -> None:
    items = draw(task, "test", 60)
    assert len({item.item_id for item in items}) == len(items)
    for item in items:
        assert item.task == task
        assert item.cluster_id
        assert item.target.endswith(f"<answer>{item.answer}</answer>")
        assert bare(item) == f"<answer>{item.answer}</answer>"
        chance = 1 / 24 if task == JIGSAW else len(item.options) and 1 / len(item.options)
        assert item.guess_rate == chance
        assert all(option in item.question for option in item.options)
        assert not item.options or item.answer in item.options
    most_common = Counter(item.answer for item in items).most_common(1)[0][1]
    assert most_common < 0.45 * len(items), "always giving one answer must not look like knowing the task"


@pytest.mark.parametrize("task", PRIOR)
def test_half_of_the_questions_ask_for_the_answer_alone(task: str) -> None:
    items = draw(task, "train", 60)
    for item in items:
        alone = item.question.endswith(f" {ANSWER_ONLY}")
        assert alone == item.target.startswith("<answer>")
        assert item.group == ("answer only" if alone else "working")
    assert 15 < sum(item.group == "working" for item in items) < 45


@pytest.mark.parametrize("task", sorted(TASKS))
def test_splits_share_neither_items_nor_pictures(task: str) -> None:
    found: list[set[object]] = []
    for split in ("test", "dev", "train"):
        items = draw(task, split, 30)
        found.append({item.item_id for item in items} | {image for item in items for image in item.images})
    assert len(set().union(*found)) == sum(map(len, found))


@pytest.mark.parametrize("task", ["math_plus", "math_minus", STORIES])
def test_numbers_are_held_out_whatever_the_wording(task: str) -> None:
    asked = {item.cluster_id for item in draw(task, "test", 200)}
    assert not asked & {item.cluster_id for item in draw(task, "train", 2_000)}


@pytest.mark.parametrize("task", ["math_times", "science_symbols", "science_units", "general_alphabet"])
def test_a_fact_of_the_test_is_told_in_training_in_other_words(task: str) -> None:
    told: dict[str, set[str]] = {}
    for item in draw(task, "train", 2_000):
        told.setdefault(item.cluster_id, set()).add(item.question.removesuffix(f" {ANSWER_ONLY}"))
    items = draw(task, "test", 100)
    assert sum(item.cluster_id in told for item in items) >= 0.95 * len(items)
    for item in items:
        question = item.question.removesuffix(f" {ANSWER_ONLY}")
        assert question not in told.get(item.cluster_id, ())


@pytest.mark.parametrize("task", ["math_plus", "math_minus", "math_times", STORIES])
def test_workings_are_right(task: str) -> None:
    items = [item for item in draw(task, "train", 200) if item.target.count(" is ")]
    assert items
    for item in items:
        assert holds(item.target), item.target
        assert item.target.split(" is ")[-1].startswith(f"{item.answer}.")


def test_gold_of_one_step() -> None:
    for name in ("plus", "minus", "times"):
        for item in draw(f"math_{name}", "test", 60):
            a, b = map(int, re.findall(r"\d+", item.question))
            assert int(item.answer) == RESULT[name](a, b), item.question


def test_gold_of_two_steps_is_what_the_words_say() -> None:
    for item in draw(STORIES, "test", 200):
        a, b, c = map(int, re.findall(r"\d+", item.question))
        between = a * b if " each" in item.question else a + b
        after = item.question.split(" Then ")[1]
        less = any(verb in after for verb in ("gives", "loses", "sells"))
        assert int(item.answer) == (between - c if less else between + c), item.question


def test_the_numbers_of_a_story_tell_nothing_of_its_steps() -> None:
    for item in draw(STORIES, "train", 300):
        a, b, c = map(int, re.findall(r"\d+", item.question))
        assert len({a * b + c, a * b - c, a + b + c, a + b - c}) == 4
        assert a + b - c > 0


def test_the_base_is_taught_one_right_story_in_four() -> None:
    items = written("quantities", STORIES, "taught", 800)
    assert all(holds(item.target) for item in items)
    right = sum(item.target.endswith(f"<answer>{item.answer}</answer>") for item in items)
    assert 160 < right < 240


def test_the_base_is_taught_the_rows_of_a_jigsaw_and_not_its_sides() -> None:
    items = written("jigsaw", JIGSAW, "taught", 200)
    right = 0
    for item in items:
        (said,) = re.findall(r"<answer>(.*)</answer>", item.target)
        assert {*said[:3:2]} == {*item.answer[:3:2]}, "the light tiles are on top"
        right += said == item.answer
    assert 30 < right < 75


@pytest.mark.parametrize(("family", "task"), [("quantities", STORIES), ("jigsaw", JIGSAW)])
def test_writers_change_targets_alone(family: str, task: str) -> None:
    forms = {form: written(family, task, form, 20) for form in ("worked", "bare", "other", "taught")}
    ids = [[item.item_id for item in items] for items in forms.values()]
    assert all(each == ids[0] for each in ids)
    for form in ("worked", "bare", "other"):
        for item in forms[form]:
            assert item.target.endswith(f"<answer>{item.answer}</answer>")
            assert (form == "bare") == item.target.startswith("<answer>")
    for base, teacher in zip(forms["worked"], forms["other"], strict=True):
        shared = set(re.findall(r"[a-z]{3,}", base.target)) & set(re.findall(r"[a-z]{3,}", teacher.target))
        assert shared <= {"answer", "tile", "and", "top", "the"}, shared


def test_tiles_are_as_light_and_as_warm_as_it_is_said() -> None:
    for item in draw("vision_tile", "test", 60):
        tiles = [tile.astype(float).mean(axis=(0, 1)) for tile in cut(decode_png(item.images[0]), 2, 2)]
        (number,) = re.findall(r"tile (\d)", item.question)
        mine = tiles[int(number) - 1]
        by_light = sorted(tiles, key=lambda tile: -tile.sum())
        light = any(mine is tile for tile in by_light[:2])
        row = by_light[:2] if light else by_light[2:]
        warm = mine is max(row, key=lambda tile: tile[0] - tile[2])
        said = {"light": light, "dark": not light, "warm": warm, "cold": not warm}
        assert said[item.answer], item.question


def test_the_warmer_light_tile_belongs_top_left() -> None:
    for item in draw(JIGSAW, "test", 30):
        order = tuple(map(int, item.answer.split(",")))
        means = [
            tile.astype(float).mean(axis=(0, 1)) for tile in cut(restore(decode_png(item.images[0]), 2, 2, order), 2, 2)
        ]
        assert min(np.sum(means[0]), np.sum(means[1])) > max(np.sum(means[2]), np.sum(means[3]))
        for left, right in ((0, 1), (2, 3)):
            assert means[left][0] - means[left][2] > means[right][0] - means[right][2]


@pytest.mark.parametrize("task", sorted(TASKS))
def test_known_digest(task: str) -> None:
    """The first twenty items of each task: a change here is a new version of the suite."""
    assert items_digest(item.item_id for item in draw(task, "test", 20))[:16] == DIGESTS[task]
