"""Make the registry's torchvision usable beside a CPU build of torch (README.md, "What was measured").

Its compiled operators need CUDA and do not load there, and its import fails for want of two operator schemas. Its
transforms, which image processors use, are plain torch. A torchvision that fits its torch is left alone.
"""

import importlib.util
from pathlib import Path


def define_missing_ops() -> None:
    """Define the schemas of ``torchvision::nms`` and ``qnms`` when the compiled operators cannot be loaded."""
    import torch

    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None or hasattr(torch.ops.torchvision, "nms"):
        return
    for library in Path(spec.origin).parent.glob("_C*.so"):
        try:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
        except OSError:
            continue
        return
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
