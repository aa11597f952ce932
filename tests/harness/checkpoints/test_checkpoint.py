import json
from pathlib import Path

import pytest

from harness.checkpoints.checkpoint import CheckpointError, open_checkpoint, same_tokenizer
from harness.checkpoints.hub import Snapshot
from tests.support.fakes import write_adapter, write_checkpoint


def test_identity_is_in_the_files_and_not_in_the_place(tmp_path: Path) -> None:
    one, two = (open_checkpoint(str(write_checkpoint(tmp_path / name / "model"))) for name in ("a", "b"))
    other = open_checkpoint(str(write_checkpoint(tmp_path / "c" / "model", seed=1)))
    assert one.record == two.record
    assert one.record.weights_digest != other.record.weights_digest
    assert one.record.tokenizer_digest == other.record.tokenizer_digest
    assert str(tmp_path) not in one.record.model_dump_json()


def test_a_training_record_and_a_readme_do_not_change_the_identity(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    before = open_checkpoint(str(folder)).record
    (folder / "training_record.json").write_text("{}")
    (folder / "README.md").write_text("hello")
    assert open_checkpoint(str(folder)).record == before


def test_padding_saved_by_a_trainer_is_no_other_tokenizer(tmp_path: Path) -> None:
    base = open_checkpoint(str(write_checkpoint(tmp_path / "base")))
    folder = write_checkpoint(tmp_path / "tuned", seed=1)
    content = json.loads((folder / "tokenizer.json").read_text())
    content["truncation"] = {"direction": "Right", "max_length": 512, "strategy": "LongestFirst", "stride": 0}
    (folder / "tokenizer.json").write_text(json.dumps(content))
    same_tokenizer(base, open_checkpoint(str(folder)))


def test_another_tokenizer_is_refused(tmp_path: Path) -> None:
    base = open_checkpoint(str(write_checkpoint(tmp_path / "base")))
    other = open_checkpoint(str(write_checkpoint(tmp_path / "other", words=("a", "b", "c"))))
    with pytest.raises(CheckpointError, match="other: its tokenizer differs from that of base"):
        same_tokenizer(base, other)


def test_what_is_not_there_says_what_could_be(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder, and not a hub id"):
        open_checkpoint(str(tmp_path / "missing"))
    with pytest.raises(CheckpointError, match="no such shipped checkpoint; there are"):
        open_checkpoint("nano:huge")
    with pytest.raises(CheckpointError, match=r"config\.json is missing"):
        open_checkpoint(str(tmp_path))


def test_an_adapter_names_the_revision_of_its_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = write_checkpoint(tmp_path / "base")
    adapter = write_adapter(tmp_path / "adapter", base, ["layer"], reference="owner/model")
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"revision": "a" * 40}))
    asked: list[tuple[str, str | None]] = []

    def fetch(repo: str, revision: str | None) -> Snapshot:
        asked.append((repo, revision))
        return Snapshot(base, str(revision))

    monkeypatch.setattr("harness.checkpoints.checkpoint.fetch", fetch)
    open_checkpoint(str(adapter))
    assert asked == [("owner/model", "a" * 40)]


def test_an_adapter_names_its_base(tmp_path: Path) -> None:
    base = write_checkpoint(tmp_path / "base")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_model.safetensors").write_bytes((base / "model.safetensors").read_bytes())
    config = adapter / "adapter_config.json"
    config.write_text(json.dumps({"base_model_name_or_path": str(base), "peft_type": "LORA"}))
    opened = open_checkpoint(str(adapter))
    assert opened.record.kind == "adapter"
    assert opened.base is not None
    assert opened.base.record == open_checkpoint(str(base)).record
    config.write_text('{"peft_type": "LORA"}')
    with pytest.raises(CheckpointError, match="base_model_name_or_path is missing"):
        open_checkpoint(str(adapter))
