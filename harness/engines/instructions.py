"""Instructions: whether this machine's processor multiplies bfloat16, and what it costs where it does not."""

import sys
import time
from pathlib import Path

_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16", "svebf16"})
_CPUINFO = Path("/proc/cpuinfo")
_SIDE = 512
_REPEATS = 3


def multiplies_bfloat16() -> bool | None:
    """Whether the processor has instructions for it; None where the system does not say."""
    if sys.platform != "linux" or not _CPUINFO.is_file():
        return None
    lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    listed = [line.partition(":")[2].split() for line in lines if line.lower().startswith(("flags", "features"))]
    return bool(_FLAGS & set(listed[0])) if listed else None


def bfloat16_cost() -> float:
    """How many times as long a matrix product takes in bfloat16 as in float32, measured here in well under a second."""
    import torch

    return _product_seconds(torch.bfloat16) / _product_seconds(torch.float32)


def _product_seconds(dtype: object) -> float:
    import torch

    matrix = torch.ones(_SIDE, _SIDE).to(dtype)  # type: ignore[call-overload]
    took = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        matrix @ matrix
        took.append(time.perf_counter() - started)
    return min(took)
