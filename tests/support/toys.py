"""Toy models of many architectures, saved by transformers itself: what must always get through."""

from collections.abc import Callable
from typing import Any

import transformers

VOCABULARY = 64
_TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "max_position_embeddings": 512,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 1,
}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
_VISION = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
           "image_size": 28, "patch_size": 14}  # fmt: skip
_QWEN_VISION = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 32,
                "fullatt_block_indexes": [1]}  # fmt: skip
_MROPE = {"rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10_000.0}}

CONFIGS: dict[str, Callable[[], Any]] = {
    "llama": lambda: transformers.LlamaConfig(**_TEXT, tie_word_embeddings=False),
    "llama-tied": lambda: transformers.LlamaConfig(**_TEXT, tie_word_embeddings=True),
    "qwen2": lambda: transformers.Qwen2Config(**_TEXT, tie_word_embeddings=True),
    "qwen3": lambda: transformers.Qwen3Config(**_TEXT, tie_word_embeddings=False),
    "mistral": lambda: transformers.MistralConfig(**_TEXT),
    "phi3": lambda: transformers.Phi3Config(**_TEXT),
    "gemma2": lambda: transformers.Gemma2Config(**_TEXT),
    "gemma3-text": lambda: transformers.Gemma3TextConfig(**_TEXT),
    "gpt2": lambda: transformers.GPT2Config(
        vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=2, n_positions=512, bos_token_id=0, eos_token_id=1
    ),
    "mixtral": lambda: transformers.MixtralConfig(**_TEXT, num_local_experts=4),
    "qwen3-moe": lambda: transformers.Qwen3MoeConfig(**_TEXT, **_EXPERTS),
    "gpt-oss": lambda: transformers.GptOssConfig(**_TEXT, num_local_experts=4, layer_types=None),
    "llava": lambda: transformers.LlavaConfig(
        vision_config={"model_type": "clip_vision_model", **_VISION},
        text_config={"model_type": "llama", **_TEXT},
        image_token_index=5,
        tie_word_embeddings=False,
    ),
    "gemma3": lambda: transformers.Gemma3Config(
        text_config=_TEXT, vision_config=_VISION, mm_tokens_per_image=4, image_token_index=5
    ),
    "qwen2.5-vl": lambda: transformers.Qwen2_5_VLConfig(
        text_config={**_TEXT, **_MROPE}, vision_config=_QWEN_VISION, tie_word_embeddings=False
    ),
    "qwen2-vl": lambda: transformers.Qwen2VLConfig(
        text_config={**_TEXT, **_MROPE},
        vision_config={"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 2},
        tie_word_embeddings=True,
    ),
}
