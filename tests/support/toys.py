"""Toy models of many architectures, saved by transformers itself, and adapters on them, saved by PEFT itself."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.engines.torchvision_ops import define_missing_ops
from tests.support.fakes import write_checkpoint

VOCABULARY = 64
TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 512,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 1,
    "dtype": "float32",
}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
_VISION = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
           "image_size": 28, "patch_size": 14}  # fmt: skip
_QWEN_VISION = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 64,
                "fullatt_block_indexes": [1]}  # fmt: skip
_MROPE = {"rope_parameters": {"rope_type": "default", "mrope_section": [4, 6, 6], "rope_theta": 10_000.0}}

# A configuration by the name of its class in transformers, and what differs from its default.
CONFIGS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "llama": ("LlamaConfig", {**TEXT, "tie_word_embeddings": False}),
    "llama-tied": ("LlamaConfig", {**TEXT, "tie_word_embeddings": True}),
    "qwen2": ("Qwen2Config", {**TEXT, "tie_word_embeddings": True}),
    "qwen3": ("Qwen3Config", {**TEXT, "tie_word_embeddings": False}),
    "mistral": ("MistralConfig", TEXT),
    "phi3": ("Phi3Config", TEXT),
    "gemma2": ("Gemma2Config", TEXT),
    "gemma3-text": ("Gemma3TextConfig", TEXT),
    "gpt2": ("GPT2Config", {"vocab_size": VOCABULARY, "n_embd": 64, "n_layer": 2, "n_head": 2, "n_positions": 512,
                            "bos_token_id": 0, "eos_token_id": 1, "dtype": "float32"}),
    "mixtral": ("MixtralConfig", {**TEXT, "num_local_experts": 4}),
    "qwen3-moe": ("Qwen3MoeConfig", {**TEXT, **_EXPERTS}),
    "gpt-oss": ("GptOssConfig", {**TEXT, "num_local_experts": 4, "layer_types": None}),
    "llava": ("LlavaConfig", {"vision_config": {"model_type": "clip_vision_model", **_VISION},
                              "text_config": {"model_type": "llama", **TEXT}, "image_token_index": 5,
                              "tie_word_embeddings": False}),
    "gemma3": ("Gemma3Config", {"text_config": TEXT, "vision_config": _VISION, "mm_tokens_per_image": 4,
                                "image_token_index": 5}),
    "qwen2.5-vl": ("Qwen2_5_VLConfig", {"text_config": {**TEXT, **_MROPE}, "vision_config": _QWEN_VISION,
                                        "tie_word_embeddings": False}),
    "qwen2-vl": ("Qwen2VLConfig", {"text_config": {**TEXT, **_MROPE}, "tie_word_embeddings": True,
                                   "vision_config": {"depth": 2, "embed_dim": 32, "hidden_size": 64, "num_heads": 2,
                                                     "mlp_ratio": 2}}),
}  # fmt: skip


def write_toy(folder: Path, kind: str) -> Path:
    """A model of random weights, with a tokenizer of as many words as it has tokens."""
    define_missing_ops()
    import torch
    import transformers

    write_checkpoint(folder, words=[f"w{k}" for k in range(VOCABULARY - 4)])
    name, fields = CONFIGS[kind]
    config = getattr(transformers, name)(**fields)
    auto = transformers.AutoModelForImageTextToText if "vision_config" in fields else transformers.AutoModelForCausalLM
    torch.manual_seed(0)
    model = auto.from_config(config)
    with torch.no_grad():
        for value in model.parameters():
            if value.dim() > 1:
                value.normal_(std=value.shape[-1] ** -0.5)
    model.save_pretrained(folder)
    tokenizer = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    return folder


def load_toy(folder: Path) -> Any:
    define_missing_ops()
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    vision = "vision_config" in json.loads((folder / "config.json").read_text())
    auto = transformers.AutoModelForImageTextToText if vision else transformers.AutoModelForCausalLM
    return auto.from_pretrained(folder, dtype=torch.float32).eval()


def write_peft(folder: Path, base: Path, config: Any, *, rows: int | None = None, seed: int = 1) -> Path:
    """An adapter on ``base`` whose every weight has been moved, as PEFT saves it; ``rows`` resizes the embeddings."""
    import peft
    import torch

    model = load_toy(base)
    if rows is not None:
        model.resize_token_embeddings(rows)
    torch.manual_seed(seed)
    adapted = peft.get_peft_model(model, config)
    with torch.no_grad():
        for value in adapted.parameters():
            if value.requires_grad:
                value.add_(0.3 * torch.randn_like(value))
    adapted.save_pretrained(folder)
    return folder


def change_tensors(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Path:
    """Write the weights of ``folder`` again, as ``change`` makes them."""
    from safetensors.numpy import load_file, save_file

    path = next(
        folder / name for name in ("adapter_model.safetensors", "model.safetensors") if (folder / name).exists()
    )
    save_file(change(load_file(path)), path, metadata={"format": "pt"})
    return folder
