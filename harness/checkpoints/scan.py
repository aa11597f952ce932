"""Scan: is an untrusted model folder safe to open? Checked by names and small files, before any library opens it.

Engines have bypassed their own trust flag three times (CVE-2025-66448, CVE-2026-22807, CVE-2026-27893), so the scan
does not rely on it: only safetensors weights, only regular files inside the folder, and no configuration that names
code, a module or a file elsewhere. All reads are bounded; ``CheckpointError`` names the file and the way out.
"""

import json
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from harness.checkpoints.weights import HeaderError, read_header
from harness.errors import RetentionError
from harness.sandbox import Failure, Limits, Sandbox

# fmt: off
_PICKLE_SUFFIXES = frozenset({
    ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".hdf5", ".keras", ".msgpack", ".npz", ".npy", ".joblib",
    ".dill", ".mar", ".nemo", ".t7",
})
_CODE_SUFFIXES = frozenset({
    ".py", ".pyc", ".pyo", ".pyd", ".pyi", ".pyw", ".pyz", ".so", ".dll", ".dylib", ".whl", ".egg",
})
# fmt: on
# First bytes of files that can run code, whatever they are called: pickle protocols 2 to 5, zip, HDF5, ELF.
_MAGIC = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04", b"\x89HDF", b"\x7fELF")
_RESERVED = re.compile(r"\A(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?\Z", re.IGNORECASE)
# Kinds of adapter that PEFT can merge into plain weights.
_PEFT_TYPES = frozenset({"LORA", "LOHA", "LOKR", "IA3", "OFT", "BOFT"})
_STOCK_LIBRARY = re.compile(r"\Atransformers(\.[A-Za-z_]\w*)*\Z", re.ASCII)
# transformers fetches kernels from the hub for an implementation whose name looks like a repository.
_IMPLEMENTATIONS = frozenset({"attn_implementation", "_attn_implementation", "experts_implementation"})
# Fields of a tokenizer's configuration that may name a file to read instead of tokenizer.json.
_FILE_FIELDS = re.compile(r"\A(tokenizer|vocab|merges|spm|added_tokens|special_tokens_map)_file\Z")
_TOKENIZER_VERSION = re.compile(r"\Atokenizer\..+\.json\Z", re.IGNORECASE)
_PLAIN_MODULE = re.compile(r"\A[\w.-]*\Z", re.ASCII)
_PATTERN_FIELDS = ("target_modules", "exclude_modules", "layers_pattern", "rank_pattern", "alpha_pattern")
# Fields that name the class a processor is loaded with: any class that transformers exports, also one that unpickles.
_CLASS_FIELDS = re.compile(r"\A(processor_class|(image|video)_processor_type|feature_extractor_type)\Z")
_PROCESSOR_CLASS = re.compile(r"\A[A-Z]\w*(Processor|FeatureExtractor)(Fast|Pil)?\Z", re.ASCII)
_MAX_FILES = 10_000
_MAX_PART = 255
_MAX_PATH = 1_000
_MAX_JSON = 64 * 1024 * 1024
# Each starts a value, so their number bounds a parser's memory: the largest tokenizers have some 600,000 pairs.
_STRUCTURE = {b"{": 200_000, b"[": 1_200_000, b",": 4_000_000}
# Published tokenizers replace one character by at most three.
_MAX_GROWTH = 256
_MAX_PATTERNS = 200
_MAX_PATTERN = 4_000
_MAX_MODULES = 20_000

Names = Sequence[str]


class CheckpointError(RetentionError):
    """A checkpoint that is missing, incomplete or unsafe; the message names the file and the way out."""


def scan_names(where: str, names: Names) -> None:
    """Check file names of a folder or a repository, before any file is downloaded or opened."""
    if len(names) > _MAX_FILES:
        raise CheckpointError(f"{where}: {len(names):,} files; a checkpoint has at most {_MAX_FILES:,}")
    seen: dict[str, str] = {}
    for name in names:
        if why := _bad_name(name):
            raise CheckpointError(f"{where}: file name {_shown(name)} {why}; refused")
        # The same file on a disk that ignores case or normalises Unicode.
        other = seen.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if other != name:
            raise CheckpointError(f"{where}: {name} and {other} are the same file on some systems; rename one of them")
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in _PICKLE_SUFFIXES:
            raise CheckpointError(_pickled(f"{where}/{name}"))
        if suffix in _CODE_SUFFIXES or ".so." in name.lower():
            raise CheckpointError(f"{where}/{name}: code in a checkpoint is never run; remove it and use a stock model")
        if _TOKENIZER_VERSION.match(PurePosixPath(name).name):
            raise CheckpointError(f"{where}/{name}: some libraries read it instead of tokenizer.json; remove it")


def scan_folder(folder: Path, *, linked_from: Path | None = None) -> list[str]:
    """Check every file of ``folder`` and return their relative names, sorted.

    Links are refused, except those of the hub's cache: to files below ``linked_from``.
    """
    names = sorted(str(path.relative_to(folder)) for path in _files(folder))
    scan_names(str(folder), names)
    for relative in names:
        _scan_file(folder, folder / relative, linked_from)
    for index in folder.glob("*.index.json"):
        _scan_index(index, set(names))
    _scan_added_tokens(folder)
    return names


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
    names = sorted(set(modules))[:_MAX_MODULES]
    with Sandbox(
        "harness.checkpoints.scan", ["match_patterns"], Limits(memory=256 * 1024 * 1024, cpu_seconds=1)
    ) as box:
        answer = box.call("match_patterns", patterns, names)
    if isinstance(answer, Failure):
        raise CheckpointError(
            f"{path}: its module name patterns cannot be used ({answer.message}); name the modules in full"
        )


def match_patterns(patterns: list[str], names: list[str]) -> int:
    """The number of (pattern, name) that match; runs in the sandbox of :func:`check_patterns`."""
    return sum(bool(re.fullmatch(pattern, name)) for pattern in patterns for name in names)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of a checkpoint, an empty dict where it is not an object; ``CheckpointError`` if not JSON."""
    content = _read_json(path)
    return content if isinstance(content, dict) else {}


def _read_json(path: Path) -> Any:
    if path.stat().st_size > _MAX_JSON:
        raise CheckpointError(f"{path}: {path.stat().st_size} bytes is more than a checkpoint's JSON may have")
    text = path.read_bytes()
    if any(text.count(mark) > most for mark, most in _STRUCTURE.items()):
        raise CheckpointError(f"{path}: contains more values than a checkpoint's JSON may have")
    try:
        return json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not valid JSON ({str(error)[:200]})") from error


def _files(folder: Path) -> Iterable[Path]:
    """All files below ``folder``; a link to a folder counts as a file, and is refused later."""
    waiting, found = [folder], 0
    while waiting:
        for path in waiting.pop().iterdir():
            found += 1
            if found > _MAX_FILES:
                raise CheckpointError(f"{folder}: more than {_MAX_FILES:,} files; is this a checkpoint?")
            if path.is_dir() and not path.is_symlink():
                waiting.append(path)
            else:
                yield path


def _bad_name(name: str) -> str | None:
    parts = name.split("/")
    if name.startswith(("/", "~")) or "\\" in name or ":" in name or any(part in ("", ".", "..") for part in parts):
        return "points outside the folder"
    if any(unicodedata.category(letter).startswith("C") or letter in "\u2028\u2029" for letter in name):
        return "contains invisible characters"
    if len(name) > _MAX_PATH or any(len(part.encode()) > _MAX_PART for part in parts):
        return f"has a part longer than {_MAX_PART} bytes, or more than {_MAX_PATH:,} characters"
    if any(part != part.strip() or part.endswith(".") or _RESERVED.match(part) for part in parts):
        return "means something else on other systems"
    return None


def _shown(name: str) -> str:
    return ascii(name if len(name) <= 80 else f"{name[:80]}..")


def _pickled(place: str) -> str:
    return (
        f"{place}: pickle-like weights can run code when they are opened; convert them to safetensors "
        "(model.save_pretrained(..., safe_serialization=True)) and remove this file"
    )


def _scan_file(folder: Path, path: Path, linked_from: Path | None) -> None:
    if path.is_symlink() and (linked_from is None or not path.resolve().is_relative_to(linked_from.resolve())):
        raise CheckpointError(f"{path}: a link in a checkpoint folder; copy the file itself")
    if not stat.S_ISREG(path.stat().st_mode):
        raise CheckpointError(f"{path}: not a plain file; remove it")
    suffix = path.suffix.lower()
    if suffix == ".safetensors":  # Its first bytes are a number, so they may look like any format.
        try:
            read_header(path)
        except HeaderError as error:
            raise CheckpointError(f"{path}: safetensors {error}") from error
        return
    with path.open("rb") as file:
        if file.read(4).startswith(_MAGIC):
            raise CheckpointError(_pickled(str(path)))
    if suffix == ".json":
        content = _read_json(path)
        if key := _asks_for_code(content):
            raise CheckpointError(f"{path}: {key} would run the checkpoint's own code; remove it and use a stock model")
        if found := _names_other_model(content):
            raise CheckpointError(f"{path}: {found} would be loaded with the processor; remove it")
        fields = content if isinstance(content, dict) else {}
        if path.name.lower() == "adapter_config.json":
            _scan_adapter(path, fields)
        if path.name.lower() == "tokenizer.json":
            _scan_tokenizer(path, fields)
        if path.name.lower() == "tokenizer_config.json":
            _scan_tokenizer_config(path, fields)


def _asks_for_code(content: Any) -> str | None:
    """The key, at any depth, that would make a library fetch and run untrusted code; None if there is none."""
    for value in _objects(content):
        for key, each in value.items():
            # A vocabulary may well hold these words as tokens; their values are numbers.
            if key in ("auto_map", "custom_pipelines") and each and isinstance(each, dict | list | str):
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
                return f"{key} {_shown(each)}"
            if key == "audio_tokenizer" and isinstance(each, dict):
                return key
            if key == "audio_tokenizer_class" and isinstance(each, str):
                return f"{key} {_shown(each)}"
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
        if _FILE_FIELDS.match(field) and isinstance(value, str) and _bad_name(value) is not None:
            raise CheckpointError(f"{path}: {field} names a file outside the folder; remove it")


def _scan_index(path: Path, names: set[str]) -> None:
    """The shards that an index names are opened by name, and unpickled unless they are safetensors."""
    shards = read_json(path).get("weight_map")
    if not isinstance(shards, dict):
        raise CheckpointError(f"{path}: weight_map is missing; save the weights again with save_pretrained")
    for shard in shards.values():
        if not isinstance(shard, str) or shard not in names or not shard.endswith(".safetensors"):
            raise CheckpointError(
                f"{path}: weight_map names {_shown(str(shard))}, which is not a .safetensors file of this folder"
            )


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
