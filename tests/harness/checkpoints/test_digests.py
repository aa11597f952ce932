"""Large files are hashed once, and never taken for what they were."""

import hashlib
import os
from pathlib import Path

import pytest

from harness.checkpoints import digests
from harness.checkpoints.checkpoint import open_checkpoint
from tests.support.fakes import write_checkpoint


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    calls: list[Path] = []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "_WORTH_IT", 64)
    monkeypatch.setattr(digests, "_SETTLED_NS", -1)

    def sha256(path: Path) -> str:
        calls.append(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    monkeypatch.setattr(digests, "file_sha256", sha256)
    return calls


def test_weights_are_hashed_once_until_they_change(tmp_path: Path, hashed: list[Path]) -> None:
    folder = write_checkpoint(tmp_path / "model")
    weights = folder / "model.safetensors"
    first = open_checkpoint(str(folder)).record
    assert weights in hashed
    hashed.clear()
    assert open_checkpoint(str(folder)).record == first
    assert weights not in hashed
    times = (weights.stat().st_atime_ns, weights.stat().st_mtime_ns)
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=times)
    assert open_checkpoint(str(folder)).record.weights_digest != first.weights_digest
    assert hashed.count(weights) == 1


def test_another_name_of_the_same_file_needs_no_hash(tmp_path: Path, hashed: list[Path]) -> None:
    weights = tmp_path / "w"
    weights.write_bytes(b"x" * 100)
    first = digests.cached_sha256([weights])
    (tmp_path / "other").symlink_to(weights)
    hashed.clear()
    assert digests.cached_sha256([tmp_path / "other"]) == first
    assert not hashed


@pytest.mark.parametrize("content", [b"", b"no json", b"[1]", b'{"1:2:3:4:5": 7}', b"[" * 100_000, b"\xff"])
def test_a_corrupt_cache_is_ignored_and_written_anew(tmp_path: Path, hashed: list[Path], content: bytes) -> None:
    (weights := tmp_path / "w").write_bytes(b"x" * 100)
    expected = digests.cached_sha256([weights])
    digests._file().write_bytes(content)
    assert digests.cached_sha256([weights]) == expected
    hashed.clear()
    assert digests.cached_sha256([weights]) == expected
    assert not hashed


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, hashed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (weights := tmp_path / "w").write_bytes(b"x" * 100)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert digests.cached_sha256([weights]) == [hashlib.sha256(b"x" * 100).hexdigest()]


def test_a_file_changed_just_now_is_not_remembered(
    tmp_path: Path, hashed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "_SETTLED_NS", 60_000_000_000)
    (weights := tmp_path / "w").write_bytes(b"x" * 100)
    digests.cached_sha256([weights])
    digests.cached_sha256([weights])
    assert hashed == [weights, weights]
