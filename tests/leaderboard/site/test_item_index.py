"""Item index: stable addresses, and question files that do not fit are refused by name."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.records import QuestionFileError, write_question_file
from leaderboard.board.board import Board
from leaderboard.site.item_index import PART, ItemIndex, file_name
from tests.support.asked import WITHHELD, AskedBoard, asked_board

SUITE = "synthetic-1"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> AskedBoard:
    return asked_board(tmp_path_factory.mktemp("asked"))


def test_addresses_depend_on_the_items_alone(made: AskedBoard) -> None:
    index, bare = ItemIndex(made.board, made.questions), ItemIndex(made.board)
    track = made.board.tracks[0]
    fewer = ItemIndex(Board((replace(track, rows=track.rows[:1]),), ()), made.questions)
    for item_id, (task, at) in index.suites[SUITE].places.items():
        address = index.address(SUITE, item_id)
        assert address == f"questions/{SUITE}/{task}.{at // PART + 1}.html#{item_id[:12]}"
        assert address == bare.address(SUITE, item_id) == fewer.address(SUITE, item_id)


def test_a_question_is_told_where_it_may_be_published_and_else_the_item(made: AskedBoard) -> None:
    index = ItemIndex(made.board, made.questions)
    for item in made.content.items:
        assert index.short(SUITE, item.item_id) == item.question
    held = index.suites[SUITE].tasks[WITHHELD][0]
    assert (index.short(SUITE, held), index.label(SUITE, held)) == ("", f"{WITHHELD} {held[:12]}")
    assert ItemIndex(made.board).short(SUITE, made.content.items[0].item_id) == ""


def test_a_file_of_another_suite_is_refused(made: AskedBoard, tmp_path: Path) -> None:
    other = made.content.model_copy(update={"digest": "f" * 64})
    write_question_file(tmp_path / made.file.name, other, made.pictures)
    with pytest.raises(QuestionFileError, match=r"has the questions of synthetic-1 \(ffffffffffff"):
        ItemIndex(made.board, tmp_path)


def test_a_file_that_lacks_an_item_is_refused(made: AskedBoard, tmp_path: Path) -> None:
    short = made.content.model_copy(update={"items": made.content.items[1:]})
    write_question_file(tmp_path / made.file.name, short, made.pictures)
    lost = made.content.items[0]
    with pytest.raises(QuestionFileError, match=f"task {lost.task}: item {lost.item_id[:12]} is in"):
        ItemIndex(made.board, tmp_path)


def test_each_picture_is_written_once(made: AskedBoard) -> None:
    index = ItemIndex(made.board, made.questions)
    files = dict(index.picture_files())
    assert sorted(files.values()) == sorted(made.pictures.values())
    assert {each.address for each in index.suites[SUITE].pictures.values()} == set(files)
    assert {(each.width, each.height) for each in index.suites[SUITE].pictures.values()} == {(16, 12)}


def test_the_digest_changes_with_the_questions(made: AskedBoard, tmp_path: Path) -> None:
    write_question_file(tmp_path / made.file.name, made.content, {})
    digests = {ItemIndex(made.board, folder).digest for folder in (made.questions, tmp_path, None)}
    assert len(digests) == 3


@pytest.mark.parametrize("text", ["../../x", "", ".", "a/b", "a b", "<svg>", "a" * 90, "a.1", "\u202e"])
def test_any_name_becomes_a_file_name_of_its_own(text: str) -> None:
    assert file_name("vision_count") == "vision_count"
    assert file_name(text) != text
    assert not set(file_name(text)) & set("/.<> ")
    assert file_name(text) != file_name(f"{text}!")
