"""Items are made once for the same data and code, and a cache that cannot be relied on is made again."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from harness.item_cache import Made, cached, first_documents, without_cache
from harness.items import Item
from harness.plugin import rows


class Maker:
    """Documents of three items, and how often they were made."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> Made:
        self.made += 1
        return Made(Dataset.from_list(list(rows(_items()))), "three")


def _items(task: str = "t") -> Iterator[Item]:
    for k in range(3):
        yield Item(task=task, question=f"{k}?", answer=str(k), target="", guess_rate=0, images=(b"picture",))


ORIGIN = {"seed": 1}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RETENTION_CACHE", str(tmp_path / "items"))
    return tmp_path / "items"


@pytest.fixture
def make(folder: Path) -> Maker:
    return Maker()


def test_documents_are_made_once_for_one_origin(make: Maker) -> None:
    first, again = (cached("t", ORIGIN, make) for _ in range(2))
    assert make.made == 1
    assert first.documents.features == again.documents.features
    assert list(first.documents) == list(again.documents)
    assert first.note == again.note == "three"
    cached("t", {"seed": 2}, make)
    cached("u", ORIGIN, make)
    assert make.made == 3


def test_what_follows_from_nothing_known_is_not_kept(make: Maker, folder: Path) -> None:
    for _ in range(2):
        cached("t", None, make)
    assert make.made == 2
    assert not folder.exists()


def test_other_code_or_another_library_makes_them_again(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    cached("t", ORIGIN, make)
    monkeypatch.setattr("harness.item_cache._made_by", lambda: {"code": "another"})
    cached("t", ORIGIN, make)
    assert make.made == 2


def _flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [_flip, lambda content: content[:-9], lambda content: b"", lambda content: b"\x80\x04N.", lambda c: c[65:]],
)
def test_a_damaged_file_is_made_again_and_replaced(make: Maker, folder: Path, damage: Any) -> None:
    cached("t", ORIGIN, make)
    (path,) = folder.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert list(cached("t", ORIGIN, make).documents) == list(make().documents)
    made = make.made
    cached("t", ORIGIN, make)
    assert make.made == made


def test_documents_whose_ids_do_not_follow_from_their_content_are_neither_kept_nor_believed(
    make: Maker, folder: Path
) -> None:
    def forged() -> Made:
        documents = [{**row, "question": "Another?"} for row in rows(_items())]
        return Made(Dataset.from_list(documents))

    cached("t", ORIGIN, forged)
    assert not folder.exists()
    cached("t", ORIGIN, make)
    cached(
        "u", ORIGIN, lambda: Made(Dataset.from_list(list(rows(i.model_copy(update={"task": "u"}) for i in _items()))))
    )
    one, other = sorted(folder.iterdir(), key=os.path.getmtime)
    one.write_bytes(other.read_bytes())  # whole and readable, but of another task
    cached("t", ORIGIN, make)
    assert make.made == 2


def test_a_folder_that_cannot_be_written_does_no_harm(
    make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RETENTION_CACHE", str(tmp_path / "file"))
    assert len(cached("t", ORIGIN, make).documents) == 3


def test_only_the_newest_files_stay(make: Maker, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.item_cache._MOST", 2)
    for seed in range(4):
        cached("t", {"seed": seed}, make)
    assert len(list(folder.iterdir())) == 2


def test_it_can_be_left_out(make: Maker, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached("t", ORIGIN, make)
    with without_cache():
        cached("t", ORIGIN, make)
    monkeypatch.setenv("RETENTION_CACHE", "off")
    cached("t", ORIGIN, make)
    assert make.made == 3


def test_the_first_documents_are_those_of_the_whole(make: Maker) -> None:
    whole = list(cached("t", ORIGIN, make).documents)
    for origin in (ORIGIN, None):
        with first_documents(2):
            assert list(cached("t", origin, make).documents) == whole[:2]
        with first_documents(9):
            assert list(cached("t", origin, make).documents) == whole
