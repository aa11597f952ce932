"""Questions of a suite are written where its tasks' YAML says so, each held against its id."""

from pathlib import Path

import pytest

from harness.errors import RetentionError
from harness.records import load_suite, read_question_file
from harness.suites.catalogue import TaskFile, find_tasks
from harness.suites.questions import terms_of, write_questions

FIELDS = {"task": "mine", "metadata": {"licence": "MIT"}}


def task(**metadata: object) -> TaskFile:
    return TaskFile("mine", Path("mine.yaml"), {"task": "mine", "metadata": metadata})


def test_a_task_is_published_only_where_its_file_says_so() -> None:
    assert not terms_of(None).published
    assert not terms_of(task(licence="MIT")).published
    assert not terms_of(task(licence="MIT", publish="yes")).published
    assert terms_of(task(licence="MIT", publish=True)).published
    with pytest.raises(RetentionError, match=r"mine\.yaml: metadata says publish, but no licence"):
        terms_of(task(publish=True))


def test_every_task_that_is_published_states_a_licence_and_is_generated_here() -> None:
    published = [each for each in find_tasks().values() if each.publish]
    assert len(published) >= 9
    assert all(each.licence == "Apache-2.0" and not each.sources() for each in published)


def test_a_suite_of_tasks_is_written_with_what_may_be_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of nano-1, whose items are many, one task with texts alone; the others as if they were not to be published."""
    monkeypatch.setattr(TaskFile, "publish", property(lambda self: self.name == "math_word"))
    written = write_questions("nano-1", tmp_path)
    suite = load_suite("nano-1")
    found = read_question_file(tmp_path / "nano-1.parquet")
    assert (found.suite, found.digest, found.tasks.keys()) == ("nano-1", suite.digest, suite.tasks.keys())
    suite.check_items("math_word", [item.item_id for item in found.items])
    assert (written.items, written.pictures) == (300, 0)
    assert written.withheld == tuple(name for name in suite.tasks if name != "math_word")
    assert found.items[0].question.endswith("?")


def test_the_question_file_of_the_board_is_that_of_the_suite() -> None:
    path = Path(__file__).parents[3] / "leaderboard" / "data" / "questions" / "nano-1.parquet"
    found, suite = read_question_file(path), load_suite("nano-1")
    assert found.digest == suite.digest
    for name in suite.tasks:
        suite.check_items(name, [item.item_id for item in found.items if item.task == name])
