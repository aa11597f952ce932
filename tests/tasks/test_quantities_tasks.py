"""Stories of two steps for a model that completes: right golds, examples that are no items, and the split of nano-2."""

import re
from typing import Any

from harness import plugin
from harness.items import Item, items_digest, split_of
from harness.records.suites import load_suite, load_task_module, tasks_root

SHOTS, NANO2 = (load_task_module(tasks_root() / "quantities" / f"{name}.py") for name in ("shots", "nano2"))
RESULT: dict[str, Any] = {"plus": lambda a, b: a + b, "minus": lambda a, b: a - b, "times": lambda a, b: a * b}


def draw(split: str, count: int, form: str = "worked") -> list[Item]:
    return list(SHOTS.FORMS[form][SHOTS.TASK](split, count, 1))


def test_the_suite_asks_these_very_items() -> None:
    place = load_suite("base-stories-1").tasks[SHOTS.TASK]
    items = draw("test", place.count)
    assert items_digest(item.item_id for item in items) == place.digest
    assert len({item.cluster_id for item in items}) == place.clusters


def test_prior_tasks_are_those_of_core_base_1_item_by_item() -> None:
    known = load_suite("core-base-1").tasks
    prior = {name: place for name, place in load_suite("base-stories-1").tasks.items() if name != SHOTS.TASK}
    assert {name: place.digest for name, place in prior.items()} == {name: known[name].digest for name in prior}


def test_each_step_of_a_working_is_right_and_leads_to_the_gold_answer() -> None:
    for item in draw("train", 200):
        steps = re.findall(r"(\d+) (plus|minus|times) (\d+) is (\d+)\.", item.target)
        assert len(steps) == 2
        assert all(RESULT[name](int(a), int(b)) == int(c) for a, name, b, c in steps)
        assert steps[0][3] == steps[1][0]
        assert steps[1][3] == item.answer
    for form in SHOTS.WRITERS:
        for item in draw("train", 50, form):
            assert plugin.judge({"answer": item.answer, "options": ()}, [item.target])["acc"] == 1


def test_another_teacher_states_the_same_two_results_after_their_numbers() -> None:
    for own, other in zip(draw("train", 100), draw("train", 100, "other"), strict=True):
        steps = re.findall(r"(\d+) (?:plus|minus|times) (\d+) is (\d+)\.", own.target)
        told = [int(number) for number in re.findall(r"\d+", other.target)]
        assert told == [*map(int, steps[0]), *map(int, steps[1][1:]), int(own.answer)]
        assert other.item_id == own.item_id


def test_three_kinds_of_examples_stand_before_every_question_and_none_is_an_item() -> None:
    items = [item for split in ("train", "dev", "test") for item in draw(split, 150)]
    starts, stories = zip(*(item.question.rsplit("Question: ", 1) for item in items), strict=True)
    assert len(set(starts)) == 1
    assert all(story.endswith("\nAnswer:") for story in stories)
    examples = starts[0].strip().split("\n\n")
    assert len(examples) == 3
    kinds = {tuple(re.findall(r" (plus|minus|times) ", example.split("Answer:")[1])) for example in examples}
    assert len(kinds) == 3
    told = [re.findall(r"(\d+) (plus|minus|times) (\d+)", example.split("Answer:")[1]) for example in examples]
    shown = {f"nano2:{a} {first} {b} {second} {c}" for (a, first, b), (_, second, c) in told}
    assert all(split_of(key) == "train" for key in shown)
    assert not shown & {item.cluster_id for item in items}


def test_a_story_is_held_out_as_in_nano_2() -> None:
    asked = {item.cluster_id for item in NANO2.TASKS["quantities_two_steps"]("test", 300, 1)}
    assert not asked & {item.cluster_id for item in draw("train", 1000)}
    assert asked & {item.cluster_id for item in draw("test", 300)}
