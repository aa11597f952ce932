"""What a stranger's configuration may make a library do: nothing but describe the model in its folder."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.configuration import absurd_size, names_elsewhere
from harness.checkpoints.scan import CheckpointError
from harness.checkpoints.weights import Tensor
from tests.support.fakes import write_adapter, write_checkpoint, write_llama


def put(folder: Path, name: str, **fields: Any) -> Path:
    path = folder / name
    known = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(known | fields))
    return folder


@pytest.mark.parametrize(
    ("name", "fields", "says"),
    [
        ("config.json", {"speculators_model_type": "eagle3"}, "speculators_model_type names another model to answer"),
        (
            "config.json",
            {"speculators_config": {"verifier": {"name_or_path": "/elsewhere"}}},
            "speculators_config.verifier.name_or_path names another model to answer with ('/elsewhere')",
        ),
        ("config.json", {"draft_model": "other"}, "draft_model names another model to answer with"),
        ("config.json", {"text_config": {"assistant_model": "x"}}, "text_config.assistant_model names another model"),
        ("config.json", {"transformers_weights": "other.safetensors"}, "transformers_weights names another file"),
        ("config.json", {"text_model_id": "evil/model"}, "text_model_id names another file or model"),
        ("config.json", {"audio_model_id": "model"}, "audio_model_id names another file or model"),
        ("config.json", {"mm_vision_tower": "openai/clip-vit"}, "mm_vision_tower names another file or model"),
        ("config.json", {"anything": ["a", "~/secret"]}, "anything names another file or model"),
        ("config.json", {"anything": {"deep": ["other.safetensors"]}}, "anything.deep names another file or model"),
        ("config.json", {"anything": "https://example.com/x"}, "anything names another file or model"),
        ("config.json", {"anything": ".."}, "anything names another file or model"),
        ("config.json", {"vision_config": {"name_path": "x"}}, "vision_config.name_path names another file or model"),
        ("config.json", {"quantization_config": {"quant_method": "x", "codebook_path": "y"}}, "codebook_path names"),
        (
            "processor_config.json",
            {"audio_tokenizer": {"audio_tokenizer_name_or_path": "evil", "audio_tokenizer_class": "DacModel"}},
            "audio_tokenizer would be loaded with the processor",
        ),
        ("preprocessor_config.json", {"vocab": "/etc/passwd"}, "vocab names another file or model"),
        ("video_preprocessor_config.json", {"codec_path": "x"}, "codec_path names another file or model"),
        ("generation_config.json", {"assistant_model": "evil"}, "assistant_model names another model to answer with"),
        ("tokenizer_config.json", {"backend_repo": "evil/x"}, "backend_repo names another file or model"),
        ("processor_config.json", {"image_processor": {"auto_map": {"AutoImageProcessor": "e.P"}}}, "auto_map would"),
        ("video_preprocessor_config.json", {"auto_map": {"AutoVideoProcessor": "evil/x--p.P"}}, "auto_map would run"),
        ("config.json", {"a": json.loads("[" * 80 + "]" * 80)}, "nested more than 64 levels deep"),
    ],
)
def test_a_value_that_leads_elsewhere_is_refused(tmp_path: Path, name: str, fields: dict[str, Any], says: str) -> None:
    folder = put(write_checkpoint(tmp_path / "model"), "config.json", architectures=["X"])
    put(folder, name, **fields)
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(str(folder))
    assert f"{name}: " in str(caught.value)
    assert says in str(caught.value)


def test_what_trainers_and_quantisers_write_passes(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    put(
        folder,
        "config.json",
        _name_or_path="/runs/ada/checkpoint-500",
        text_config={"_name_or_path": "meta-llama/Llama-3", "image_token": "</image>"},
        _model_name_or_path="Smollm2 135M 8k Lc100K Mix1 Ep2",
        model_name="unsloth/Llama-3.2-1B-Instruct",
        unsloth_version="2026.9.1",
        dtype="bfloat16",
        transformers_version="5.16.1",
        id2label={"0": "N/A", "1": "/"},
        title_sep=" / ",
        rope_theta=1_000_000_000,
        quantization_config={
            "quant_method": "gptq",
            "dataset": ["c4", "a text / with a slash"],
            "tokenizer": "owner/model",
            "meta": {"quantizer": ["gptqmodel:1.4"], "uri": "https://github.com/modelcloud/gptqmodel"},
            "model_name_or_path": None,
            "ignore": ["lm_head", "re:.*vision/.*", "re:.*mlp\\.gate$", "*.self_attn*"],
            "packing_format": "auto_round:auto_gptq",
        },
    )
    put(folder, "tokenizer_config.json", name_or_path="/x", special_tokens_map_file="/cache/y.json",
        extra_special_tokens=["</think>", "/"], fast_tokenizer_files=["tokenizer.json"])  # fmt: skip
    put(folder, "processor_config.json", chat_template="{{ '/' }}", image_token="</img>", audio_tokenizer=None)
    put(folder, "generation_config.json", stop_strings=["\n/end", "./"], transformers_version="5.16.1")
    open_checkpoint(str(folder))


def test_an_adapter_claims_its_base_and_names_modules_by_patterns(tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "adapter", write_checkpoint(tmp_path / "base"), ["layer"])
    pattern = r"(?:.*?(?:language|text).*?(?:self_attn|layer))|(?:\bmodel\.layers\.\d+/x)"
    put(adapter, "adapter_config.json", target_modules=pattern, init_lora_weights="pissa_niter_4")
    put(adapter, "tokenizer_config.json", auto_map={"AutoTokenizer": ["e--t.T", None]})
    checkpoint = open_checkpoint(str(adapter))
    assert "auto_map" not in json.loads((checkpoint.staged / "tokenizer_config.json").read_text())
    put(adapter, "adapter_config.json", eva_config={"calibration_path": "/etc"})
    with pytest.raises(CheckpointError, match=r"adapter_config\.json: eva_config.calibration_path names another file"):
        open_checkpoint(str(adapter))


def test_code_that_a_stock_model_does_not_need_is_left_out(tmp_path: Path) -> None:
    mapped = {"AutoConfig": "owner/name--configuration_llama.LlamaConfig", "AutoModelForCausalLM": "modeling.Llama"}
    folder = put(write_llama(tmp_path / "model"), "config.json", auto_map=mapped, text_config={"auto_map": mapped})
    (folder / "modeling.py").write_text("raise SystemExit")
    checkpoint = open_checkpoint(str(folder))
    assert checkpoint.contents.ignored == {"modeling.py": "code, which is never run"}
    given = json.loads((checkpoint.staged / "config.json").read_text())
    assert "auto_map" not in given | given["text_config"]
    assert given["hidden_size"] == 64
    assert "auto_map" in json.loads((folder / "config.json").read_text())
    for change in ({"architectures": ["LlamaForEvil"]}, {"model_type": "evil"}, {"model_type": ".." + "/llama"}):
        put(folder, "config.json", **{"architectures": ["LlamaForCausalLM"], "model_type": "llama"} | change)
        with pytest.raises(CheckpointError, match="auto_map would run the checkpoint"):
            open_checkpoint(str(folder))


@pytest.mark.parametrize(
    "config",
    [
        {"num_hidden_layers": 10**7},
        {"text_config": {"n_layer": 1e9}},
        {"vision_config": {"depths": [2, 10**6]}},
        {"num_experts": 10**6},
        {"num_labels": 10**8},
        {"num_hidden_layers": 300},
        {"num_hidden_layers": 11},
        {"hidden_size": 12},
        {"vocab_size": 7},
        {"text_config": {"num_hidden_layers": 64, "hidden_size": 4}},
        {"vocab_size": 10**9},
        {"hidden_size": 10**30},
        {"num_attention_heads": 10**8},
        {"max_position_embeddings": 10**12},
        {"layers": [{"deep": {"intermediate_size": 10**9}}]},
    ],
)
def test_a_size_that_the_weights_cannot_have_is_refused(tmp_path: Path, config: dict[str, Any]) -> None:
    folder = put(write_checkpoint(tmp_path / "model"), "config.json", **config)
    with pytest.raises(CheckpointError, match=r"config\.json: \w+ is [\d.e+]+, but .*; restore the configuration"):
        open_checkpoint(str(folder))


def test_sizes_of_real_models_pass() -> None:
    tensors = [Tensor(f"t{k}", "BF16", (152_064, 8_192), 0, 0) for k in range(963)]
    config = {"num_hidden_layers": 80, "vocab_size": 152_064, "hidden_size": 8_192, "intermediate_size": 29_568,
              "max_position_embeddings": 10_485_760, "rope_theta": 10**9, "num_experts": 512, "image_size": 1_540,
              "max_window_layers": 80, "sliding_window": 131_072, "bos_token_id": 10**12}  # fmt: skip
    assert absurd_size(config, tensors) is None
    experts = [Tensor(f"model.layers.{k}.mlp.experts.down_proj", "BF16", (256, 64, 32), 0, 0) for k in range(4)]
    moe = {"num_hidden_layers": 4, "num_experts": 256, "n_routed_experts": 256, "hidden_size": 64}
    assert absurd_size(moe, experts) is None
    assert absurd_size({**moe, "vocab_size": 262_208, "text_config": {"hidden_size": 32}}, experts) is None
    packed = {"vocab_size": 151_936, "hidden_size": 4_096, "quantization_config": {"bits": 4}}
    assert absurd_size(packed, experts) is None
    # Some models have layers without a tensor, and draft layers that their configuration does not count.
    assert absurd_size({"num_hidden_layers": 12}, experts) is None
    assert absurd_size({"num_hidden_layers": 3}, experts) is None


@pytest.mark.slow
def test_a_quantisation_whose_patterns_never_end_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    endless = "re:" + "(l|la|a|y|e|r|.)*" * 12 + "#"
    put(folder, "config.json", quantization_config={"quant_method": "compressed-tensors", "ignore": [endless]})
    with pytest.raises(CheckpointError, match=r"config\.json: its module name patterns cannot be used"):
        open_checkpoint(str(folder))


def test_an_empty_value_names_nothing() -> None:
    assert names_elsewhere({"draft_model": None, "x_path": "", "speculators_config": {}}) is None
