"""Memory: what a model's weights and its cache of keys and values take, from headers and configuration alone."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.checkpoints.checkpoint import Checkpoint
from harness.checkpoints.configuration import text_config
from harness.checkpoints.scan import read_json
from harness.checkpoints.weights import Tensor, read_header

# Bytes of a number in each format that an engine computes in.
WIDTHS: Mapping[str, int] = {"float32": 4, "bfloat16": 2, "float16": 2}
# What a load converts to the format that is computed in; packed weights stay as they are.
_CONVERTED = frozenset({"F16", "BF16", "F32", "F64"})
# Kinds of layers whose memory does not grow with the tokens.
_CONSTANT = ("linear", "mamba", "conv", "recurrent", "mlp", "moe")
# Models that mix kinds of layers, where their configuration does not list them in the usual way.
_MIXED = ("layers_block_type", "hybrid_override_pattern", "attn_layer_period", "attn_layer_indices", "mamba_d_state")
_WINDOWED = ("sliding_attention", "chunked_attention")
# Of every so many layers one sees all tokens, in configurations of before layers were listed.
_PATTERNS = {"gemma2": 2, "gemma3_text": 6}


@dataclass(frozen=True)
class Cache:
    """Numbers that a token leaves in the cache: ``full`` in layers that keep all tokens, ``windowed`` in those that
    keep the last ``window``."""

    full: int
    windowed: int = 0
    window: int = 0

    def size(self, tokens: int, dtype: str) -> int:
        """Bytes for one sequence of ``tokens``; it never shrinks with them."""
        return WIDTHS[dtype] * (self.full * tokens + self.windowed * min(tokens, self.window))


def weights_size(tensors: Iterable[Tensor], dtype: str) -> int:
    """Bytes of ``tensors`` when they are loaded as ``dtype``."""
    width = WIDTHS[dtype]
    return sum(width * math.prod(each.shape) if each.dtype in _CONVERTED else each.end - each.start for each in tensors)


def weights_of(checkpoint: Checkpoint, dtype: str) -> int:
    """Bytes of a checkpoint's weights when they are loaded as ``dtype``; of an adapter without its base's."""
    files = (name for name in checkpoint.record.files if name.endswith(".safetensors"))
    return sum(weights_size(read_header(checkpoint.path / name), dtype) for name in files)


def cache_in(checkpoint: Checkpoint) -> Cache | None:
    """The cache of the model that a checkpoint is, or is an adapter of; None where its configuration does not tell."""
    path = (checkpoint.base or checkpoint).path / "config.json"
    return cache_of(read_json(path)) if path.is_file() else None


def cache_of(config: Mapping[str, Any]) -> Cache | None:
    """The cache of the model that ``config.json`` describes; None where it does not tell."""
    text = text_config(config)
    layers = _first(text, "num_hidden_layers", "n_layer", "num_layers", "n_layers")
    numbers = _numbers(text)
    if layers is None or numbers is None:
        return None
    kinds = text.get("layer_types")
    window = _first(text, "sliding_window", "attention_chunk_size") or 0
    if isinstance(kinds, list):
        near = sum(each in _WINDOWED for each in kinds) if window else 0
        constant = sum(isinstance(each, str) and each.startswith(_CONSTANT) for each in kinds)
        return Cache(numbers * (len(kinds) - near - constant), numbers * near, window)
    if any(text.get(name) is not None for name in _MIXED):
        return None
    if not window or text.get("use_sliding_window") is False:
        return Cache(numbers * layers)
    pattern = _first(text, "sliding_window_pattern") or _PATTERNS.get(str(text.get("model_type")))
    seeing_all = layers // pattern if pattern else 0
    return Cache(numbers * seeing_all, numbers * (layers - seeing_all), window)


def _numbers(text: Mapping[str, Any]) -> int | None:
    """The numbers that one token leaves in one layer: keys and values of its heads, or what they are compressed to."""
    rank, rotary = _first(text, "kv_lora_rank"), _first(text, "qk_rope_head_dim")
    if rank is not None and rotary is not None:
        return rank + rotary
    heads = _first(text, "num_attention_heads", "n_head", "num_heads", "n_heads")
    width = _first(text, "hidden_size", "n_embd", "d_model", "dim")
    side = _first(text, "head_dim") or (width // heads if width and heads else None)
    kept = 1 if text.get("multi_query") is True else _first(text, "num_key_value_heads", "num_kv_heads") or heads
    return 2 * kept * side if kept and side else None


def _first(text: Mapping[str, Any], *names: str) -> int | None:
    return next((value for name in names if type(value := text.get(name)) is int and value > 0), None)
