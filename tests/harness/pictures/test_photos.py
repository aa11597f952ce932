"""Photos: pictures of a folder and of a pinned collection, read one at a time, and refused by name."""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness import sources
from harness.pictures import photos
from harness.pictures.photos import LONGEST, Collection, Folder, PhotoError, decode
from harness.sources import SourceError


def encoded(height: int, width: int, kind: str = "PNG", seed: int = 0, **options: object) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def test_a_folder_lists_pictures_below_it_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/two.PNG", "one.jpg", "notes.txt", "a.webp"):
        (tmp_path / name).write_bytes(encoded(4, 4))
    assert list(Folder(tmp_path).names()) == ["a.webp", "b/two.PNG", "one.jpg"]


def test_a_picture_is_known_by_its_file(tmp_path: Path) -> None:
    data = encoded(5, 7)
    (tmp_path / "one.png").write_bytes(data)
    digest, pixels = Folder(tmp_path).open("one.png")
    assert digest == hashlib.sha256(data).hexdigest()
    assert pixels.shape == (5, 7, 3)
    assert pixels.dtype == np.uint8


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_no_folder_and_no_pictures_are_one_clear_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"no such folder of pictures|no pictures in it; supported are \.jpg"):
        Folder(tmp_path / name).names()


@pytest.mark.parametrize("data", [b"", b"no picture", encoded(9, 9)[:60], encoded(64, 64, "JPEG")[:700]])
def test_what_is_no_picture_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(PhotoError, match=r"photo\.jpg: not a readable picture"):
        decode(data, "photo.jpg")


def test_a_file_that_claims_too_many_pixels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    with pytest.raises(PhotoError, match="DecompressionBomb"):
        decode(encoded(8, 8))


def test_pictures_are_upright_in_colour_and_of_bounded_size() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated a quarter
    assert decode(encoded(20, 30, "JPEG", exif=exif)).shape == (30, 20, 3)
    grey = io.BytesIO()
    Image.new("L", (6, 4), 77).save(grey, "PNG")
    assert decode(grey.getvalue()).tolist() == [[[77] * 3] * 6] * 4
    assert decode(encoded(4, LONGEST)).shape == (4, LONGEST, 3)
    assert decode(encoded(4, LONGEST + 2)).shape == (2, LONGEST // 2 + 1, 3)


def test_large_pictures_are_reduced_by_block_means() -> None:
    pixels = np.zeros((2, 2 * LONGEST, 3), dtype=np.uint8)
    pixels[:, 1::2] = 100
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    assert np.array_equal(decode(file.getvalue()), np.full((1, LONGEST, 3), 50))


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    data = {"01": encoded(6, 6, "JPEG", seed=1), "02": encoded(6, 6, "JPEG", seed=2)}
    rows = "".join(f"{name},CC0,{hashlib.sha256(each).hexdigest()}\n" for name, each in data.items())
    (tmp_path / "listing.csv").write_text(f"name,licence,sha256\n{rows}")
    (tmp_path / "data" / "copy").mkdir(parents=True)
    (tmp_path / "data" / "copy" / "picture_01.jpg").write_bytes(data["01"])
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name, each in data.items():
            archive.writestr(f"val/{name}.jpg", each)
        archive.writestr("val/03.jpg", b"not listed")
    return Collection(
        repo="someone/pictures",
        revision="0" * 40,
        archive="all.zip",
        member="val/{name}.jpg",
        copies=("other/{name}.jpg", "copy/picture_{name}.jpg"),
        listing=tmp_path / "listing.csv",
    )


def test_copy_and_archive_give_the_same_picture(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def downloaded(repo: str, revision: str, archive: str, wanted: str) -> Path:
        asked.append((repo, revision, archive, wanted))
        return tmp_path / "all.zip"

    monkeypatch.setattr(photos, "hub_file", downloaded)
    monkeypatch.setenv("RETENTION_DATA", str(tmp_path / "data"))
    assert list(collection.names()) == ["01", "02"]
    from_copy = collection.open("01")
    assert not asked
    collection.open("02")
    monkeypatch.delenv("RETENTION_DATA")
    from_archive = collection.open("01")
    assert asked == [("someone/pictures", "0" * 40, "all.zip", f"other/{name}.jpg") for name in ("02", "01")]
    assert from_copy[0] == from_archive[0]
    assert np.array_equal(from_copy[1], from_archive[1])


def test_other_bytes_than_listed_are_refused(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "copy" / "picture_01.jpg").write_bytes(encoded(6, 6, "JPEG", seed=3))
    with pytest.raises(SourceError, match=r"picture_01\.jpg: sha256 [0-9a-f]{12}, but listing\.csv lists [0-9a-f]{12}"):
        collection.open("01")


def test_an_archive_without_the_picture_is_one_clear_line(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("val/99.jpg", b"")
    monkeypatch.setattr(photos, "hub_file", lambda *_: tmp_path / "all.zip")
    photos._opened.cache_clear()
    monkeypatch.delenv("RETENTION_DATA", raising=False)
    with pytest.raises(SourceError, match=r"val/02\.jpg is missing or unreadable"):
        collection.open("02")


def test_no_data_and_no_hub_is_one_clear_line(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def fail(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    monkeypatch.setattr(sources, "use_hub_or_cache", lambda: None)
    monkeypatch.delenv("RETENTION_DATA", raising=False)
    sources.hub_file.cache_clear()
    with pytest.raises(
        SourceError, match=r"someone/pictures: no data folder is set, .* give a folder that contains other"
    ):
        collection.open("02")
