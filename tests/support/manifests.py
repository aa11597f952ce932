"""A manifest as a form leaves it, and the two kinds of checkpoints that it may name."""

import copy
from typing import Any

HUB = {
    "repo": "Qwen/Qwen2.5-VL-7B-Instruct",
    "revision": "a" * 40,
    "weights_digest": "b" * 64,
    "files": {"model-00001-of-00002.safetensors": "c" * 64},
    "dtype": "bfloat16",
    "architecture": "Qwen2_5_VLForConditionalGeneration",
}
LOCAL = {"local": "nano-base", **{key: HUB[key] for key in ("weights_digest", "files", "dtype", "architecture")}}


def manifest() -> dict[str, Any]:
    """A manifest as the reader gives it: every scalar is text."""
    return copy.deepcopy(
        {
            "schema": "retentionbench-manifest-1",
            "suite": {"id": "nano", "version": "1", "protocol": "direct"},
            "track": "standard",
            "base": HUB,
            "tuned": LOCAL,
            "target": "jigsaw",
            "method": {"family": "sft", "learning_rate": "1e-5", "steps": "400", "seeds": ["7"]},
            "training_data": [
                {"id": "COCO", "role": "train", "license": "CC-BY-4.0", "overlap_with_suite": "train-split"}
            ],
            "selection": {"attempts_evaluated": "3", "chosen_by": "development split"},
            "license": "Apache-2.0",
            "contact": {"handle": "ada"},
            "consent": "true",
        }
    )
