"""What a configuration makes of a model: a generator, or what an engine would run as something else."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints.architecture import is_stock, wrong_architecture
from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.scan import CheckpointError
from tests.support.fakes import write_checkpoint


def put(folder: Path, name: str, **fields: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return folder


def test_stock_is_what_the_installed_library_defines() -> None:
    assert is_stock({"model_type": "qwen2_5_vl", "architectures": ["Qwen2_5_VLForConditionalGeneration"]})
    assert is_stock({"model_type": "phi3", "architectures": ["Phi3ForCausalLM"]})
    for model_type, names in (("phi3", ["Phi3V"]), ("phi3", []), (None, ["Phi3ForCausalLM"]), ("phi3", [1])):
        assert not is_stock({"model_type": model_type, "architectures": names})


@pytest.mark.parametrize(
    "name",
    ["LlamaForSequenceClassification", "Qwen2ForRewardModel", "Qwen2ForProcessRewardModel", "BertModel", "Qwen2Model",
     "LlamaModel", "BertForMaskedLM", "T5EncoderModel", "ColPaliForRetrieval", "LlamaForTokenClassification",
     "MedusaModel", "EagleLlamaForCausalLM", "PeagleQwen3ForCausalLM", "ColQwen3", "GritLM", "BertForPreTraining",
     "Wav2Vec2ForCTC", "DFlashLagunaForCausalLM", "LlamaForCausalLMEagle3", "DeepSeekMTPModel", "BgeM3EmbeddingModel"],
)  # fmt: skip
def test_a_class_that_writes_no_text_is_refused(tmp_path: Path, name: str) -> None:
    folder = put(write_checkpoint(tmp_path / "model"), "config.json", architectures=[name])
    with pytest.raises(CheckpointError, match=f"architectures names '{name}', which embeds, classifies or drafts"):
        open_checkpoint(str(folder))


def test_a_class_that_writes_text_passes() -> None:
    for name in ("LlamaForCausalLM", "GPT2LMHeadModel", "Qwen2VLForConditionalGeneration", "ChatGLMModel",
                 "InternVLChatModel", "Qwen2_5OmniModel", "Eagle2_5_VLForConditionalGeneration", "MiniCPMV",
                 "VisionEncoderDecoderModel", "UltravoxModel", "ReformerModelWithLMHead"):  # fmt: skip
        assert wrong_architecture({"architectures": [name]}) is None
    for names in (None, [], "LlamaForCausalLM", [1]):
        assert "architectures is missing" in str(wrong_architecture({"architectures": names}))
    other = {"architectures": ["Qwen2ForCausalLM"], "model_type": "llama"}
    assert "'Qwen2ForCausalLM', which is no class of model_type llama" in str(wrong_architecture(other))
    assert wrong_architecture(other | {"model_type": "of_no_library"}) is None
    two = ["LlamaForCausalLM", "Qwen2ForCausalLM"]
    assert "names 2 model classes" in str(wrong_architecture({"architectures": two}))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"is_causal": False}, "is_causal is false: attention sees what comes after"),
        ({"text_config": {"is_causal": False}}, "is_causal is false"),
        ({"use_bidirectional_attention": True}, "use_bidirectional_attention is true"),
        ({"text_config": {"use_bidirectional_attention": "all"}}, "use_bidirectional_attention is all"),
        ({"is_encoder_decoder": True}, "is_encoder_decoder is true: an encoder reads the question"),
        ({"model_type": "bert", "architectures": ["BertLMHeadModel"]}, "'BertLMHeadModel' of an encoder (bert)"),
        ({"model_type": "xlm-roberta", "architectures": ["XLMRobertaForCausalLM"]}, "of an encoder (xlm-roberta)"),
        (
            {"model_type": "data2vec-text", "architectures": ["Data2VecTextForCausalLM"]},
            "encoder (data2vec-text)",
        ),
    ],
)
def test_a_field_that_makes_an_embedder_of_a_language_model_is_refused(fields: dict[str, Any], says: str) -> None:
    stated = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    assert wrong_architecture(stated) is None
    assert says in str(wrong_architecture(stated | fields))


def test_fields_of_language_models_pass() -> None:
    gemma = {"model_type": "gemma4", "architectures": ["Gemma4ForConditionalGeneration"]}
    vision = {"is_causal": False, "use_bidirectional_attention": True}
    parts = {"text_config": {"use_bidirectional_attention": "vision", "is_decoder": False}, "vision_config": vision}
    assert wrong_architecture(gemma | parts) is None
    llama = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    assert wrong_architecture(llama | {"is_causal": True, "is_decoder": False, "is_encoder_decoder": False}) is None
    bert = {"model_type": "bert", "architectures": ["BertLMHeadModel"], "is_decoder": True}
    assert wrong_architecture(bert) is None
