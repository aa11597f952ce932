"""Exchange the weights of a running vLLM engine: a fraction of a second, where a new engine takes many.

vLLM's own ``reload_weights``, made for training loops, loads another folder of the same architecture in place. A base
and its merged adapters take turns in one engine this way; a full fine-tune gets a process of its own.
"""

import shutil
from pathlib import Path
from typing import Any

from harness.checkpoints import Checkpoint
from harness.engines.merge import merged_folder, ready_folder


class Weights:
    """Whose weights an engine has loaded, and the temporary copy that merging made of them.

    ``loaded`` is None while that is uncertain: before the first load, and after an exchange that failed.
    """

    def __init__(self, dtype: str) -> None:
        self._dtype = dtype
        self._temporary: Path | None = None
        self.loaded: Checkpoint | None = None

    def folder(self, checkpoint: Checkpoint) -> Path:
        """A folder with all weights of ``checkpoint``. A temporary one lasts until the next exchange: vLLM may read
        further files from the place that its weights came from."""
        if checkpoint.base is None:
            return ready_folder(checkpoint)
        self._temporary = merged_folder(checkpoint, self._dtype)
        return self._temporary

    def exchange(self, llm: Any, checkpoint: Checkpoint) -> None:
        """Load the weights of ``checkpoint`` into ``llm``; nothing computed with the former ones is kept."""
        before, self._temporary = self._temporary, None
        self.loaded = None
        try:
            folder = self.folder(checkpoint)
            llm.collective_rpc("reload_weights", kwargs={"weights_path": str(folder)})
            llm.reset_prefix_cache()
            llm.reset_mm_cache()
            llm.llm_engine.reset_encoder_cache()  # Workers forget their image embeddings; the scheduler must know.
        finally:
            if before is not None:
                shutil.rmtree(before, ignore_errors=True)
        self.loaded = checkpoint

    def close(self) -> None:
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None
