"""Reader: a golden set as tasks: their documents out of the file, and the pictures that these show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from harness.answers.boxes import FramedBox
from harness.golden.asking import Asking
from harness.golden.cells import GoldenError
from harness.golden.pictures import read_picture
from harness.golden.rows import Judge, read_golden
from harness.item_cache import Made, cached
from harness.items import Item
from harness.pictures import check_images, open_images, resized
from harness.plugin import sampled
from harness.sources import LocalFile, data_folder, test_split


@dataclass(frozen=True)
class GoldenTask:
    """The questions of one kind and group, and the file that they are in."""

    kind: str
    group: str
    sources: tuple[LocalFile, ...]


class GoldenFile:
    """The file of a golden set beside the task files that this stands in: ``tasks``, ``load`` and ``images`` are what
    these need.

    ``parts`` gives each task the kind and the group of its questions. The file is read as it is now: a suite's digests
    tell whether its questions are the frozen ones, ``sha256`` which file they were taken from. Where it is not beside
    the task files, it is looked for in the data folder.
    """

    def __init__(
        self,
        folder: Path,
        file: str,
        sha256: str,
        *,
        judge: Judge,
        parts: Mapping[str, tuple[str, str]],
        instruction: str | None = None,
        index_from: int | None = None,
    ) -> None:
        self._folder, self._file, self._index_from = folder, file, index_from
        self._asking = Asking.of(judge, instruction)
        source = LocalFile(file, sha256, "whoever made the suite")
        self.tasks = {task: GoldenTask(kind, group, (source,)) for task, (kind, group) in parts.items()}

    def load(self, task: str, seed: int = 0, **_: Any) -> dict[str, Any]:
        """The ``custom_dataset`` function: the task's items in an order drawn from their ids."""
        return {"test": cached(task, None, lambda: self._made(task, seed)).documents}

    def images(self, doc: Mapping[str, Any]) -> list[Image.Image]:
        """The ``doc_to_image`` function: the pictures of a document; of a box, at the size that the question states."""
        where = f"item {doc['item_id'][:12]}"
        encoded = [read_picture(self._home(), name, where) for name in doc["pictures"]]
        shown = check_images(encoded, doc["image_digests"], where)
        if self._asking.judge == "box":
            frame = FramedBox.parse(doc["answer"])
            shown = [resized(picture, (frame.width, frame.height)) for picture in shown]
        return open_images(shown)

    def _made(self, task: str, seed: int) -> Made:
        chosen = self.tasks[task]
        part = chosen.kind, chosen.group.casefold()
        read = read_golden(self._home() / self._file, self._asking.judge, index_from=self._index_from, part=part)
        if not read.rows:
            raise GoldenError(f"{self._file}: no question is of kind {chosen.kind} and group {chosen.group!a}")
        items = sampled(self._asking.items(task, read.rows), seed)
        return Made(test_split(documents(items))["test"])

    def _home(self) -> Path:
        """The folder with the file."""
        data = data_folder()
        for folder in (self._folder, *([] if data is None else [data])):
            if (folder / self._file).is_file():
                return folder
        raise GoldenError(
            f"{self._file}: this golden set's file is not in {self._folder}; put it there, or give the folder that has "
            "it with --data-dir"
        )


def documents(items: list[Item]) -> Iterator[dict[str, Any]]:
    """Items as lm-eval documents of one form; without the columns of pictures where no item has one."""
    shown = any(item.pictures for item in items)
    left_out = {"task", "target", "images", *(() if shown else ("pictures", "image_digests"))}
    for item in items:
        count = {"n_images": len(item.pictures)} if shown else {}
        yield {**item.model_dump(exclude=left_out), **count, "item_id": item.item_id}
