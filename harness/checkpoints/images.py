"""Images: how many tokens a picture takes in a prompt, as far as the processor's files say it."""

import math
from collections.abc import Callable
from pathlib import Path

from harness.checkpoints.processor import ImageProcessor
from harness.checkpoints.scan import read_json

ImageTokens = Callable[[int, int], int]

# A number of tokens that is the same for pictures of all sizes, as processors and models call it.
_FIXED = ("image_seq_length", "image_seq_len", "num_image_tokens", "mm_tokens_per_image")


def image_tokens(folder: Path, processor: ImageProcessor | None) -> ImageTokens:
    """A function of width and height for the model in ``folder``, whose images go through ``processor``.

    Where neither says how many, it gives one: the placeholder.
    """
    config = folder / "config.json"
    around = {} if processor is None else processor.around
    for stated in (around, read_json(config) if config.is_file() else {}):
        for name in _FIXED:
            if type(count := stated.get(name)) is int and count > 0:
                return lambda width, height: count
    return (_patches(processor) if processor is not None else None) or (lambda width, height: 1)


def _patches(processor: ImageProcessor) -> ImageTokens | None:
    """As the Qwen-VL family counts: a token for ``merge_size`` by ``merge_size`` patches of the resized picture."""
    patch, merge = processor.settings.get("patch_size"), processor.settings.get("merge_size")
    if type(patch) is not int or type(merge) is not int or patch * merge < 1:
        return None
    least, most, side = processor.pixels.fewest or 0, processor.pixels.most or math.inf, patch * merge

    def count(width: int, height: int) -> int:
        area = max(least, min(most, width * height))
        scale = math.sqrt(area / (width * height))
        return max(1, round(width * scale / side)) * max(1, round(height * scale / side))

    return count
