"""Names follow from content, and a folder's sums are what sha256sum reads."""

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.errors import RetentionError
from leaderboard.documents.identity import ENTRY_ID, base_folder, entry_id, read_sums, seal


def test_the_id_follows_from_the_pair_alone() -> None:
    assert entry_id("nano-1", "a" * 64, "b" * 64, "direct") == "45o6xutcnmlr"
    others = [("nano-2", "a", "b", "direct"), ("nano-1", "b", "a", "direct"), ("nano-1", "a", "b", "think")]
    assert len({entry_id(*other) for other in others}) == 3


@pytest.mark.parametrize("name", ["45o6xutcnmlr\n", "45O6XUTCNMLR", "45o6xutcnml1", "45o6xutcnml", "../../etc/pw"])
def test_what_is_no_entry_id(name: str) -> None:
    assert ENTRY_ID.match("45o6xutcnmlr")
    assert not ENTRY_ID.match(name)


def test_a_base_has_one_place(tmp_path: Path) -> None:
    assert base_folder(tmp_path, "nano-1", "c" * 64) == tmp_path / "nano-1" / ("c" * 12)


def test_sums_list_every_file_once_and_are_read_by_others(tmp_path: Path) -> None:
    (tmp_path / "tuned").mkdir()
    (tmp_path / "manifest.yaml").write_text("a: b\n")
    (tmp_path / "tuned" / "run.json").write_bytes(b"{}\r\n")
    seal(tmp_path)
    first = (tmp_path / "SHA256SUMS").read_bytes()
    assert list(read_sums(tmp_path / "SHA256SUMS")) == ["manifest.yaml", "tuned/run.json"]
    seal(tmp_path)
    assert (tmp_path / "SHA256SUMS").read_bytes() == first
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"abc",
        b"0" * 64 + b"  a",
        b"0" * 64 + b" a\n",
        b"0" * 63 + b"g  a\n",
        b"0" * 64 + b"  a\n" + b"1" * 64 + b"  a\n",
        b"0" * 64 + b"  a b\n",
        b"\xff" * 64 + b"  a\n",
        b"0" * 64 + b"  a\r\n",
    ],
)
def test_other_sums_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "SHA256SUMS").write_bytes(data)
    with pytest.raises(RetentionError, match=r"SHA256SUMS: (line|does not end)"):
        read_sums(tmp_path / "SHA256SUMS")
