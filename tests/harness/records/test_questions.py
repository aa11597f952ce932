"""Question files: what was written is read, and what an item's id does not cover is refused by name."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.items import content_id
from harness.records.questions import (
    AskedItem,
    QuestionFile,
    QuestionFileError,
    TaskTerms,
    pictures_path,
    read_pictures,
    read_question_file,
    write_question_file,
)

PICTURE = b"\x89PNG, as far as this file knows"
IMAGE = hashlib.sha256(b"as the model got it").hexdigest()
SHOWN = hashlib.sha256(PICTURE).hexdigest()


def item(question: str = "How many?") -> AskedItem:
    covered = content_id("vision_count", question, "1", ("1", "2"), [IMAGE])
    return AskedItem(
        item_id=covered, task="vision_count", question=question, options=("1", "2"), gold="1",
        images=(IMAGE,), pictures=(SHOWN,),
    )  # fmt: skip


def content(*items: AskedItem) -> QuestionFile:
    terms = {"vision_count": TaskTerms(licence="MIT", published=True), "b": TaskTerms(licence=None, published=False)}
    return QuestionFile(suite="nano-1", digest="0" * 64, tasks=terms, items=items)


def test_what_was_written_is_read_and_the_same_bytes(tmp_path: Path) -> None:
    made = content(item(), item("<b>How many?</b>\n\u202e?"))
    for name in ("one", "two"):
        write_question_file(tmp_path / f"{name}.parquet", made, {SHOWN: PICTURE})
    assert read_question_file(tmp_path / "one.parquet") == made
    assert read_pictures(tmp_path / "one.parquet") == {SHOWN: PICTURE}
    for path in (tmp_path / "one.parquet", pictures_path(tmp_path / "one.parquet")):
        assert path.read_bytes() == path.with_name(path.name.replace("one", "two")).read_bytes()


def test_pictures_may_be_missing(tmp_path: Path) -> None:
    write_question_file(tmp_path / "nano-1.parquet", content(item()), {})
    assert read_pictures(tmp_path / "nano-1.parquet") == {}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"question": "How few?"}, "its id does not cover"),
        ({"gold": "2"}, "its id does not cover"),
        ({"options": ("1", "2", "3")}, "its id does not cover"),
        ({"images": ()}, "its id does not cover"),
        ({"pictures": ()}, "1 images, but 0 pictures"),
        ({"task": "b"}, "its id does not cover"),
    ],
)
def test_an_item_that_its_id_does_not_cover_is_refused(tmp_path: Path, changed: dict[str, object], says: str) -> None:
    write_question_file(tmp_path / "nano-1.parquet", content(item().model_copy(update=changed)), {})
    with pytest.raises(QuestionFileError, match=rf"nano-1\.parquet: item {item().item_id[:12]} .*{says}"):
        read_question_file(tmp_path / "nano-1.parquet")


def test_an_item_of_a_task_that_is_not_published_is_refused(tmp_path: Path) -> None:
    held = AskedItem(item_id=content_id("b", "q", "a", (), []), task="b", question="q", gold="a")
    write_question_file(tmp_path / "nano-1.parquet", content(held), {})
    with pytest.raises(QuestionFileError, match="task b, not published"):
        read_question_file(tmp_path / "nano-1.parquet")


def test_a_picture_with_other_bytes_is_refused(tmp_path: Path) -> None:
    write_question_file(tmp_path / "nano-1.parquet", content(item()), {SHOWN: PICTURE + b"!"})
    with pytest.raises(QuestionFileError, match=f"picture {SHOWN[:12]}"):
        read_pictures(tmp_path / "nano-1.parquet")


def test_another_file_is_no_question_file(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "b.parquet")
    for name in ("a", "b", "c"):
        with pytest.raises(QuestionFileError, match=rf"{name}\.parquet: not a question file"):
            read_question_file(tmp_path / f"{name}.parquet")
