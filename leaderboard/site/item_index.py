"""Item index: on which page the items of a suite are, and what they ask as far as that may be published.

Addresses follow from the items of a suite alone, which are frozen: a link to an item holds whatever entries come.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from PIL import Image

from harness.errors import RetentionError
from harness.records import (
    AskedItem,
    QuestionFile,
    QuestionFileError,
    TaskTerms,
    file_sha256,
    pictures_path,
    read_pictures,
    read_question_file,
)
from leaderboard.board import Board, Track
from leaderboard.documents import clean
from leaderboard.site.answers import base_answers

# Items on one page. A page is to stay below 150 KB compressed with a thousand entries, whose links take 12 KB an item.
PART = 8
SHORT_ID = 12
_SHORT_TEXT = 100
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True)
class Picture:
    """A picture of a question: its address from the site's root, and its size in pixels."""

    address: str
    width: int
    height: int


@dataclass(frozen=True)
class SuiteItems:
    """The items of one suite, task by task in the order of their ids, and what those ask that may be published."""

    name: str
    tasks: dict[str, tuple[str, ...]]
    file: QuestionFile | None = None
    pictures: dict[str, Picture] = field(default_factory=dict)

    @cached_property
    def places(self) -> dict[str, tuple[str, int]]:
        """Task and place of each item."""
        return {each: (task, at) for task, ids in self.tasks.items() for at, each in enumerate(ids)}

    @cached_property
    def asked(self) -> dict[str, AskedItem]:
        return {item.item_id: item for item in self.file.items} if self.file else {}

    def terms(self, task: str) -> TaskTerms | None:
        return self.file.tasks.get(task) if self.file else None

    @property
    def folder(self) -> str:
        return f"questions/{file_name(self.name)}"

    def page(self, task: str, part: int | None = None) -> str:
        """The page of a task, or of its ``part``-th items, from 1."""
        return f"{self.folder}/{file_name(task)}{'' if part is None else f'.{part}'}.html"

    def parts(self, task: str) -> int:
        return -(-len(self.tasks[task]) // PART)


class ItemIndex:
    """The items of every suite on the board. ``folder`` has a question file a suite, where there is one."""

    def __init__(self, board: Board, folder: Path | None = None) -> None:
        self.folder = folder
        self.suites = {name: _suite(name, tracks, folder) for name, tracks in by_suite(board).items()}
        files = [_file(folder, name) for name, suite in self.suites.items() if suite.file]
        there = [path for file in files for path in (file, pictures_path(file)) if path.is_file()]
        self.digest = hashlib.sha256("".join(map(file_sha256, there)).encode()).hexdigest()

    def address(self, suite: str, item_id: str) -> str:
        """The address of an item, from the site's root."""
        items = self.suites[suite]
        task, at = items.places[item_id]
        return f"{items.page(task, at // PART + 1)}#{item_id[:SHORT_ID]}"

    def task_address(self, suite: str, task: str) -> str:
        return self.suites[suite].page(task)

    def short(self, suite: str, item_id: str) -> str:
        """What an item asks, on one line; empty where that may not be published."""
        asked = self.suites[suite].asked.get(item_id)
        return clean(asked.question, _SHORT_TEXT) if asked else ""

    def label(self, suite: str, item_id: str) -> str:
        """The same, or the item's task and the start of its id."""
        return self.short(suite, item_id) or f"{self.suites[suite].places[item_id][0]} {item_id[:SHORT_ID]}"

    def picture_files(self) -> Iterator[tuple[str, bytes]]:
        """Address and bytes of every picture that a question shows."""
        written: set[str] = set()
        for name, suite in self.suites.items():
            if suite.file is None:
                continue
            for digest, data in read_pictures(_file(self.folder, name)).items():
                if digest in suite.pictures and (address := suite.pictures[digest].address) not in written:
                    written.add(address)
                    yield address, data


def by_suite(board: Board) -> dict[str, list[Track]]:
    """The tracks of each suite, in the board's order."""
    found: dict[str, list[Track]] = {}
    for track in board.tracks:
        found.setdefault(track.key.suite, []).append(track)
    return found


@lru_cache(maxsize=1024)  # Of names of suites and tasks, of which there are few, for every link to an item.
def file_name(text: str) -> str:
    """A name as part of a file's: as it is where it is plain, else with a digest that tells it from others."""
    if _PLAIN.fullmatch(text):
        return text
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:40]
    return f"{plain or 'unnamed'}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _file(folder: Path | None, suite: str) -> Path:
    assert folder is not None
    return folder / f"{file_name(suite)}.parquet"


def _suite(name: str, tracks: list[Track], folder: Path | None) -> SuiteItems:
    found: dict[str, set[str]] = {}
    for base in dict.fromkeys(track.base_folder for track in tracks):
        answers = base_answers(base)
        for task, place in answers.places.items():
            found.setdefault(task, set()).update(answers.item_ids[place])
    tasks = {task: tuple(sorted(ids)) for task, ids in sorted(found.items())}
    if folder is None or not _file(folder, name).is_file():
        return SuiteItems(name, tasks)
    file = read_question_file(_file(folder, name))
    _check(file, _file(folder, name), name, tracks, tasks)
    return SuiteItems(name, tasks, file, _pictures(file, _file(folder, name)))


def _check(file: QuestionFile, path: Path, name: str, tracks: list[Track], tasks: dict[str, tuple[str, ...]]) -> None:
    """Refuse a file that is not of the suite whose items were answered."""
    for track in tracks:
        if (file.suite, file.digest) != (name, track.base.suite.digest):
            raise QuestionFileError(
                f"{path}: has the questions of {file.suite} ({file.digest[:12]}), but the entries answered {name} "
                f"({track.base.suite.digest[:12]}); write it again with `retention maintain questions {name}`"
            )
    asked: dict[str, set[str]] = {}
    for item in file.items:
        asked.setdefault(item.task, set()).add(item.item_id)
    for task, terms in file.tasks.items():
        if terms.published and asked.get(task, set()) != set(tasks.get(task, ())):
            odd = min(asked.get(task, set()) ^ set(tasks.get(task, ())))
            raise QuestionFileError(
                f"{path}: task {task}: item {odd[:SHORT_ID]} is in the file or in the suite alone; write the file "
                f"again with `retention maintain questions {name}`"
            )


def _pictures(file: QuestionFile, path: Path) -> dict[str, Picture]:
    shown = {digest for item in file.items for digest in item.pictures}
    return dict(_sized((digest, data) for digest, data in read_pictures(path).items() if digest in shown))


def _sized(pictures: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Picture]]:
    for digest, data in pictures:
        try:
            with Image.open(io.BytesIO(data), formats=("PNG", "WEBP")) as opened:  # Reads the header alone.
                width, height = opened.size
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            raise RetentionError(f"picture {digest[:SHORT_ID]} of the questions cannot be opened") from error
        yield digest, Picture(f"questions/pictures/{digest[:20]}.webp", width, height)
