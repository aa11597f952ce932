"""Arguments of vLLM that a user passes through, and the methods by which it quantises weights while it loads them.

Which there are is read from the source of the vLLM that is installed: importing it takes a quarter of a minute. What
this program sets itself is reserved, and so is all that would run code, reach out of this machine, or have a model
answer otherwise than one token after the other.
"""

import ast
import difflib
import importlib.util
import math
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.engines.settings import EngineError, EngineSettings

# What decides these here.
_OWN = {
    **dict.fromkeys(("model", "model_weights", "tokenizer", "revision", "served_model_name"), "BASE and TUNED"),
    **dict.fromkeys(("hf_config_path", "hf_overrides", "config_format", "load_format"), "the checkpoint's own files"),
    **dict.fromkeys(("limit_mm_per_prompt", "language_model_only", "mm_encoder_only"), "the suite's images"),
    **dict.fromkeys(("mm_processor_kwargs", "media_io_kwargs"), "the base's image processor and --pixels"),
    **dict.fromkeys(
        ("generation_config", "override_generation_config", "seed", "max_logprobs"), "the suite's decoding"
    ),
    **dict.fromkeys(("logprobs_mode", "runner", "convert"), "this program"),
    **dict.fromkeys(("disable_log_stats", "use_tqdm_on_load"), "this program"),
    "dtype": "--dtype",
    "max_model_len": "--max-model-len",
    "max_num_seqs": "--max-num-seqs",
    "tensor_parallel_size": "--tensor-parallel",
    "gpu_memory_utilization": "--gpu-memory-utilization",
    "quantization": "--quantization",
    "enable_lora": "--adapters",
    "distributed_executor_backend": "--executor",
}
# Kinds of names that no version's list need be read for.
_RESERVED: tuple[tuple[str, str], ...] = (
    (r"tokenizer.*|skip_tokenizer.*|.*revision", "the checkpoint's own files decide it"),
    (r".*lora.*", "--adapters decides it"),
    (r".*remote_code.*|.*_cls|.*plugin.*|logits_processors|model_class.*|pt_load.*", "it would run code"),
    (r".*token|download_dir|allowed_.*|.*_endpoint|.*transfer.*|kv_events.*|weight_transfer.*", "it reaches out"),
    (r"model_loader_extra.*|ignore_patterns|additional_config|.*log.*|profiler.*|collect_.*", "it reaches out"),
    (r"spec_.*|speculative.*|per_request_spec.*|diffusion.*|watermark_config|.*pooler.*", "answers would not be plain"),
    (r"structured.*|reasoning.*|enable_.*embeds|io_processor.*|tokens_only|aux_output.*", "answers would not be plain"),
    (r"ec_.*|engram_config|fault_tolerance_config|kv_offloading_backend|.*nsight", "it reaches out"),
    (r".*_path|.*_dir", "it names files"),
    (r"data_parallel.*|nnodes|node_rank|master_.*|_.*", "--executor ray spreads the work"),
)  # fmt: skip
# Within an object: what has a compiler generate, import or run something else.
_RESERVED_KEYS = r"inductor_.*|.*passes|.*(_|\A)(path|dir|cls|class|module)"
# A path of modules or files; "quantization_config" has patterns of layers' names instead.
_NAMES_CODE = re.compile(r"[./\\]")
_OF_PATTERNS = "quantization_config"
_DEEPEST = 8


def refuse_options(settings: EngineSettings) -> None:
    """Raise ``EngineError`` for an option that changes answers and that the engine does not have, or not like this."""
    share = settings.gpu_memory_utilization
    if share is not None and not 0 < share <= 1:
        raise EngineError(f"--gpu-memory-utilization {share}: not in (0, 1]")
    if settings.max_num_seqs is not None and settings.max_num_seqs < 1:
        raise EngineError(f"--max-num-seqs {settings.max_num_seqs}: less than 1")
    if settings.name == "vllm":
        refuse_arguments(settings.engine_args)
        if settings.quantization is not None:
            refuse_quantization(settings.quantization)
        return
    if settings.quantization is not None:
        raise EngineError(
            f"--quantization {settings.quantization}: engine {settings.name} does not quantise what it loads; "
            "use --engine vllm, or name a checkpoint that is quantised"
        )
    if settings.engine_args:
        raise EngineError(
            f"--engine-arg {next(iter(settings.engine_args))}: engine {settings.name} takes no arguments of vLLM; "
            "use --engine vllm, or leave it out"
        )


def refuse_arguments(arguments: Mapping[str, Any]) -> None:
    """Raise ``EngineError`` for an argument that is reserved, or that the installed vLLM does not have."""
    if not isinstance(arguments, Mapping) or not all(isinstance(name, str) for name in arguments):
        raise EngineError("--engine-arg: the arguments are no mapping of names to values")
    for name, value in arguments.items():
        if (why := reserved(name)) is not None:
            raise EngineError(f"--engine-arg {name}: {why}; leave it out")
        _check_value(name, value)
    if (known := engine_arguments()) is not None:
        for name in arguments:
            _check_known("--engine-arg", name, known, "vLLM's EngineArgs have no such argument")


def refuse_quantization(method: str) -> None:
    """Raise ``EngineError`` for a method that the installed vLLM does not have."""
    if (known := quantization_methods()) is not None:
        _check_known("--quantization", method, known, "vLLM has no such method")


def reserved(name: str) -> str | None:
    """Why ``name`` is not the user's to set; None where it is."""
    if (owner := _OWN.get(name)) is not None:
        return f"{owner} {'decide' if ' and ' in owner or owner.endswith('s') else 'decides'} it"
    return next((why for pattern, why in _RESERVED if re.fullmatch(pattern, name)), None)


@cache
def engine_arguments() -> frozenset[str] | None:
    """The names of the fields of vLLM's ``EngineArgs``; None where vLLM is not installed, or has none."""
    fields = {
        each.target.id
        for node in _parsed("engine/arg_utils.py")
        if isinstance(node, ast.ClassDef) and node.name == "EngineArgs"
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }
    return frozenset(fields) or None


@cache
def quantization_methods() -> frozenset[str] | None:
    """vLLM's ``QuantizationMethods``, with bitsandbytes, which newer versions have as a plugin."""
    names = {
        each.value
        for node in _parsed("model_executor/layers/quantization/__init__.py")
        if isinstance(node, ast.Assign) and any(_named(target, "QuantizationMethods") for target in node.targets)
        for each in ast.walk(node.value)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }
    return frozenset({*names, "bitsandbytes"}) if names else None


def _check_value(name: str, value: object, depth: int = 0, *, in_object: bool = False) -> None:
    """Raise ``EngineError`` for a value that is not of JSON, or in which an object would have code run."""
    if depth > _DEEPEST:
        raise EngineError(f"--engine-arg {name}: more than {_DEEPEST} lists or objects in one another")
    if isinstance(value, dict):
        for key, each in value.items():
            _check_key(name, key)
            _check_value(name, each, depth + 1, in_object=True)
    elif isinstance(value, list):
        for each in value:
            _check_value(name, each, depth + 1, in_object=in_object)
    elif isinstance(value, str):
        _check_text(name, value, in_object=in_object)
    elif not (value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))):
        raise EngineError(f"--engine-arg {name}: {value!r} is no value of JSON")


def _check_key(name: str, key: object) -> None:
    if not isinstance(key, str):
        raise EngineError(f"--engine-arg {name}: {key!r} is no name in an object of JSON")
    _check_text(name, key, in_object=True)
    if re.fullmatch(_RESERVED_KEYS, key):
        raise EngineError(f"--engine-arg {name}: {key}: it would run code or name files; leave it out")


def _check_text(name: str, text: str, *, in_object: bool) -> None:
    if not text.isprintable():  # Also half of a surrogate pair, which no record can hold.
        raise EngineError(f"--engine-arg {name}: {text!r} has characters that are not printed")
    if in_object and name != _OF_PATTERNS and _NAMES_CODE.search(text):
        raise EngineError(f"--engine-arg {name}: {text}: it would run code or name files; leave it out")


def _named(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _parsed(path: str) -> Iterable[ast.stmt]:
    """The statements of a file of the vLLM that is installed, without running it."""
    found = importlib.util.find_spec("vllm")
    file = Path(found.origin).parent / path if found is not None and found.origin else None
    return ast.parse(file.read_text(encoding="utf-8")).body if file is not None and file.is_file() else []


def _check_known(option: str, name: str, known: Iterable[str], what: str) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, sorted(known), 3, 0.6)
        hint = f"did you mean {' or '.join(near)}?" if near else "`vllm serve --help=all` lists them"
        raise EngineError(f"{option} {name}: {what}; {hint}")
