"""Checkpoints of the hub: what is downloaded, and what serves without a network."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.scan import CheckpointError
from tests.support.fakes import write_checkpoint
from tests.support.hub_cache import COMMIT, write_snapshot


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "hub"
    folder.mkdir()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    monkeypatch.setattr("huggingface_hub._snapshot_download.constants.HF_HUB_CACHE", str(folder))
    return folder


def test_a_cached_snapshot_serves_offline(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    source = write_checkpoint(tmp_path / "model")
    write_snapshot(cache, "owner/name", source)
    digest = open_checkpoint(str(source)).record.weights_digest
    for reference in ("owner/name", "owner/name@main", f"owner/name@{COMMIT}"):
        record = open_checkpoint(reference).record
        assert (record.name, record.source, record.revision) == ("owner/name", "hub", COMMIT)
        assert record.weights_digest == digest
    with pytest.raises(CheckpointError, match=r"owner/other: .*HF_HUB_OFFLINE is set.*hf download owner/other"):
        open_checkpoint("owner/other")
    with pytest.raises(CheckpointError, match=f"hf download owner/name --revision {'b' * 40}"):
        open_checkpoint(f"owner/name@{'b' * 40}")


def test_without_a_network_the_cache_is_named_and_a_commit_served(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(CheckpointError, match=r"owner/name: no such folder, and the hub cannot be reached"):
        open_checkpoint("owner/name")
    write_snapshot(cache, "owner/name", write_checkpoint(tmp_path / "model"))
    with pytest.raises(CheckpointError, match=rf"owner/name@{COMMIT} is in the cache .*HF_HUB_OFFLINE=1"):
        open_checkpoint("owner/name")
    assert open_checkpoint(f"owner/name@{COMMIT}").record.revision == COMMIT


def test_a_snapshot_in_the_cache_is_a_folder(tmp_path: Path, cache: Path) -> None:
    snapshot = write_snapshot(cache, "owner/name", write_checkpoint(tmp_path / "model"))
    assert open_checkpoint(str(snapshot)).record.source == "local"
    (snapshot / "model.safetensors").resolve().unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors: not a plain file, or a link to nothing"):
        open_checkpoint(str(snapshot))


def serve(monkeypatch: pytest.MonkeyPatch, cache: Path, source: Path, more: list[str]) -> list[list[str]]:
    """A hub that has the files of ``source`` and names ``more``; returns what is downloaded of it, call by call."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    names = [*(path.name for path in source.iterdir()), *more]
    info = SimpleNamespace(sha=COMMIT, siblings=[SimpleNamespace(rfilename=name) for name in names])
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: info)
    asked: list[list[str]] = []

    def download(repo: str, *, revision: str, allow_patterns: list[str]) -> str:
        asked.append(sorted(allow_patterns))
        target = cache.parent / f"part-{len(asked)}"
        target.mkdir()
        for name in allow_patterns:
            (target / name).write_bytes((source / name).read_bytes())
        return str(write_snapshot(cache / str(len(asked)), repo, target, revision))

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    return asked


def test_only_what_is_used_is_downloaded(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_checkpoint(tmp_path / "model")
    more = ["pytorch_model.bin", "modeling_x.py", "original/consolidated.00.pth", "README.md", "model.gguf",
            "checkpoint-5/optimizer.pt", "consolidated.safetensors", "params.json"]  # fmt: skip
    asked = serve(monkeypatch, cache, source, more)
    assert open_checkpoint("owner/name").record.revision == COMMIT
    assert asked == [sorted(path.name for path in source.iterdir())]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["checkpoint-5/config.json", "checkpoint-10/config.json"],
         r"download one of them and name its folder \(checkpoint-10, checkpoint-5; `hf download owner/name --include"),
        (["pytorch_model.bin"], "owner/name/pytorch_model.bin: pickle-like"),
        (["model.gguf"], "model.gguf is not read"),
        (["../x"], "points outside the folder"),
    ],
)  # fmt: skip
def test_a_repository_that_cannot_be_used_is_not_downloaded(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], says: str
) -> None:
    source = write_checkpoint(tmp_path / "model")
    (source / "model.safetensors").unlink()
    asked: list[Any] = serve(monkeypatch, cache, source, more)
    with pytest.raises(CheckpointError, match=says):
        open_checkpoint("owner/name")
    assert asked == []
