import hashlib
import json
from pathlib import Path
from typing import Any

import datasets
import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants

from harness import plugin
from harness.items import Item
from harness.plugin import Reader
from harness.sources import (
    LocalFile,
    PictureSource,
    Source,
    SourceError,
    data_folder,
    hub_has,
    read_rows,
    use_hub_or_cache,
)
from tests.support.hub_sets import blink, mme, picture


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with one set of five rows."""
    folder = tmp_path / "data"
    (folder / "sums").mkdir(parents=True)
    (folder / "sums" / "test.jsonl").write_text("".join(json.dumps({"a": k, "b": 2}) + "\n" for k in range(5)))
    monkeypatch.setenv("RETENTION_DATA", str(folder))
    return folder


SUMS = Source("nobody/sums", "0" * 40, "test", "sums", files=("test.jsonl",))


def test_rows_come_from_the_data_folder(data: Path) -> None:
    assert [row["a"] for row in SUMS.rows()] == [0, 1, 2, 3, 4]


def test_a_copy_of_another_shape_is_read_as_the_source_says(data: Path) -> None:
    def copy(folder: Path) -> list[dict[str, Any]]:
        return [{"a": row["a"] * 10} for row in read_rows(folder / "test.jsonl")]

    source = Source("nobody/sums", "0" * 40, "test", "sums", copy=copy)
    assert [row["a"] for row in source.rows()] == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("text", ['{"a": ', "[1]"])
def test_a_copy_that_cannot_be_read_is_named(data: Path, text: str) -> None:
    (data / "sums" / "test.jsonl").write_text(text)
    source = Source(
        "nobody/sums", None, "test", "sums", copy=lambda f: [{"a": r["a"]} for r in read_rows(f / "test.jsonl")]
    )
    with pytest.raises(SourceError, match="sums: not a readable copy of nobody/sums"):
        list(source.rows())


def test_a_file_that_is_on_no_hub_is_known_by_its_digest(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = (data / "sums" / "test.jsonl").read_bytes()
    source = LocalFile("sums/test.jsonl", hashlib.sha256(content).hexdigest(), "example.org/sums")
    assert [row["a"] for row in source.rows()] == [0, 1, 2, 3, 4]
    assert source.pinned() == {"file": "sums/test.jsonl", "sha256": source.sha256, "constants": ()}
    marked = LocalFile(source.path, source.sha256, source.origin, (("kind", "easy"),))
    assert {row["kind"] for row in marked.rows()} == {"easy"}
    (data / "sums" / "test.jsonl").write_bytes(content + b"\n")
    for read in (source.rows, source.pinned):
        with pytest.raises(SourceError, match=f"but the task names {source.sha256[:12]}; restore the file"):
            read()
    monkeypatch.delenv("RETENTION_DATA")
    with pytest.raises(SourceError, match=r"on no hub: it comes from example\.org/sums; give a folder"):
        source.rows()


def test_what_is_read_is_pinned_by_its_content_or_by_its_revision(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = SUMS.pinned()
    (data / "sums" / "test.jsonl").write_text("")
    assert SUMS.pinned() != before
    (data / "sums" / "test.jsonl").unlink()
    assert SUMS.pinned() is None
    monkeypatch.delenv("RETENTION_DATA")
    assert SUMS.pinned()["revision"] == "0" * 40
    assert Source("nobody/sums", None, "test", "sums").pinned() is None


def test_without_data_and_without_a_hub_one_line_says_the_way_out(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    source = Source("nobody/elsewhere", "0" * 40, "test", "elsewhere", gated=True)
    with pytest.raises(SourceError, match=r"no folder elsewhere.*accept its terms.*--data-dir") as caught:
        list(source.rows())
    assert "\n" not in str(caught.value)
    monkeypatch.delenv("RETENTION_DATA")
    with pytest.raises(SourceError, match="no data folder is set"):
        list(source.rows())


@pytest.mark.parametrize("answers", [True, False])
def test_a_hub_that_does_not_answer_is_asked_once_and_then_left_alone(
    monkeypatch: pytest.MonkeyPatch, answers: bool
) -> None:
    asked = []

    def head(url: str, **_: Any) -> None:
        asked.append(url)
        if not answers:
            raise httpx.ConnectError("no route")

    monkeypatch.setattr(constants, "ENDPOINT", f"https://hub-that-answers-{answers}.example")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(httpx, "head", head)
    for _ in range(3):
        use_hub_or_cache()
    assert asked == [constants.ENDPOINT]
    assert constants.is_offline_mode() is datasets.config.HF_HUB_OFFLINE is not answers


def test_offline_mode_that_ended_is_not_taken_for_a_hub_that_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    def head(url: str, **_: Any) -> None:
        raise httpx.ConnectError("no route")

    monkeypatch.setattr(constants, "ENDPOINT", "https://hub-asked-later.example")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(httpx, "head", head)
    assert not hub_has("nobody/sums", "0" * 40)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert not hub_has("nobody/sums", "0" * 40)
    assert constants.is_offline_mode()


def test_a_data_folder_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_DATA", "/nowhere/at/all")
    with pytest.raises(SourceError, match="no such folder"):
        data_folder()


def _items(rows: Any) -> list[Item]:
    return [
        Item(
            task="sums", question=f"{row['a']} + {row['b']}?", answer=str(row["a"] + row["b"]), target="", guess_rate=0
        )
        for row in rows
    ]


def test_a_reader_gives_each_item_once_in_an_order_of_its_own(data: Path) -> None:
    load = plugin.reader({"sums": Reader((SUMS, SUMS), _items)})
    first, again, other = (load("sums", seed)["test"]["item_id"] for seed in (0, 0, 1))
    assert len(set(first)) == len(first) == 5
    assert first == again
    assert sorted(first) == sorted(other)
    assert first != other


def test_the_order_does_not_depend_on_the_order_of_the_rows(data: Path) -> None:
    items = _items([{"a": k, "b": 1} for k in range(20)])
    assert plugin.sampled(items, 3) == plugin.sampled(items[::-1], 3)


MME = PictureSource("lmms-lab/MME", "0" * 40, "test", "mme", files=("data/test-*.parquet",))


@pytest.mark.usefixtures("hub_cache")
def test_pictures_of_a_set_are_the_encoded_files_in_it(data: Path) -> None:
    mme(data)
    rows = list(MME.rows())
    assert [row["answer"] for row in rows] == ["Yes", "No"] * 4
    assert all(row["image"][:3] == b"\xff\xd8\xff" for row in rows)
    assert MME.picture(5, "image") == rows[5]["image"]


@pytest.mark.usefixtures("hub_cache")
def test_a_folder_of_the_same_name_that_is_no_copy_of_the_repository_is_passed_over(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (data / "mme").mkdir()
    (data / "mme" / "rows.jsonl").write_text("{}\n")
    with pytest.raises(SourceError, match=r"data set lmms-lab/MME: .*connect to the hub, or give a folder"):
        list(MME.rows())


@pytest.mark.usefixtures("hub_cache")
def test_a_copy_that_is_damaged_is_named_with_the_way_out(data: Path) -> None:
    mme(data)
    (file,) = (data / "mme").rglob("*.parquet")
    file.write_bytes(b"PAR1 and no more")
    source = PictureSource("lmms-lab/MME", "0" * 40, "test", "mme", files=("data/test-*.parquet",))
    with pytest.raises(SourceError, match=r"mme: not a readable copy .*split test .*hf download lmms-lab/MME"):
        list(source.rows())


@pytest.mark.usefixtures("hub_cache")
def test_a_copy_that_has_changed_is_read_again_and_another_of_its_name_is_another(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mme(data)
    questions = [row["question"] for row in MME.rows()]
    rewrite(data, "changed")
    assert [row["question"] for row in MME.rows()] == ["changed", *questions[1:]]
    other = tmp_path / "other"
    mme(other)
    rewrite(other, "another")
    monkeypatch.setenv("RETENTION_DATA", str(other))
    assert MME.picture(1, "image")[:2] == b"\xff\xd8"
    assert next(MME.rows())["question"] == "another"


def rewrite(root: Path, question: str) -> None:
    (file,) = root.rglob("*.parquet")
    table = pq.read_table(file)
    rows = table.to_pylist()
    rows[0]["question"] = question
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)


@pytest.mark.usefixtures("hub_cache")
def test_a_row_without_the_picture_is_named(data: Path) -> None:
    blink(data)
    files = ("Counting/val-*.parquet",)
    source = PictureSource("b/b", "0" * 40, "val", "blink", files=files, pictures=("image_1", "image_2"))
    with pytest.raises(SourceError, match="b/b: row 1 of val has no picture in column image_2"):
        source.picture(1, "image_2")
    assert [row["image_2"] for row in source.rows()] == [None, None]


@pytest.mark.usefixtures("hub_cache")
def test_the_hub_is_asked_for_the_pinned_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load_dataset(*args: Any, **options: Any) -> datasets.Dataset:
        asked.append((args, options))
        features = datasets.Features({"image": datasets.Image(), "question": datasets.Value("string")})
        return datasets.Dataset.from_list([{"image": picture(1), "question": "q"}], features=features)

    monkeypatch.delenv("RETENTION_DATA", raising=False)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    source = PictureSource("some/set", "a" * 40, "test", "nowhere", files=("data/test-*.parquet",))
    (row,) = source.rows()
    assert row["image"] == picture(1)["bytes"]
    (((repo,), options),) = asked
    assert (repo, options["revision"], options["split"]) == ("some/set", "a" * 40, "test")
    assert options["data_files"] == {"test": ["data/test-*.parquet"]}
