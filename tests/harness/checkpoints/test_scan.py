"""The scan of a stranger's model folder: what would run, lead elsewhere or never end is refused before it is opened."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from harness.checkpoints import scan
from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.scan import CheckpointError
from tests.support.fakes import write_adapter, write_checkpoint


def test_auto_map_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    (folder / "config.json").write_text('{"architectures": ["X"], "auto_map": {"AutoModel": "evil.Model"}}')
    with pytest.raises(CheckpointError, match=r"config\.json: auto_map"):
        open_checkpoint(str(folder))


@pytest.mark.parametrize("magic", [b"\x80\x02}q\x00.", b"\x80\x05}.", b"PK\x03\x04torch", b"\x89HDF\r\n", b"\x7fELF"])
def test_pickles_and_programs_are_known_by_how_they_begin(tmp_path: Path, magic: bytes) -> None:
    folder = write_checkpoint(tmp_path / "model")
    (folder / "tokenizer.model").write_bytes(magic)
    with pytest.raises(CheckpointError, match=r"tokenizer\.model: pickle-like"):
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
    (folder / "config.json").write_text('{"architectures": ["X"]}')  # What a stock model asks for is left out.
    (folder / name).write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=f"{name}: {key} would run the checkpoint"):
        open_checkpoint(str(folder))


def test_a_vocabulary_may_hold_any_word(tmp_path: Path) -> None:
    open_checkpoint(str(write_checkpoint(tmp_path / "model", words=("auto_map", "attn_implementation"))))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("peft_type", "XLORA", "peft_type 'XLORA' is not supported; use one of BOFT"),
        ("peft_type", None, "peft_type None is not supported"),
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


def put(folder: Path, name: str, content: dict[str, Any]) -> None:
    path = folder / name
    known = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(known | content))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", {"custom_pipelines": {"p": {"impl": "p.P"}}}, "custom_pipelines would run the checkpoint"),
        (
            "config.json",
            {"vision_config": {"use_pretrained_backbone": True}},
            "use_pretrained_backbone would run",
        ),
        ("tokenizer_config.json", {"fast_tokenizer_files": ["tokenizer.9.json"]}, "names a tokenizer other"),
        ("tokenizer_config.json", {"vocab_file": "/etc/passwd"}, "vocab_file names a file outside"),
        ("tokenizer_config.json", {"tokenizer_file": "../x.json"}, "tokenizer_file names a file outside"),
        ("tokenizer_config.json", {"init_inputs": ["x"]}, "init_inputs would be passed"),
        ("tokenizer_config.json", {"added_tokens_decoder": {"1": {"content": "42"}}}, "renames token 1"),
        ("model.safetensors.index.json", {"weight_map": {"w": "evil.dat"}}, "weight_map names 'evil.dat'"),
        ("model.safetensors.index.json", {"weight_map": {"w": "../x.safetensors"}}, r"names '\.\./x\.safetensors'"),
        ("model.safetensors.index.json", {"weight_map": {"w": ["x"]}}, "which is not a .safetensors file"),
        ("model.safetensors.index.json", {"weight_map": []}, "weight_map is missing"),
    ],
)
def test_a_configuration_that_names_code_or_files_is_refused(
    tmp_path: Path, name: str, content: dict[str, Any], message: str
) -> None:
    folder = write_checkpoint(tmp_path / "model")
    put(folder, name, content)
    with pytest.raises(CheckpointError, match=message):
        open_checkpoint(str(folder))


def test_what_savers_write_passes(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    put(folder, "tokenizer_config.json", {"tokenizer_file": None, "vocab_file": "vocab.json", "init_inputs": [],
        "added_tokens_decoder": {"0": {"content": "<|im_start|>"}, "1": {"content": "<|im_end|>"}}})  # fmt: skip
    put(folder, "model.safetensors.index.json", {"weight_map": {"layer.weight": "model.safetensors"}})
    assert "model.safetensors" in open_checkpoint(str(folder)).record.files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{" * 300_000, "more values than"),
        (b"[" + b"[]," * 1_300_000 + b"[]]", "more values than"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"n": ' + b"9" * 5000 + b"}", "not valid JSON"),
    ],
)
def test_json_is_read_within_bounds(tmp_path: Path, content: bytes, message: str) -> None:
    folder = write_checkpoint(tmp_path / "model")
    (folder / "generation_config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"generation_config\.json: .*{message}") as caught:
        open_checkpoint(str(folder))
    assert len(str(caught.value)) < 500


def test_json_of_any_size_is_not_read(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    with (folder / "preprocessor_config.json").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    with pytest.raises(CheckpointError, match="bytes, more than the"):
        open_checkpoint(str(folder))


def test_weights_may_begin_like_a_pickle(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    header = b"{}".ljust(0x280)
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert (folder / "model.safetensors").read_bytes()[:2] == b"\x80\x02"
    open_checkpoint(str(folder))


def test_a_tokenizer_that_blows_text_up_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    step = {"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaa"}
    put(folder, "tokenizer.json", {"normalizer": {"type": "Sequence", "normalizers": [step, step]}})
    open_checkpoint(str(folder))
    put(folder, "tokenizer.json", {"normalizer": {"type": "Sequence", "normalizers": [step] * 6}})
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: its Replace steps"):
        open_checkpoint(str(folder))


def test_a_malformed_header_names_its_file(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    (folder / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(CheckpointError, match=r"model\.safetensors: safetensors header length"):
        open_checkpoint(str(folder))


def adapter_with(folder: Path, **fields: Any) -> Path:
    base = write_checkpoint(folder / "base")
    adapter = write_adapter(folder / "adapter", base, ["layer"])
    put(adapter, "adapter_config.json", fields)
    return adapter


def test_an_adapter_that_has_a_file_unpickled_is_refused(tmp_path: Path) -> None:
    adapter = adapter_with(tmp_path, corda_config={"covariance_file": "/tmp/x.pt"})
    with pytest.raises(CheckpointError, match="corda_config names a file that would be unpickled"):
        open_checkpoint(str(adapter))


def test_patterns_of_module_names_are_tried_first(tmp_path: Path) -> None:
    for number, pattern in enumerate(("all-linear", "layer", r"^(?!.*visual).*(layer|other)$")):
        open_checkpoint(str(adapter_with(tmp_path / str(number), target_modules=pattern)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {"target_modules": "(l|la|a|y|e|r|.)*(l|la|a|y|e|r|.)*(l|la|a|y|e|r|.)*" * 4 + "#"},
        {"target_modules": "(("},
        {"exclude_modules": "x" * 5_000},
        {"rank_pattern": {"((": 4}},
        {"alpha_pattern": {f"a{number}.*": 1 for number in range(300)}},
    ],
)
def test_patterns_that_never_end_or_cannot_be_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    adapter = adapter_with(tmp_path, **fields)
    with pytest.raises(CheckpointError, match=r"adapter_config\.json: .*patterns"):
        open_checkpoint(str(adapter))


def test_an_adapter_on_itself_does_not_go_round_in_circles(tmp_path: Path) -> None:
    adapter = adapter_with(tmp_path)
    put(adapter, "adapter_config.json", {"base_model_name_or_path": str(adapter)})
    with pytest.raises(CheckpointError, match="its base adapter is an adapter itself"):
        open_checkpoint(str(adapter))
    for reference in ("x" * 5_000, "~nobody-of-that-name/x", "a\x00b"):
        put(adapter, "adapter_config.json", {"base_model_name_or_path": reference})
        with pytest.raises(CheckpointError, match="no such folder"):
            open_checkpoint(str(adapter))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("processor_config.json", {"processor_class": "RagRetriever"}, "processor_class 'RagRetriever'"),
        ("processor_config.json", {"image_processor": {"image_processor_type": "AutoModel"}}, "image_processor_type"),
        ("processor_config.json", {"video_processor": {"video_processor_type": "os.system"}}, "video_processor_type"),
        ("preprocessor_config.json", {"feature_extractor_type": "pipeline"}, "feature_extractor_type 'pipeline'"),
        ("preprocessor_config.json", {"processor_class": "evil/repo--m.Processor"}, "processor_class"),
        ("tokenizer_config.json", {"processor_class": "TFBertModel"}, "processor_class 'TFBertModel'"),
        (
            "processor_config.json",
            {"audio_tokenizer": {"name_or_path": "evil/repo"}},
            "audio_tokenizer",
        ),
        ("processor_config.json", {"audio_tokenizer_class": "DacModel"}, "audio_tokenizer_class 'DacModel'"),
    ],
)
def test_a_processor_that_names_other_classes_or_models_is_refused(
    tmp_path: Path, name: str, content: object, said: str
) -> None:
    folder = write_checkpoint(tmp_path / "model")
    (folder / name).write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=f"{name}: {said}.* would be loaded with the processor; remove it"):
        open_checkpoint(str(folder))


def test_the_classes_of_stock_processors_pass(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model", words=("processor_class", "audio_tokenizer"))
    images = {"image_processor_type": "Qwen2VLImageProcessorFast", "video_processor_type": "Qwen2VLVideoProcessor"}
    (folder / "preprocessor_config.json").write_text(json.dumps({**images, "processor_class": "Qwen2_5_VLProcessor"}))
    (folder / "processor_config.json").write_text(json.dumps({"feature_extractor_type": "CLIPFeatureExtractor"}))
    open_checkpoint(str(folder))


def test_a_tensor_of_two_shards_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    shards = [f"model-0000{k}-of-00002.safetensors" for k in (1, 2)]
    first, *rest = tensors
    put(folder, "model.safetensors.index.json", {"weight_map": {first: shards[0], **dict.fromkeys(rest, shards[1])}})
    save_file({first: tensors[first]}, folder / shards[0])
    save_file({name: tensors[name] for name in rest}, folder / shards[1])
    open_checkpoint(str(folder))
    save_file(tensors, folder / shards[1])
    with pytest.raises(CheckpointError, match=rf"{shards[1]}: holds '{first}', which {shards[0]} holds too"):
        open_checkpoint(str(folder))


def test_whole_numbers_without_a_quantisation_are_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    tensors = load_file(folder / "model.safetensors")
    tensors["model.position_ids"] = np.arange(6).reshape(2, 3)
    save_file(tensors, folder / "model.safetensors")
    open_checkpoint(str(folder))
    name = "model.layers.0.mlp.up_proj.weight"
    save_file({**tensors, name: tensors[name].astype(np.int8)}, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=rf"no quantization_config, but tensor '{name}' has dtype I8"):
        open_checkpoint(str(folder))


def test_a_configuration_may_be_long_but_not_as_long_as_a_vocabulary(tmp_path: Path) -> None:
    """A quantised mixture names its modules one by one; a tokenizer of speech its tens of thousands of tokens."""
    folder = write_checkpoint(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    modules = {f"model.layers.{k // 768}.mlp.experts.{k % 256}.down_proj": {"bits": 16} for k in range(20_000)}
    config["quantization_config"] = {"quant_method": "auto-round", "extra_config": modules}
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    speech = {str(100 + k): {"content": f"<|s_{k}|>", "special": False, "lstrip": False} for k in range(20_000)}
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": speech}, indent=2))
    open_checkpoint(str(folder))
    (folder / "config.json").write_text(json.dumps(config) + " " * (16 << 20))
    with pytest.raises(CheckpointError, match=r"config\.json: .* bytes, more than the 16,777,216 of any such file"):
        open_checkpoint(str(folder))


def test_so_many_tensors_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_checkpoint(tmp_path / "model")
    monkeypatch.setattr(scan, "_MAX_TENSORS", 5)
    with pytest.raises(CheckpointError, match=r"model\.safetensors: the weights have more than 5 tensors"):
        open_checkpoint(str(folder))


def test_so_many_tokens_do_not_end_an_answer(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    for count in (256, 257):
        (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": list(range(count))}))
        if count == 256:
            open_checkpoint(str(folder))
    with pytest.raises(CheckpointError, match=r"generation_config\.json: eos_token_id lists 257 tokens"):
        open_checkpoint(str(folder))


@pytest.mark.parametrize("content", ["null", "3", '"a"', "[]", "true"])
def test_json_that_is_no_object_is_no_more_than_an_empty_one(tmp_path: Path, content: str) -> None:
    folder = write_checkpoint(tmp_path / "model")
    (folder / "special_tokens_map.json").write_text(content)
    open_checkpoint(str(folder))
