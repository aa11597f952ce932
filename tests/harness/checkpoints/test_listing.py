"""The names in a stranger's folder: what leads out of it or misleads is refused before a file is opened."""

import os
from pathlib import Path

import pytest

from harness.checkpoints.listing import contents_of, list_folder, list_repository, scan_names
from harness.checkpoints.scan import CheckpointError
from tests.support.fakes import write_checkpoint
from tests.support.hub_cache import write_snapshot


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../../outside.json", "points outside"),
        ("/etc/passwd", "points outside"),
        ("~/x.json", "points outside"),
        ("a//b", "points outside"),
        ("\\\\server\\share\\x.json", "points outside"),
        ("C:x.json", "points outside"),
        ("config.json\n", "invisible characters"),
        ("config\u202enosj.json", "invisible characters"),
        ("con\u200bfig.json", "invisible characters"),
        ("x\udcff.json", "invisible characters"),
        ("x" * 256, "longer than 255 bytes"),
        ("x/" * 600 + "y", "longer than"),
        ("aux.json", "on other systems"),
        ("config.json.", "on other systems"),
        (" config.json", "on other systems"),
    ],
)
def test_names_that_mislead_are_refused(name: str, why: str) -> None:
    with pytest.raises(CheckpointError, match=f"^repo: file name .* {why}") as caught:
        scan_names("repo", ["config.json", name])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_names_that_are_one_file_elsewhere_are_refused() -> None:
    for other in ("CONFIG.json", "Config.Json"):
        with pytest.raises(CheckpointError, match="the same file on some systems"):
            scan_names("repo", ["config.json", other])
    with pytest.raises(CheckpointError, match="the same file on some systems"):
        scan_names("repo", ["caf\u00e9.txt", "cafe\u0301.txt"])
    with pytest.raises(CheckpointError, match="at most 10,000"):
        scan_names("repo", [str(number) for number in range(10_001)])


def test_a_repository_is_listed_one_level_deep() -> None:
    names = ["config.json", "runs/Nov29_10:00:00/events", "checkpoint-5/config.json", "checkpoint-5/model.safetensors"]
    listing = list_repository("owner/name", names)
    assert listing.files == ("config.json",)
    assert listing.folders == ("checkpoint-5", "runs")
    assert listing.nested == ("checkpoint-5",)
    for name in ("runs/../../x", "runs/./x", "a\\b"):
        with pytest.raises(CheckpointError, match="points outside the folder"):
            list_repository("owner/name", ["config.json", name])


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "secret.json").write_text("{}")
    for target in (tmp_path / "secret.json", tmp_path / "elsewhere", "/etc/passwd", "../secret.json", "x"):
        (folder / "x").symlink_to(target)
        with pytest.raises(CheckpointError, match="x: a link in a checkpoint folder that leaves it"):
            list_folder(folder)
        (folder / "x").unlink()


def test_a_link_inside_the_folder_is_no_way_out(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    write_checkpoint(folder / "checkpoint-10")
    (folder / "latest").symlink_to("checkpoint-10")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to("checkpoint-10/model.safetensors")
    contents = contents_of(folder)
    assert "model.safetensors" in contents.used
    assert set(contents.ignored) == {"latest/", "checkpoint-10/"}


def test_what_is_no_file_is_refused_where_it_is_used(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    os.mkfifo(folder / "model.safetensors.index.json")
    with pytest.raises(CheckpointError, match=r"index\.json: not a plain file"):
        contents_of(folder)
    (folder / "model.safetensors.index.json").unlink()
    os.mkfifo(folder / "notes")
    assert contents_of(folder).ignored == {"notes": "not read by any engine"}


def test_links_of_the_hubs_cache_lead_to_its_blobs_alone(tmp_path: Path) -> None:
    snapshot = write_snapshot(tmp_path / "hub", "owner/name", write_checkpoint(tmp_path / "model"))
    assert "config.json" in contents_of(snapshot).used
    assert all((snapshot / name).is_symlink() for name in contents_of(snapshot).used)
    other = write_snapshot(tmp_path / "hub", "owner/other", write_checkpoint(tmp_path / "second", seed=1))
    for target in (tmp_path / "model" / "config.json", (other / "config.json").resolve(), "../../../x"):
        (snapshot / "extra.json").symlink_to(target)
        with pytest.raises(CheckpointError, match="a link in a checkpoint folder"):
            contents_of(snapshot)
        (snapshot / "extra.json").unlink()


def test_blobs_that_are_a_link_are_nobodys(tmp_path: Path) -> None:
    snapshot = write_snapshot(tmp_path / "hub", "owner/name", write_checkpoint(tmp_path / "model"))
    blobs = snapshot.parent.parent / "blobs"
    blobs.rename(tmp_path / "moved")
    blobs.symlink_to(tmp_path / "moved")
    with pytest.raises(CheckpointError, match="a link in a checkpoint folder"):
        contents_of(snapshot)
