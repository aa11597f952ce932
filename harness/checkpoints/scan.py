"""Scan: is an untrusted model folder safe to open? Checked by names and small files, before any library opens it.

Engines have bypassed their own trust flag three times (CVE-2025-66448, CVE-2026-22807, CVE-2026-27893), so the scan
does not rely on it: only safetensors weights, only regular files inside the folder, and no configuration that names
code, a module or a file elsewhere. All reads are bounded; ``CheckpointError`` names the file and the way out.
"""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.checkpoints.architecture import is_stock, wrong_architecture
from harness.checkpoints.configuration import (
    absurd_size,
    is_configuration,
    names_elsewhere,
    names_file,
    quantisation_patterns,
    rounded_weights,
)
from harness.checkpoints.contents import ADAPTER_CONFIG, CONFIG, Contents, pickled_message
from harness.checkpoints.tokenizer_sizes import absurd_tokenizer
from harness.checkpoints.weights import HeaderError, Tensor, read_header
from harness.errors import RetentionError
from harness.sandbox import Failure, Limits, Sandbox

# First bytes of files that can run code, whatever they are called: pickle protocols 2 to 5, zip, HDF5, ELF.
_MAGIC = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04", b"\x89HDF", b"\x7fELF")
# Kinds of adapter that PEFT can merge into plain weights.
_PEFT_TYPES = frozenset({"LORA", "LOHA", "LOKR", "IA3", "OFT", "BOFT"})
_STOCK_LIBRARY = re.compile(r"\Atransformers(\.[A-Za-z_]\w*)*\Z", re.ASCII)
# transformers fetches kernels from the hub for an implementation whose name looks like a repository.
_IMPLEMENTATIONS = frozenset({"attn_implementation", "_attn_implementation", "experts_implementation"})
# Fields of a tokenizer's configuration that may name a file to read instead of tokenizer.json.
_FILE_FIELDS = re.compile(r"\A(tokenizer|vocab|merges|spm|added_tokens)_file\Z")
_PLAIN_MODULE = re.compile(r"\A[\w.-]*\Z", re.ASCII)
_PATTERN_FIELDS = ("target_modules", "exclude_modules", "layers_pattern", "rank_pattern", "alpha_pattern")
# Fields that name the class a processor is loaded with: any class that transformers exports, also one that unpickles.
_CLASS_FIELDS = re.compile(r"\A(processor_class|(image|video)_processor_type|feature_extractor_type)\Z")
_PROCESSOR_CLASS = re.compile(r"\A[A-Z]\w*(Processor|FeatureExtractor)(Fast|Pil)?\Z", re.ASCII)
_MAX_JSON = 64 * 1024 * 1024
# Each starts a value, so their number bounds a parser's memory: the largest tokenizers have some 600,000 pairs.
_STRUCTURE = {b"{": 200_000, b"[": 1_200_000, b",": 4_000_000}
# A configuration lists no vocabulary; the longest name the modules of a quantised mixture one by one.
_MAX_CONFIGURATION = 16 * 1024 * 1024
_CONFIGURATION_STRUCTURE = {b"{": 200_000, b"[": 200_000, b",": 1_000_000}
# In all files together: a mixture of 384 experts in packed tensors has some 200,000.
_MAX_TENSORS = 500_000
_MAX_ENDS = 256
# Published tokenizers replace one character by at most three.
_MAX_GROWTH = 256
_MAX_DEPTH = 64
_MAX_PATTERNS = 200
_MAX_PATTERN = 4_000
_MAX_MODULES = 20_000


class CheckpointError(RetentionError):
    """A checkpoint that is missing, incomplete or unsafe; the message names the file and the way out."""


def scan_files(folder: Path, contents: Contents) -> None:
    """Check every used file of ``folder``, and the configuration against the headers of the weights."""
    stock = code_is_not_needed(folder, contents.kind)
    weights = _read_all_weights(folder, contents.weights)
    _refuse_duplicates(folder, weights)
    tensors = [tensor for found in weights.values() for tensor in found]
    for name in sorted(set(contents.used) - set(contents.weights)):
        _scan_file(folder / name, stock=stock)
    _scan_added_tokens(folder)
    if contents.kind == "full":
        _scan_model(folder / CONFIG, tensors)


def code_is_not_needed(folder: Path, kind: str) -> bool:
    """Whether the installed transformers has the model's class, so that ``auto_map`` can be left out; an adapter has
    no class."""
    return kind == "adapter" or is_stock(read_json(folder / CONFIG))


def check_patterns(path: Path, config: dict[str, Any], modules: Iterable[str]) -> None:
    """Match the patterns of an adapter's configuration against module names in a sandbox, as PEFT will.

    A regular expression may backtrack for ever on a crafted name; one that takes long on ``modules`` is refused.
    """
    patterns = list(_patterns(config))
    if len(patterns) > _MAX_PATTERNS or any(len(pattern) > _MAX_PATTERN for pattern in patterns):
        raise CheckpointError(f"{path}: more than {_MAX_PATTERNS} module name patterns, or one of over {_MAX_PATTERN} "
                              "characters; name the modules in full")  # fmt: skip
    if all(_PLAIN_MODULE.match(pattern) for pattern in patterns):
        return
    _try_patterns(path, "match_patterns", patterns, modules)


def check_quantisation(path: Path, config: dict[str, Any], modules: Iterable[str]) -> None:
    """The same for the patterns of a quantised model's configuration, of which some are globs."""
    if patterns := quantisation_patterns(config):
        _try_patterns(path, "match_valid_patterns", patterns, modules)


def module_names(tensors: Iterable[Tensor]) -> set[str]:
    """The names of the modules that have weights, and of all that contain them."""
    found: set[str] = set()
    for tensor in tensors:
        parts = tensor.name.split(".")
        found.update(".".join(parts[:end]) for end in range(1, len(parts) + 1))
    return found


def _try_patterns(path: Path, function: str, patterns: list[str], modules: Iterable[str]) -> None:
    names = sorted(set(modules))[:_MAX_MODULES]
    limits = Limits(memory=256 * 1024 * 1024, cpu_seconds=1)
    with Sandbox("harness.checkpoints.scan", ["match_patterns", "match_valid_patterns"], limits) as box:
        answer = box.call(function, patterns, names)
    if isinstance(answer, Failure):
        raise CheckpointError(
            f"{path}: its module name patterns cannot be used ({answer.message}); name the modules in full"
        )


def match_valid_patterns(patterns: list[str], names: list[str]) -> int:
    """:func:`match_patterns` without what is no regular expression."""
    valid = []
    for pattern in patterns:
        with contextlib.suppress(re.error):
            valid.append(re.compile(pattern).pattern)
    return match_patterns(valid, names)


def match_patterns(patterns: list[str], names: list[str]) -> int:
    """The number of (pattern, name) that match; runs in the sandbox of :func:`check_patterns`."""
    return sum(bool(re.fullmatch(pattern, name)) for pattern in patterns for name in names)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of a checkpoint, an empty dict where it is not an object; ``CheckpointError`` if not JSON."""
    content = _read_json(path)
    return content if isinstance(content, dict) else {}


def _read_json(path: Path) -> Any:
    """What is in a file of bounded size, of values whose number is bounded before they are read."""
    small = is_configuration(path.name) and path.name != "tokenizer_config.json"
    longest = _MAX_CONFIGURATION if small else _MAX_JSON
    if path.stat().st_size > longest:
        raise CheckpointError(f"{path}: {path.stat().st_size:,} bytes, more than the {longest:,} of any such file; "
                              "save it again with save_pretrained")  # fmt: skip
    text = path.read_bytes()
    structure = _CONFIGURATION_STRUCTURE if small else _STRUCTURE
    if any(text.count(mark) > most for mark, most in structure.items()):
        raise CheckpointError(f"{path}: contains more values than a checkpoint's JSON may have")
    try:
        return json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not valid JSON ({str(error)[:200]})") from error


def _read_all_weights(folder: Path, names: Iterable[str]) -> dict[str, list[Tensor]]:
    weights: dict[str, list[Tensor]] = {}
    count = 0
    for name in names:
        weights[name] = _read_weights(folder / name)
        count += len(weights[name])
        if count > _MAX_TENSORS:
            raise CheckpointError(f"{folder / name}: the weights have more than {_MAX_TENSORS:,} tensors; refused")
    return weights


def _read_weights(path: Path) -> list[Tensor]:
    _check_plain(path)
    try:
        return read_header(path)
    except HeaderError as error:
        raise CheckpointError(f"{path}: safetensors {error}") from error


def _refuse_duplicates(folder: Path, weights: dict[str, list[Tensor]]) -> None:
    """Of a tensor that two shards hold, which one is loaded depends on the library."""
    first: dict[str, str] = {}
    for name, tensors in weights.items():
        for tensor in tensors:
            if (other := first.setdefault(tensor.name, name)) != name:
                raise CheckpointError(
                    f"{folder / name}: holds {tensor.name[:80]!a}, which {other} holds too; shards of two trainings "
                    "are mixed here: save the model again into an empty folder"
                )


def _check_plain(path: Path) -> None:
    if not path.is_file():
        raise CheckpointError(f"{path}: not a plain file, or a link to nothing; remove it or download it again")


def _scan_file(path: Path, *, stock: bool) -> None:
    _check_plain(path)
    with path.open("rb") as file:
        if file.read(4).startswith(_MAGIC):
            raise CheckpointError(pickled_message(str(path)))
    if path.suffix.lower() != ".json":
        return
    content = _read_json(path)
    if path.name == "tokenizer.json":
        content = _sized_tokenizer(path, content)
    if _is_deeper(content, _MAX_DEPTH):
        raise CheckpointError(f"{path}: nested more than {_MAX_DEPTH} levels deep; save it again with save_pretrained")
    if key := _asks_for_code(content, stock=stock):
        raise CheckpointError(f"{path}: {key} would run the checkpoint's own code; remove it and use a stock model")
    if found := _names_other_model(content):
        raise CheckpointError(f"{path}: {found} would be loaded with the processor; remove it")
    fields = content if isinstance(content, dict) else {}
    if path.name == ADAPTER_CONFIG:
        _scan_adapter(path, fields)
    if path.name == "tokenizer.json":
        _scan_tokenizer(path, fields)
    if path.name == "tokenizer_config.json":
        _scan_tokenizer_config(path, fields)
    if is_configuration(path.name):
        _scan_configuration(path, fields)


def _sized_tokenizer(path: Path, content: Any) -> Any:
    """A tokenizer file of ordinary size, without its hundreds of thousands of tokens and merges: they name nothing."""
    fields = content if isinstance(content, dict) else {}
    if found := absurd_tokenizer(fields):
        raise CheckpointError(f"{path}: {found}; restore the tokenizer of the model that it was trained from")
    model = fields.get("model")
    if not isinstance(model, dict):
        return content
    return {**fields, "model": {name: value for name, value in model.items() if name not in ("vocab", "merges")}}


def _scan_configuration(path: Path, fields: dict[str, Any]) -> None:
    if found := _names_another(path.name, fields):
        raise CheckpointError(f"{path}: {found}, which is not under the checkpoint's digest; remove it")
    ends = fields.get("eos_token_id")
    if isinstance(ends, list) and len(ends) > _MAX_ENDS:
        raise CheckpointError(
            f"{path}: eos_token_id lists {len(ends):,} tokens that end an answer, more than {_MAX_ENDS}; name those "
            "that the chat template puts after an answer"
        )


def _is_deeper(content: Any, levels: int) -> bool:
    level = [content] if isinstance(content, dict | list) else []
    for _ in range(levels):
        level = [each for value in level for each in (value.values() if isinstance(value, dict) else value)
                 if isinstance(each, dict | list)]  # fmt: skip
    return bool(level)


def _names_another(name: str, content: dict[str, Any]) -> str | None:
    """What a configuration names beside the folder's own files."""
    if name == "tokenizer_config.json":
        return names_file(content)
    if name in ("quantize_config.json", "quant_config.json"):
        return names_elsewhere(content, quantisation=True)
    return names_elsewhere(content)


def _scan_model(path: Path, tensors: Sequence[Tensor]) -> None:
    """A class that writes text, of a size that the weights can have."""
    config = read_json(path)
    if found := wrong_architecture(config) or absurd_size(config, tensors) or rounded_weights(config, tensors):
        raise CheckpointError(f"{path}: {found}")
    check_quantisation(path, config, module_names(tensors))


def _asks_for_code(content: Any, *, stock: bool) -> str | None:
    """The key, at any depth, that would make a library fetch and run untrusted code; None if there is none.

    ``auto_map`` of a ``stock`` model names code that is not needed: it is left out of what libraries are given.
    """
    named = ("custom_pipelines",) if stock else ("auto_map", "custom_pipelines")
    for value in _objects(content):
        for key, each in value.items():
            # A vocabulary may well hold these words as tokens; their values are numbers.
            if key in named and each and isinstance(each, dict | list | str):
                return str(key)
            # The second fetches whatever repository `backbone` names.
            if (key in _IMPLEMENTATIONS and "/" in str(each)) or (key == "use_pretrained_backbone" and each is True):
                return str(key)
    return None


def _names_other_model(content: Any) -> str | None:
    """A field, at any depth, that has a processor loaded with a class that is none, or with a model from elsewhere."""
    for value in _objects(content):
        for key, each in value.items():
            if _CLASS_FIELDS.match(key) and isinstance(each, str) and not _PROCESSOR_CLASS.match(each):
                return f"{key} {each[:80]!a}"
            if key == "audio_tokenizer" and isinstance(each, dict):
                return key
            if key == "audio_tokenizer_class" and isinstance(each, str):
                return f"{key} {each[:80]!a}"
    return None


def _objects(content: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON document, at any depth."""
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(each for each in value.values() if isinstance(each, dict | list))
        elif isinstance(value, list):
            waiting.extend(each for each in value if isinstance(each, dict | list))


def _scan_adapter(path: Path, config: dict[str, Any]) -> None:
    """PEFT imports the modules that some fields name, loads the files that others name, and unpickles some."""
    if str(config.get("peft_type")) not in _PEFT_TYPES:
        kind = ascii(config.get("peft_type"))[:80]
        raise CheckpointError(f"{path}: peft_type {kind} is not supported; use one of {', '.join(sorted(_PEFT_TYPES))}")
    mapping = config.get("auto_mapping") or {}
    library = mapping.get("parent_library") if isinstance(mapping, dict) else mapping
    if library is not None and not _STOCK_LIBRARY.match(str(library)):
        raise CheckpointError(
            f"{path}: auto_mapping names module {str(library)[:80]!a}; only transformers' own are allowed"
        )
    if config.get("megatron_config") or config.get("megatron_core") not in (None, "megatron.core"):
        raise CheckpointError(f"{path}: megatron_core names a module to import; remove it and megatron_config")
    for field, value in config.items():
        if isinstance(value, dict) and any(key.endswith("_file") and each for key, each in value.items()):
            raise CheckpointError(f"{path}: {field} names a file that would be unpickled; remove it")


def _scan_tokenizer(path: Path, tokenizer: dict[str, Any]) -> None:
    """A chain of Replace steps can expand a one-line prompt to gigabytes."""
    growth = 1
    for step in _objects([tokenizer.get("normalizer"), tokenizer.get("pre_tokenizer"), tokenizer.get("decoder")]):
        if step.get("type") == "Replace" and isinstance(step.get("content"), str):
            growth *= max(1, len(step["content"]))
        if growth > _MAX_GROWTH:
            raise CheckpointError(f"{path}: its Replace steps expand text more than {_MAX_GROWTH} times; refused")


def _scan_tokenizer_config(path: Path, config: dict[str, Any]) -> None:
    if config.get("fast_tokenizer_files") not in (None, [], ["tokenizer.json"]):
        raise CheckpointError(f"{path}: fast_tokenizer_files names a tokenizer other than tokenizer.json; remove it")
    if config.get("init_inputs"):
        raise CheckpointError(f"{path}: init_inputs would be passed to the tokenizer's class; remove them")
    for field, value in config.items():
        if (
            _FILE_FIELDS.match(field)
            and isinstance(value, str)
            and ("/" in value or "\\" in value or value in (".", ".."))
        ):
            raise CheckpointError(f"{path}: {field} names a file outside the folder; remove it")


def _scan_added_tokens(folder: Path) -> None:
    """tokenizer_config.json may rename tokens of tokenizer.json, so that outputs would decode to a different text."""
    paths = folder / "tokenizer.json", folder / "tokenizer_config.json"
    if not all(path.is_file() for path in paths):
        return
    tokenizer, config = (read_json(path) for path in paths)
    added = config.get("added_tokens_decoder")
    renamed = {str(number): _text(token) for number, token in added.items()} if isinstance(added, dict) else {}
    listed = tokenizer.get("added_tokens")
    for token in listed if isinstance(listed, list) else ():
        number = str(token.get("id")) if isinstance(token, dict) else ""
        if number in renamed and renamed[number] != _text(token):
            raise CheckpointError(f"{paths[1]}: added_tokens_decoder renames token {number[:20]} of tokenizer.json")


def _text(token: Any) -> Any:
    return token.get("content") if isinstance(token, dict) else token


def _patterns(config: dict[str, Any]) -> Iterable[str]:
    """What PEFT treats as regular expressions: strings in place of a list of names, and the keys of the two tables."""
    for field in _PATTERN_FIELDS:
        value = config.get(field)
        if isinstance(value, str) and not (field == "target_modules" and value == "all-linear"):
            yield value
        elif isinstance(value, dict):
            yield from (rf"(.*\.)?({key})$" for key in value if not _PLAIN_MODULE.match(key))
        elif isinstance(value, list) and field == "layers_pattern":
            yield from (str(each) for each in value)
