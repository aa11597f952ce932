"""Quantised checkpoints: which library an engine needs to load one, said before anything is run."""

import importlib.util
from collections.abc import Mapping
from typing import Any

from harness.checkpoints import Checkpoint, quantisation, read_json
from harness.engines.settings import EngineError

_ALL = ("transformers", "vllm")
# By method: the packages to import, what installs them, and which engines need them. vLLM unpacks AWQ, GPTQ and most
# others with kernels of its own.
_NEEDED: Mapping[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "bitsandbytes": (("bitsandbytes",), "pip install 'bitsandbytes>=0.46.1'", _ALL),
    "awq": (("gptqmodel",), "pip install gptqmodel --no-build-isolation", ("transformers",)),
    "gptq": (("gptqmodel", "optimum"), "pip install gptqmodel optimum --no-build-isolation", ("transformers",)),
    "auto-round": (("auto_round",), "pip install 'auto-round>=0.5'", ("transformers",)),
    "compressed-tensors": (("compressed_tensors",), "pip install 'compressed-tensors>=0.15'", _ALL),
    "torchao": (("torchao",), "pip install torchao", _ALL),
    "hqq": (("hqq",), "pip install hqq", ("transformers",)),
    "quanto": (("optimum.quanto",), "pip install optimum-quanto", ("transformers",)),
    "aqlm": (("aqlm",), "pip install 'aqlm[gpu,cpu]'", ("transformers",)),
    "vptq": (("vptq",), "pip install vptq", ("transformers",)),
    "spqr": (("spqr_quant",), "pip install 'spqr_quant[gpu]'", ("transformers",)),
    "quark": (("quark",), "pip install amd-quark", _ALL),
}
# What vLLM computes in sixteen bits only.
_HALF = frozenset({"awq", "gptq", "fp8", "auto-round", "mxfp4", "modelopt", "compressed-tensors"})


def refuse_unreadable(checkpoint: Checkpoint, engine: str, dtype: str, *, merges: bool) -> None:
    """Raise ``EngineError`` where ``engine`` lacks the library that unpacks the weights of ``checkpoint``, or would
    have to merge an adapter into weights that are packed."""
    root = checkpoint.base or checkpoint
    method = method_of(root)
    if method is None:
        return
    packages, command, engines = _NEEDED.get(method, ((), "", ()))
    absent = [package for package in packages if not _installed(package)]
    if absent and engine in engines:
        raise EngineError(
            f"{root.record.name}: quantised with {method}, which {engine} reads with {' and '.join(absent)}; "
            f"run `{command}`"
        )
    if engine == "vllm" and dtype == "float32" and method in _HALF:
        raise EngineError(
            f"{root.record.name}: quantised with {method}, which vllm computes in 16 bits only; use --dtype bfloat16"
        )
    if merges:
        raise EngineError(
            f"{checkpoint.record.name}: cannot be merged exactly into {root.record.name}, which is quantised "
            f"({method}); name the base as it was before as BASE"
        )


def refuse_quantising(checkpoint: Checkpoint, method: str, dtype: str) -> None:
    """Raise ``EngineError`` where vLLM cannot quantise ``checkpoint`` with ``method`` while it loads it."""
    root = checkpoint.base or checkpoint
    packed = method_of(root)
    if packed is not None and packed != method:
        raise EngineError(
            f"--quantization {method}: {root.record.name} is quantised already, with {packed}; leave the option out"
        )
    packages, command, engines = _NEEDED.get(method, ((), "", ()))
    if "vllm" in engines and (absent := [each for each in packages if not _installed(each)]):
        raise EngineError(f"--quantization {method}: vllm needs {' and '.join(absent)} for it; run `{command}`")
    if dtype == "float32" and method != "bitsandbytes":
        raise EngineError(f"--quantization {method}: vllm computes it in 16 bits only; use --dtype bfloat16")


def method_of(checkpoint: Checkpoint) -> str | None:
    """The method by which the weights are packed, by config.json; None for plain weights."""
    stated: Mapping[str, Any] | None = quantisation(read_json(checkpoint.path / "config.json"))
    if stated is None:
        return None
    method = str(stated.get("quant_method") or ("bitsandbytes" if "load_in_4bit" in stated else "unknown"))
    return method.lower().replace("_", "-") if method.startswith(("compressed", "auto")) else method.lower()


def _installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False
