"""The image processor that a pair shares, where an engine looks for one: in the folder of the model it loads.

vLLM reserves memory for the largest image that the processor lets through. For a suite whose images are all smaller,
the processor is given their size as its limit, which then none of them reaches: no pixel changes.
"""

import filecmp
import shutil
from pathlib import Path

from harness.checkpoints import (
    PROCESSOR_FILES,
    Conditions,
    ImageProcessor,
    Pictures,
    Pixels,
    processor_of,
    write_processor,
)
from harness.temporary import lasting_folder

# Resizes an image only where its sides, rounded to whole patches, are above its limit or below its least.
_BOUNDED = "Qwen2VLImageProcessor"


class ModelFolder:
    """``folder`` with the image processor of ``conditions``: itself where that is what it has, else a temporary folder
    of links. Use :attr:`path` until :meth:`close`. ``reserves`` says that the engine reserves memory by the
    processor's limit."""

    def __init__(self, folder: Path, conditions: Conditions, *, reserves: bool = False) -> None:
        self._temporary: Path | None = None
        self.path = folder
        processor = processor_of(conditions)
        if processor is None:
            return
        if reserves and conditions.pictures is not None:
            processor = bounded(processor, conditions.pictures)
        self._temporary = staged = lasting_folder("model-")
        write_processor(processor, staged)
        if _same_files(folder, staged):
            self.close()
            return
        for path in folder.iterdir():
            if path.name not in PROCESSOR_FILES:
                (staged / path.name).symlink_to(path.resolve())
        self.path = staged

    def close(self) -> None:
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None


def bounded(processor: ImageProcessor, pictures: Pictures) -> ImageProcessor:
    """``processor`` with the size of the largest of ``pictures`` as its limit, where its own is larger and all of them
    are shown as they are within both."""
    own, patch, merge = processor.pixels, processor.settings.get("patch_size"), processor.settings.get("merge_size")
    if processor.kind != _BOUNDED or own.fewest is None or own.most is None or not pictures.most:
        return processor
    if type(patch) is not int or type(merge) is not int or patch * merge < 1:
        return processor
    side = patch * merge
    most = max(1, round(pictures.width / side)) * max(1, round(pictures.height / side)) * side * side
    return processor.within(Pixels(own.fewest, max(most, own.fewest))) if most < own.most else processor


def _same_files(folder: Path, staged: Path) -> bool:
    """Whether both have the same files of a processor, byte for byte."""
    names = [{name for name in PROCESSOR_FILES if (each / name).is_file()} for each in (folder, staged)]
    return names[0] == names[1] and all(filecmp.cmp(folder / name, staged / name, shallow=False) for name in names[0])
