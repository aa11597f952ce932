"""Make the registry's torchvision usable beside a CPU build of torch (README.md, "What was measured").

Its compiled operators need CUDA and do not load there, and its import fails for want of two operator schemas. Its
transforms, which image processors use, are plain torch. A torchvision that fits its torch is left alone.

torch calls :func:`on_torch_import` when it is imported (entry points ``torch.backends``), so that whatever else is used
in the same environment finds a torchvision that can be imported: transformers, PEFT, lm-eval's own backends.
"""

import importlib.util
import re
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


def on_torch_import() -> None:
    """:func:`define_missing_ops`, where torch is no CUDA build and torchvision is no CPU build."""
    import torch

    spec = importlib.util.find_spec("torchvision")
    if torch.version.cuda is None and spec is not None and spec.origin is not None:
        stated = Path(spec.origin).parent / "version.py"
        if stated.is_file() and not re.search(r"^__version__ = '.*\+cpu'", stated.read_text(encoding="utf-8"), re.M):
            define_missing_ops()
