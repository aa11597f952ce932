"""Pictures for a toy Qwen2.5-VL (``harness.engines.write_qwen``)."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_pictures(folder: Path, count: int) -> Path:
    """Pictures whose tiles tell themselves apart, of different sizes."""
    folder.mkdir()
    for k in range(count):
        pixels = np.random.default_rng(k).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(pixels).resize((200 + 28 * (k % 3), 196), Image.Resampling.NEAREST)
        picture.save(folder / f"{k}.png")
    return folder
