"""Question files: the questions of a suite written down, for the site to show those that may be published.

A task's YAML says so in its ``metadata``: ``publish: true`` beside the ``licence`` of its source. Without it a question
stays where it is, whatever the licence: some authors ask that their items are not put on the web.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import RetentionError
from harness.lmeval import LoadedTask, build_requests, first_items, images_of, load_tasks, shots_of
from harness.pictures import shown_copy
from harness.records import (
    AskedItem,
    QuestionFile,
    Suite,
    TaskTerms,
    check_asked,
    load_suite,
    pictures_path,
    suite_path,
    write_question_file,
)
from harness.suites.catalogue import TaskFile, tasks_of


@dataclass(frozen=True)
class WrittenQuestions:
    """A question file: where it and its pictures are, how many items and pictures they have, and tasks left out."""

    path: Path
    items: int
    pictures: int
    withheld: tuple[str, ...]

    @property
    def sizes(self) -> tuple[int, int]:
        """Bytes of the questions, and of their pictures."""
        pictures = pictures_path(self.path)
        return self.path.stat().st_size, pictures.stat().st_size if pictures.is_file() else 0


def write_questions(reference: str, folder: Path) -> WrittenQuestions:
    """Write the question file of a frozen suite into ``folder``: the items of tasks that may be published.

    Only those are loaded. ``SuiteError`` where items are not the frozen ones.
    """
    suite = load_suite(reference)
    known = tasks_of(suite, suite_path(reference).parent)
    terms = {name: terms_of(known.get(name)) for name in suite.tasks}
    published = [name for name, each in terms.items() if each.published]
    items: list[AskedItem] = []
    pictures: dict[str, bytes] = {}
    for name in published:
        items += _asked(suite, name, pictures)
    path = folder / f"{suite.id}.parquet"
    content = QuestionFile(suite=suite.id, digest=suite.digest, tasks=terms, items=tuple(items))
    write_question_file(path, content, pictures)
    return WrittenQuestions(path, len(items), len(pictures), tuple(name for name in terms if name not in published))


def terms_of(task: TaskFile | None) -> TaskTerms:
    """Under which terms the questions of a task are; a task without a file of ours is not published."""
    if task is None:
        return TaskTerms(licence=None, published=False)
    if task.publish and task.licence is None:
        raise RetentionError(f"{task.path}: metadata says publish, but no licence; state the licence of its source")
    return TaskTerms(licence=task.licence, sources=tuple(map(str, task.sources())), published=task.publish)


def _asked(suite: Suite, name: str, pictures: dict[str, bytes]) -> Iterator[AskedItem]:
    count = suite.tasks[name].count
    loaded = first_items(load_tasks([name], None, None, shots_of(suite), {name: count})[name], count)
    suite.check_items(name, loaded.item_ids)
    encoded: dict[str, str] = {}
    for doc, item_id in zip(loaded.task.eval_docs, loaded.item_ids, strict=True):
        if "item_id" not in doc:
            raise RetentionError(
                f"task {name}: publish is only for tasks of this project; its items have no content id"
            )
        shown: list[tuple[str, str]] = []
        for image in _images(loaded, doc):
            digest = hashlib.sha256(image).hexdigest()
            if digest not in encoded:
                copy = shown_copy(image)
                encoded[digest] = hashlib.sha256(copy).hexdigest()
                pictures[encoded[digest]] = copy
            shown.append((digest, encoded[digest]))
        item = AskedItem(
            item_id=item_id,
            task=name,
            question=doc["question"],
            options=tuple(doc["options"] or ()),
            gold=doc["answer"],
            images=tuple(image for image, _ in shown),
            pictures=tuple(picture for _, picture in shown),
        )
        check_asked(item, f"task {name}")
        yield item


def _images(loaded: LoadedTask, doc: dict[str, object]) -> tuple[bytes, ...]:
    return images_of(build_requests(loaded.task, doc)[0])
