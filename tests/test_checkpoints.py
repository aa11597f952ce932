import json
import struct
from pathlib import Path

import pytest

from harness.checkpoints import Checkpoint, CheckpointError, open_checkpoint, same_tokenizer
from tests.fakes import write_adapter, write_checkpoint


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


def test_no_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(CheckpointError, match=r"someone/some-model: .*the hub cannot be reached"):
        open_checkpoint("someone/some-model")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.ckpt", "a.pkl", "sub/model.pth"])
def test_pickle_weights_are_refused(tmp_path: Path, name: str) -> None:
    folder = write_checkpoint(tmp_path / "model")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"\x80\x04.")
    with pytest.raises(CheckpointError, match="convert them to safetensors"):
        open_checkpoint(str(folder))


def test_code_in_a_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    (folder / "modeling_evil.py").write_text("raise SystemExit")
    with pytest.raises(CheckpointError, match=r"modeling_evil\.py: code in a checkpoint"):
        open_checkpoint(str(folder))


def test_auto_map_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    (folder / "config.json").write_text('{"architectures": ["X"], "auto_map": {"AutoModel": "evil.Model"}}')
    with pytest.raises(CheckpointError, match=r"config\.json: auto_map"):
        open_checkpoint(str(folder))


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["evil.Tokenizer", None]}}, "auto_map"),
        ("processor_config.json", {"image_processor": {"auto_map": {"AutoImageProcessor": "evil.P"}}}, "auto_map"),
        ("config.json", {"architectures": ["X"], "text_config": {"auto_map": {"AutoModel": "e.M"}}}, "auto_map"),
        ("config.json", {"architectures": ["X"], "layers": [{"auto_map": "evil--repo"}]}, "auto_map"),
        ("config.json", {"text_config": {"_attn_implementation": "owner/kernel"}}, "_attn_implementation"),
    ],
)
def test_code_asked_for_at_any_depth_is_refused(tmp_path: Path, name: str, content: object, key: str) -> None:
    folder = write_checkpoint(tmp_path / "model")
    (folder / name).write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=f"{name}: {key} asks for code"):
        open_checkpoint(str(folder))


def test_a_vocabulary_may_hold_any_word(tmp_path: Path) -> None:
    open_checkpoint(str(write_checkpoint(tmp_path / "model", words=("auto_map", "attn_implementation"))))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("peft_type", "XLORA", "peft_type 'XLORA' is not run here; there are BOFT"),
        ("peft_type", None, "peft_type None is not run here"),
        ("auto_mapping", {"base_model_class": "M", "parent_library": "os"}, "auto_mapping names module 'os'"),
        ("auto_mapping", {"parent_library": "transformers.x; evil"}, "auto_mapping names module"),
        ("auto_mapping", "evil", "auto_mapping names module 'evil'"),
        ("megatron_core", "evil.module", "megatron_core names a module"),
        ("megatron_config", {"tensor_model_parallel_size": 1}, "megatron_core names a module"),
    ],
)
def test_an_adapter_that_names_code_or_is_of_an_unknown_kind_is_refused(
    tmp_path: Path, field: str, value: object, message: str
) -> None:
    base = write_checkpoint(tmp_path / "base")
    adapter = write_adapter(tmp_path / "adapter", base, ["layer"])
    stock = {"base_model_class": "LlamaForCausalLM", "parent_library": "transformers.models.llama.modeling_llama"}
    config = json.loads((adapter / "adapter_config.json").read_text()) | {"auto_mapping": stock}
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    assert open_checkpoint(str(adapter)).record.kind == "adapter"
    (adapter / "adapter_config.json").write_text(json.dumps(config | {field: value}))
    with pytest.raises(CheckpointError, match=f"adapter_config.json: {message}"):
        open_checkpoint(str(adapter))


def test_an_adapter_names_the_revision_of_its_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = write_checkpoint(tmp_path / "base")
    adapter = write_adapter(tmp_path / "adapter", base, ["layer"], reference="owner/model")
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"revision": "a" * 40}))
    asked: list[tuple[str, str | None]] = []

    def from_hub(repo: str, revision: str | None) -> Checkpoint:
        asked.append((repo, revision))
        return open_checkpoint(str(base))

    monkeypatch.setattr("harness.checkpoints._from_hub", from_hub)
    open_checkpoint(str(adapter))
    assert asked == [("owner/model", "a" * 40)]


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    (tmp_path / "secret.json").write_text("{}")
    (folder / "extra.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(CheckpointError, match="a link in a checkpoint folder"):
        open_checkpoint(str(folder))


def header(entries: object) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        struct.pack("<Q", 1 << 62) + b"{}",
        header({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}}) + b"\0" * 4,
        header({"w": {"data_offsets": [0, 4]}, "v": {"data_offsets": [2, 6]}}) + b"\0" * 6,
        header({"w": {"data_offsets": "ab"}}),
        header(["w"]),
        struct.pack("<Q", 100_000) + b"[" * 100_000,
    ],
)
def test_malformed_safetensors_headers_are_refused(tmp_path: Path, content: bytes) -> None:
    folder = write_checkpoint(tmp_path / "model")
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match="safetensors"):
        open_checkpoint(str(folder))


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
