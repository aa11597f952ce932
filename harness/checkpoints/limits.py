"""Limits: how many positions a model has, and how many tokens an image takes, read from its configuration alone.

Past its positions a model does not fail: rotary angles go on, and its answers turn into noise that nobody notices.
vLLM derives a limit of its own (``ModelConfig``); this one is never larger, so that both engines have the same.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.checkpoints.configuration import text_config
from harness.checkpoints.scan import read_json

# As architectures call it; where several are stated, the smallest holds.
_LENGTHS = (
    "max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length", "model_max_length",
    "max_target_positions", "max_sequence_length", "max_seq_length", "seq_len",
)  # fmt: skip
# A part of a larger model is often saved without what its class has by default.
_DEFAULTS = {
    **dict.fromkeys(("gpt2", "gpt_bigcode"), 1024),
    **dict.fromkeys(("gptj", "gpt_neo", "gpt_neox", "opt", "mpt", "llama", "olmo", "phi", "falcon", "granite"), 2048),
    **dict.fromkeys(("phi3", "stablelm", "starcoder2"), 4096),
    **dict.fromkeys(("gemma", "gemma2", "cohere", "cohere2"), 8192),
    **dict.fromkeys(("qwen2", "qwen3", "qwen2_moe", "qwen3_moe", "qwen2_vl_text", "qwen2_5_vl_text"), 32768),
    "qwen3_vl_text": 128_000,
    **dict.fromkeys(("mistral", "mixtral", "gemma3_text", "gpt_oss"), 131_072),
}
# What a question may take beside the budget of its answer, before any is rendered.
QUESTION = 2048
# Room for any ordinary question and answer.
_ROOM = 4096
# No model has as many positions as one that states a larger factor, or one that is no number.
_MOST_STRETCHED = 1 << 20
# Kinds of scaling whose max_position_embeddings already counts what they add.
_SCALED = frozenset(
    {"default", "su", "longrope", "llama3", "yarn", "deepseek_yarn", "deepseek_llama_scaling", "mrope", "proportional"}
)


def length_for(need: int, positions: int | None) -> int:
    """The length for items of up to ``need`` tokens: a power of two, so that suites of about one size share their
    answers. Never more than a model has ``positions`` for."""
    wanted = 1 << (max(need, _ROOM) - 1).bit_length()
    return wanted if positions is None else min(wanted, positions)


def longest(folder: Path) -> int | None:
    """The most tokens of prompt plus answer that the model in ``folder`` has positions for; None where any number do,
    as in a state space model."""
    config = text_config(_read(folder / "config.json"))
    stated = [value for name in _LENGTHS if (value := _positive(config.get(name))) is not None]
    if not stated:
        return _DEFAULTS.get(str(config.get("model_type")))
    return int(min(stated) * _scaling(config))


@cache
def vocabulary_size(folder: Path) -> int | None:
    """How many tokens the model in ``folder`` can write, as its configuration states it."""
    return _positive(text_config(_read(folder / "config.json")).get("vocab_size"))


def _scaling(config: Mapping[str, Any]) -> float:
    """By how much the model's rotary scaling stretches the positions that it states."""
    if "gemma3" in str(config.get("model_type")):
        return 1.0  # It states them stretched.
    factor = 1.0
    for rope in _ropes(config):
        value = rope.get("factor")
        if str(rope.get("rope_type", rope.get("type", "default"))) not in _SCALED and isinstance(value, int | float):
            factor = float(value) if 1 <= value <= _MOST_STRETCHED else 1.0
    return factor


def _ropes(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each set of rotary parameters: one for the model, or one for every kind of layer."""
    found = [each for name in ("rope_scaling", "rope_parameters") if isinstance(each := config.get(name), dict)]
    return [part for each in found for part in (each, *each.values()) if isinstance(part, dict)]


def _positive(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None


def _read(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}
