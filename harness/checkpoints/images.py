"""Images: how many tokens a picture takes in a prompt, as far as the processor's files say it."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.checkpoints.scan import read_json

ImageTokens = Callable[[int, int], int]

# A number of tokens that is the same for pictures of all sizes, as processors and models call it.
_FIXED = ("image_seq_length", "image_seq_len", "num_image_tokens", "mm_tokens_per_image")


def image_tokens(folder: Path) -> ImageTokens:
    """A function of width and height. Where the files in ``folder`` do not say, it gives one: the placeholder."""
    config, processor = _read(folder, "config.json"), _read(folder, "processor_config.json")
    for stated in (processor, config):
        for name in _FIXED:
            if type(count := stated.get(name)) is int and count > 0:
                return lambda width, height: count
    pixels = _read(folder, "preprocessor_config.json") or processor.get("image_processor")
    by_size = _patches(pixels) if isinstance(pixels, dict) else None
    return by_size or (lambda width, height: 1)


def _patches(processor: dict[str, Any]) -> ImageTokens | None:
    """As the Qwen-VL family counts: a token for ``merge_size`` by ``merge_size`` patches of the resized picture."""
    patch, merge = processor.get("patch_size"), processor.get("merge_size")
    if type(patch) is not int or type(merge) is not int or patch * merge < 1:
        return None
    stated = processor.get("size")
    size = stated if isinstance(stated, dict) else {}
    least = processor.get("min_pixels") or size.get("shortest_edge") or 0
    most = processor.get("max_pixels") or size.get("longest_edge") or math.inf
    side = patch * merge

    def count(width: int, height: int) -> int:
        area = max(least, min(most, width * height))
        scale = math.sqrt(area / (width * height))
        return max(1, round(width * scale / side)) * max(1, round(height * scale / side))

    return count


def _read(folder: Path, name: str) -> dict[str, Any]:
    return read_json(folder / name) if (folder / name).is_file() else {}
