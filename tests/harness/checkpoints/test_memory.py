"""What weights and caches take, against what is known of published models, and the laws that hold for all."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkpoints import Cache, Tensor, cache_in, cache_of, open_checkpoint, weights_of, weights_size

LLAMA_3_8B = {"num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 4096}
QWEN_25_7B = {
    "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4, "hidden_size": 3584,
    "sliding_window": 131072, "use_sliding_window": False,
}  # fmt: skip
SMOLLM2 = {"num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "hidden_size": 576}
GPT2 = {"n_layer": 12, "n_head": 12, "n_embd": 768}
FALCON_7B = {"num_hidden_layers": 32, "num_attention_heads": 71, "hidden_size": 4544, "multi_query": True}
DEEPSEEK_V2_LITE = {
    "num_hidden_layers": 27, "num_attention_heads": 16, "num_key_value_heads": 16, "hidden_size": 2048,
    "kv_lora_rank": 512, "qk_rope_head_dim": 64,
}  # fmt: skip
GEMMA_3_4B = {
    "model_type": "gemma3",
    "text_config": {
        "model_type": "gemma3_text", "num_hidden_layers": 34, "num_attention_heads": 8, "num_key_value_heads": 4,
        "hidden_size": 2560, "head_dim": 256, "sliding_window": 1024,
    },
}  # fmt: skip
MISTRAL_7B = {**LLAMA_3_8B, "sliding_window": 4096}
QWEN3_NEXT = {
    "num_hidden_layers": 48, "num_attention_heads": 16, "num_key_value_heads": 2, "hidden_size": 2048, "head_dim": 256,
    "layer_types": (["linear_attention"] * 3 + ["full_attention"]) * 12,
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "tokens", "size"),
    [
        (LLAMA_3_8B, 8192, 1 << 30),  # 128 KiB a token
        (QWEN_25_7B, 1, 57_344),
        ({"text_config": QWEN_25_7B, "vision_config": {"num_hidden_layers": 32}}, 1, 57_344),
        (SMOLLM2, 1, 23_040),
        (GPT2, 1024, 36_864 * 1024),
        (FALCON_7B, 1, 32 * 2 * 64 * 2),
        (DEEPSEEK_V2_LITE, 1, 27 * 576 * 2),
        (GEMMA_3_4B, 4096, 2 * 2 * 4 * 256 * (5 * 4096 + 29 * 1024)),
        (MISTRAL_7B, 32_768, 131_072 * 4096),
        (QWEN3_NEXT, 1, 12 * 2 * 2 * 256 * 2),
    ],
)
def test_the_cache_of_known_models(config: dict[str, Any], tokens: int, size: int) -> None:
    found = cache_of(config)
    assert found is not None
    assert found.size(tokens, "bfloat16") == size


@pytest.mark.parametrize(
    "config", [{}, {"num_hidden_layers": 12}, {**LLAMA_3_8B, "attn_layer_period": 8}, {**GPT2, "n_layer": True}]
)
def test_a_configuration_that_does_not_tell_has_no_size(config: dict[str, Any]) -> None:
    assert cache_of(config) is None


@given(
    st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**5), st.integers(0, 10**6), st.integers(1, 10**5)
)
def test_the_cache_never_shrinks_with_tokens_and_doubles_with_the_width(
    full: int, windowed: int, window: int, tokens: int, more: int
) -> None:
    cache = Cache(full, windowed, window)
    assert 0 <= cache.size(tokens, "bfloat16") <= cache.size(tokens + more, "bfloat16")
    assert cache.size(tokens, "float32") == 2 * cache.size(tokens, "bfloat16") == 2 * cache.size(tokens, "float16")


@given(
    st.lists(st.tuples(st.sampled_from(["F16", "BF16", "F32", "I32", "U8"]), st.integers(1, 99), st.integers(1, 99)))
)
def test_weights_are_as_wide_as_they_are_computed_and_packed_ones_stay(shapes: list[tuple[str, int, int]]) -> None:
    widths = {"F16": 2, "BF16": 2, "F32": 4, "I32": 4, "U8": 1}
    tensors = [Tensor("w", dtype, (a, b), 0, widths[dtype] * a * b) for dtype, a, b in shapes]
    packed = sum(widths[dtype] * a * b for dtype, a, b in shapes if dtype in ("I32", "U8"))
    floating = sum(a * b for dtype, a, b in shapes if dtype not in ("I32", "U8"))
    assert weights_size(tensors, "float32") == packed + 4 * floating
    assert weights_size(tensors, "bfloat16") == packed + 2 * floating


def test_the_shipped_base_has_both() -> None:
    base = open_checkpoint("nano:base")
    cache = cache_in(base)
    assert cache is not None
    assert cache.full > 0
    assert 10**6 < weights_of(base, "float32") < 10**8
    assert weights_of(base, "bfloat16") * 2 == weights_of(base, "float32")
