"""Conversions of units: right golds, an example that is no item, splits, and the suite that asks for them."""

import re

from harness import plugin
from harness.items import Item, items_digest, split_of
from harness.records.suites import load_suite, load_task_module, tasks_root
from harness.suites import read_lock

CONVERSIONS = load_task_module(tasks_root() / "quantities" / "conversions.py")
SUITE = "base-conversions-1"


def draw(split: str, count: int, form: str = "worked") -> list[Item]:
    return list(CONVERSIONS.FORMS[form][CONVERSIONS.TASK](split, count, 1))


def test_the_suite_asks_these_very_items() -> None:
    place = load_suite(SUITE).tasks[CONVERSIONS.TASK]
    items = draw("test", place.count)
    assert items_digest(item.item_id for item in items) == place.digest
    assert len({item.cluster_id for item in items}) == place.clusters


def test_prior_tasks_are_the_first_items_of_core_base_1() -> None:
    mine, known = (read_lock(tasks_root() / "suites" / f"{name}.lock") for name in (SUITE, "core-base-1"))
    prior = mine.keys() - {CONVERSIONS.TASK}
    assert len(prior) == 5
    assert all(list(mine[name]) == list(known[name])[: len(mine[name])] for name in prior)


def test_each_working_is_right_and_leads_to_the_gold_answer() -> None:
    factors = {unit: (smaller, factor) for unit, _, smaller, factor in CONVERSIONS.UNITS}
    for item in draw("train", 300):
        told = re.fullmatch(
            r" One (\w+) is (\d+) (\w+)\. (\d+) times (\d+) is (\d+)\. The answer is (\d+)\.", item.target
        )
        assert told is not None
        unit, factor, smaller, value, times, product, answer = told.groups()
        assert factors[unit] == (smaller, int(factor))
        assert (times, product, item.answer) == (factor, answer, answer)
        assert int(value) * int(factor) == int(answer)
        assert (unit, f"conversion:{unit}:{value}") == (item.group, item.cluster_id)
    for form in CONVERSIONS.WRITERS:
        for item in draw("train", 50, form):
            assert plugin.judge({"answer": item.answer, "options": ()}, [item.target])["acc"] == 1


def test_teachers_say_the_same_numbers_to_the_same_questions() -> None:
    for own, other, bare in zip(*(draw("train", 100, form) for form in ("worked", "other", "bare")), strict=True):
        assert own.item_id == other.item_id == bare.item_id
        numbers = [re.findall(r"\d+", item.target) for item in (own, other)]
        assert numbers[0] == numbers[1]
        assert re.findall(r"\d+", bare.target) == [own.answer]
        assert not {own.target, other.target} & {bare.target}


def test_one_example_stands_before_every_question_and_asks_for_no_unit_of_theirs() -> None:
    items = [item for split in ("train", "dev", "test") for item in draw(split, 150)]
    starts, asked = zip(*(item.question.rsplit("Question: ", 1) for item in items), strict=True)
    assert len(set(starts)) == 1
    assert starts[0].count("Question: ") == 1
    assert all(each.endswith("\nAnswer:") for each in asked)
    assert not any(units in starts[0].split() for _, units, *_ in CONVERSIONS.UNITS if units != "feet")
    known, answer = re.findall(r"(\d+) times (\d+) is (\d+)\.", starts[0])[0][:2], re.findall(r"\d+", starts[0])[-1]
    assert int(known[0]) * int(known[1]) == int(answer)


def test_a_unit_and_its_number_belong_to_one_split_in_all_wordings() -> None:
    made = {split: draw(split, 180) for split in ("train", "dev", "test")}
    for split, items in made.items():
        assert {split_of(item.cluster_id) for item in items} == {split}
    assert len({item.question.rsplit("Question: ", 1)[1].split()[0] for item in made["train"]}) > 2
