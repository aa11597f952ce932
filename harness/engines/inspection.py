"""Inspection: what the installed engines say when they are really imported (``retention doctor --deep``)."""

import importlib
import os
import time
from collections.abc import Iterator, Sequence
from typing import Literal

from harness.engines.torchvision_ops import define_missing_ops

# What a run uses of each package; some are imported lazily and fail only when this is touched.
_USED = {"torchvision": "ops", "vllm": "LLM", "transformers": "AutoModelForImageTextToText"}


def inspect_engines(names: Sequence[str]) -> Iterator[tuple[str, Literal["ok", "warning"], str]]:
    """Topic, status and fact of torch, its devices, torchvision and each engine, imported one after the other."""
    import torch

    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        bf16 = "bfloat16" if torch.cuda.is_bf16_supported() else "no bfloat16"
        device = torch.cuda.get_device_name()
        yield "torch", "ok", f"sees {device}, {free / 1024**3:.0f} of {total / 1024**3:.0f} GiB free, {bf16}"
    else:
        yield "torch", "ok", f"sees no GPU; {torch.get_num_threads()} threads"
    define_missing_ops()
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    for name in ("torchvision", *names):
        started = time.monotonic()
        try:
            module = importlib.import_module(name)
            getattr(module, _USED[name])
        except Exception as error:  # A broken binary package may raise anything.
            yield name, "warning", f"cannot be imported: {type(error).__name__}: {error}"
            continue
        yield name, "ok", f"{module.__version__} imported in {time.monotonic() - started:.1f} s"
