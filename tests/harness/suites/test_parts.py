"""A part of a suite: the first items of each task under a name of their own."""

from harness.lmeval import load_frozen
from harness.records import Suite, load_suite, suite_path
from harness.suites import part_of

FOLDER = suite_path("nano-1").parent


def some(*names: str) -> Suite:
    whole = load_suite("nano-1")
    return whole.model_copy(update={"tasks": {name: whole.tasks[name] for name in names}})


def test_a_part_has_the_first_items_and_its_own_name_and_digest() -> None:
    whole = some("math_word", "vision_count")
    part = part_of(whole, FOLDER, 30)
    assert (part.id, part.record.comparable) == ("nano-1-part-30", "nano-1-part-30")
    assert part.digest != whole.digest
    assert (part.record.is_part, whole.record.is_part) == (True, False)
    assert {name: task.count for name, task in part.tasks.items()} == {"math_word": 30, "vision_count": 30}
    first = {name: task.item_ids[:30] for name, task in load_frozen(whole, FOLDER).items()}
    assert {name: task.item_ids for name, task in load_frozen(part, FOLDER).items()} == first
    assert part_of(whole, FOLDER, 30) == part
    assert part_of(whole, FOLDER, 31).digest != part.digest


def test_all_items_of_all_tasks_are_the_suite_itself() -> None:
    whole = some("math_word")
    assert part_of(whole, FOLDER, 300) is whole


def test_some_of_the_tasks_are_a_part_even_with_all_their_items() -> None:
    part = part_of(some("math_word"), FOLDER, 300, load_suite("nano-1"))
    assert part.id == "nano-1-part-1-tasks-300"
    assert part.record.is_part
    assert part.tasks["math_word"].digest == load_suite("nano-1").tasks["math_word"].digest
