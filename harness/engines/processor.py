"""The image processor that a pair shares, where an engine looks for one: in the folder of the model it loads."""

import filecmp
import tempfile
from pathlib import Path

from harness.checkpoints import PROCESSOR_FILES, Conditions, processor_of, write_processor


class ModelFolder:
    """``folder`` with the image processor of ``conditions``: itself where that is what it has, else a temporary folder
    of links. Use :attr:`path` until :meth:`close`."""

    def __init__(self, folder: Path, conditions: Conditions) -> None:
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self.path = folder
        processor = processor_of(conditions)
        if processor is None:
            return
        self._temporary = tempfile.TemporaryDirectory(prefix="retention-model-", ignore_cleanup_errors=True)
        staged = Path(self._temporary.name)
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
            self._temporary.cleanup()
            self._temporary = None


def _same_files(folder: Path, staged: Path) -> bool:
    """Whether both have the same files of a processor, byte for byte."""
    names = [{name for name in PROCESSOR_FILES if (each / name).is_file()} for each in (folder, staged)]
    return names[0] == names[1] and all(filecmp.cmp(folder / name, staged / name, shallow=False) for name in names[0])
