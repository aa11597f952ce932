"""What an adapter changes, read from its files alone: which of its parts vLLM's adapter kernels would leave out."""

import re
from typing import Any

from harness.checkpoints import Checkpoint, read_json

# vLLM applies adapters to the language model. A vision tower needs an opt-in, and was silently skipped by some versions
# (vllm issues 23796, 48019), so such an adapter is merged instead.
_VISION = re.compile(
    r"(^|\.)(vision_\w+|visual|image_\w+|multi_modal_projector|mm_projector|connector|audio_\w+)(\.|$)"
)
_LORA = re.compile(r"\.lora_[AB](\.\w+)?\.weight$")
_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)


def modules(checkpoint: Checkpoint) -> list[str]:
    """Names of the modules that the adapter's file has tensors for, in the base's naming."""
    return sorted({_LORA.sub("", _short(name)) for name in _tensors(checkpoint)})


def not_taken(checkpoint: Checkpoint) -> list[str]:
    """Parts of the adapter that vLLM's kernels do not apply; empty when they apply all of it."""
    config = config_of(checkpoint)
    kinds = [f"peft_type {config.get('peft_type')}"] if config.get("peft_type") != "LORA" else []
    kinds += [name for name in ("use_dora", "lora_bias", "layer_replication", "alora_invocation_tokens", "use_qalora",
                                "use_bdlora", "rank_pattern", "alpha_pattern", "target_parameters",
                                "trainable_token_indices") if config.get(name)]  # fmt: skip
    init = config.get("init_lora_weights")
    kinds += [f"init_lora_weights {init}"] if isinstance(init, str) and init.lower() != "gaussian" else []
    kinds += ["bias"] if config.get("bias", "none") != "none" else []
    if rank(checkpoint) > _RANKS[-1]:
        kinds.append(f"rank {rank(checkpoint)}")
    if checkpoint.loading is not None:
        # An output embedding is left out without a word (vllm issue 51594); names that PEFT would translate are not.
        kinds += checkpoint.loading.fit.touched
        kinds += ["tensors under other names than PEFT's"] if checkpoint.loading.fit.converted else []
    return kinds + sorted(
        {
            _LORA.sub("", name)
            for name in map(_short, _tensors(checkpoint))
            if not _LORA.search(name) or _VISION.search(name)
        }
    )


def rank(checkpoint: Checkpoint) -> int:
    value = config_of(checkpoint).get("r")
    return value if isinstance(value, int) else 0


def rank_to_reserve(adapters: list[Checkpoint]) -> int:
    """The smallest rank vLLM can be started with that holds all of ``adapters``."""
    highest = max(map(rank, adapters))
    return next(allowed for allowed in _RANKS if allowed >= highest)


def config_of(checkpoint: Checkpoint) -> dict[str, Any]:
    return read_json(checkpoint.path / "adapter_config.json")


def _short(name: str) -> str:
    return name.removeprefix("base_model.model.")


def _tensors(checkpoint: Checkpoint) -> list[str]:
    from safetensors import safe_open

    names: list[str] = []
    for path in checkpoint.weights:
        with safe_open(path, framework="numpy") as file:
            names += file.keys()
    return names
