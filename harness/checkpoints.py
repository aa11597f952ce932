"""Checkpoints: which model this is, proven by its files, and whether its folder is safe to open.

Nothing here loads a model. Every folder passes a static scan before any library sees it (submissions.md, "Threats"):
weights as safetensors only, no Python, no ``auto_map``, no name that leads outside the folder.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.digests import cached_sha256
from harness.errors import RetentionError
from harness.items import canonical_json
from harness.samples import CheckpointRecord

_PICKLE_SUFFIXES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack", ".npz", ".npy"})
_MODEL_SUFFIXES = frozenset({".safetensors", ".json", ".jinja", ".txt", ".model"})
# Files that describe a checkpoint without changing what it answers.
_NOT_MODEL = frozenset({"training_record.json", "trainer_state.json", "LICENSE.txt", "README.txt", "notice.txt"})
# Kinds of adapter that PEFT can merge into plain weights.
_PEFT_TYPES = frozenset({"LORA", "LOHA", "LOKR", "IA3", "OFT", "BOFT"})
_STOCK_LIBRARY = re.compile(r"\Atransformers(\.[A-Za-z_]\w*)*\Z")
# transformers fetches kernels from the hub for an implementation that is named like a repository.
_IMPLEMENTATIONS = frozenset({"attn_implementation", "_attn_implementation", "experts_implementation"})
_HUB_ID = re.compile(r"\A(?P<repo>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(?:@(?P<revision>[\w./-]{1,200}))?\Z")
_MAX_HEADER = 100 * 1024 * 1024
_MAX_JSON = 64 * 1024 * 1024


class CheckpointError(RetentionError):
    """A checkpoint that is missing, incomplete or unsafe; the message names the file and the way out."""


@dataclass(frozen=True)
class Checkpoint:
    """A scanned checkpoint on this machine: its folder and its identity. ``base`` is set for adapters."""

    path: Path
    record: CheckpointRecord
    base: "Checkpoint | None" = None


def nano_root() -> Path:
    """Folder of the checkpoints that are shipped with the project (``nano:base``, ``nano:sft``)."""
    return Path(__file__).parent / "training" / "nano" / "checkpoints"


def open_checkpoint(reference: str) -> Checkpoint:
    """Resolve a local folder, a shipped ``nano:NAME`` or a hub id ``owner/name[@revision]``, and scan it.

    Raises ``CheckpointError`` when there is no such checkpoint or its folder is not safe.
    """
    if reference.startswith("nano:"):
        folder = nano_root() / Path(reference.removeprefix("nano:")).name
        if not folder.is_dir():
            shipped = ", ".join(sorted(f"nano:{path.name}" for path in nano_root().glob("*/")))
            raise CheckpointError(f"{reference}: no such shipped checkpoint; there are {shipped}")
        return _from_folder(folder, reference.replace(":", "-"), "local", None)
    folder = Path(reference).expanduser()
    if folder.is_dir():
        return _from_folder(folder, folder.resolve().name, "local", None)
    if (match := _HUB_ID.match(reference)) and not reference.startswith((".", "/", "~")):
        return _from_hub(match["repo"], match["revision"])
    raise CheckpointError(f"{reference}: no such folder, and not a hub id of the form owner/name[@revision]")


def same_tokenizer(base: Checkpoint, tuned: Checkpoint) -> None:
    """Both models of a pair must read the same token ids; else ``CheckpointError`` (design.md, invariant 1)."""
    if base.record.tokenizer_digest != tuned.record.tokenizer_digest:
        raise CheckpointError(
            f"{tuned.record.name}: its tokenizer differs from that of {base.record.name} "
            f"({tuned.record.tokenizer_digest[:12]} against {base.record.tokenizer_digest[:12]}), so the two cannot be "
            "asked the same token ids; evaluate a tuned checkpoint of this base"
        )


def _from_hub(repo: str, revision: str | None) -> Checkpoint:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        info = HfApi().model_info(repo, revision=revision)
        names = [sibling.rfilename for sibling in info.siblings or []]
        _scan_names(repo, names)
        wanted = [name for name in names if _is_model_file(name)]
        folder = snapshot_download(repo, revision=info.sha, allow_patterns=wanted)
    except CheckpointError:
        raise
    except (GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise CheckpointError(
            f"{repo}: not found on the hub; check the name and revision, or log in if it is gated"
        ) from error
    except Exception as error:  # The hub's client lets errors of its HTTP library through, which differ by version.
        raise CheckpointError(
            f"{repo}: no such folder, and the hub cannot be reached ({type(error).__name__}); "
            "give a local folder, or try again with a network"
        ) from error
    return _from_folder(Path(folder), repo, "hub", info.sha)


def _from_folder(folder: Path, name: str, source: Literal["hub", "local"], revision: str | None) -> Checkpoint:
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
    _scan_names(str(folder), names)
    for relative in names:
        _scan_file(folder, relative, links_allowed=source == "hub")
    kept = [relative for relative in names if _is_model_file(relative)]
    files = dict(zip(kept, cached_sha256([folder / relative for relative in kept]), strict=True))
    adapter = (folder / "adapter_config.json").is_file()
    if not adapter and not (folder / "config.json").is_file():
        raise CheckpointError(f"{folder}: config.json is missing; is this a checkpoint written by save_pretrained?")
    if not any(relative.endswith(".safetensors") for relative in files):
        raise CheckpointError(f"{folder}: no .safetensors file; save the weights with safe_serialization=True")
    base = _adapter_base(folder) if adapter else None
    record = CheckpointRecord(
        name=name,
        kind="adapter" if adapter else "full",
        source=source,
        revision=revision,
        weights_digest=_digest_of(files),
        tokenizer_digest=base.record.tokenizer_digest if base else _tokenizer_digest(folder),
        files=files,
        architecture=base.record.architecture if base else _architecture(folder),
        base=base.record if base else None,
    )
    return Checkpoint(folder, record, base)


def _adapter_base(folder: Path) -> Checkpoint:
    config = read_json(folder / "adapter_config.json")
    reference = config.get("base_model_name_or_path")
    if not isinstance(reference, str) or not reference:
        raise CheckpointError(f"{folder / 'adapter_config.json'}: base_model_name_or_path is missing")
    revision = config.get("revision")
    named = isinstance(revision, str) and revision and not Path(reference).expanduser().is_dir()
    base = open_checkpoint(f"{reference}@{revision}" if named and "@" not in reference else reference)
    if base.record.kind == "adapter":
        raise CheckpointError(f"{folder}: its base {reference} is an adapter itself; name a full checkpoint")
    return base


def _digest_of(files: dict[str, str]) -> str:
    return hashlib.sha256(canonical_json(sorted(files.items()))).hexdigest()


def _tokenizer_digest(folder: Path) -> str:
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise CheckpointError(f"{path}: missing; save the checkpoint's fast tokenizer beside it with save_pretrained")
    content = read_json(path)
    # Trainers store their padding and truncation in the file; neither changes which ids a text becomes here.
    return hashlib.sha256(canonical_json({**content, "padding": None, "truncation": None})).hexdigest()


def _architecture(folder: Path) -> str:
    architectures = read_json(folder / "config.json").get("architectures")
    if not isinstance(architectures, list) or not architectures or not isinstance(architectures[0], str):
        raise CheckpointError(f"{folder / 'config.json'}: architectures is missing; it names the model class")
    return architectures[0]


def _is_model_file(name: str) -> bool:
    path = Path(name)
    return path.suffix in _MODEL_SUFFIXES and path.name not in _NOT_MODEL and len(path.parts) == 1


def _scan_names(where: str, names: list[str]) -> None:
    for name in names:
        path = Path(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or any(ord(letter) < 32 for letter in name):
            raise CheckpointError(f"{where}: file name {name!r} leads outside the folder; refused")
        if path.suffix in _PICKLE_SUFFIXES:
            raise CheckpointError(
                f"{where}/{name}: pickle-like weights can run code when they are opened; convert them to safetensors "
                "(model.save_pretrained(..., safe_serialization=True)) and remove this file"
            )
        if path.suffix in (".py", ".pyc", ".so"):
            raise CheckpointError(f"{where}/{name}: code in a checkpoint is never run; remove it and use a stock model")


def _scan_file(folder: Path, relative: str, *, links_allowed: bool) -> None:
    path = folder / relative
    if path.is_symlink() and not links_allowed:
        raise CheckpointError(f"{path}: a link in a checkpoint folder; copy the file itself")
    if path.suffix == ".json":
        content = read_json(path)
        if key := _asks_for_code(content):
            raise CheckpointError(
                f"{path}: {key} asks for code of the checkpoint's own; remove it and use a stock model"
            )
        if path.name == "adapter_config.json":
            _scan_adapter(path, content)
    if path.suffix == ".safetensors":
        _scan_safetensors(path)


def _asks_for_code(content: Any) -> str | None:
    """The key, at any depth, by which a configuration would have a library fetch and run a stranger's code."""
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for key, each in value.items():
                # A vocabulary may well hold these words as tokens; their values are numbers.
                if key == "auto_map" and each and isinstance(each, dict | list | str):
                    return "auto_map"
                if key in _IMPLEMENTATIONS and "/" in str(each):
                    return str(key)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(each for each in value if isinstance(each, dict | list))
    return None


def _scan_adapter(path: Path, config: dict[str, Any]) -> None:
    """PEFT imports the modules that some fields name, and other kinds of adapter load files by path."""
    if config.get("peft_type") not in _PEFT_TYPES:
        raise CheckpointError(
            f"{path}: peft_type {config.get('peft_type')!r} is not run here; there are {', '.join(sorted(_PEFT_TYPES))}"
        )
    mapping = config.get("auto_mapping") or {}
    library = mapping.get("parent_library") if isinstance(mapping, dict) else mapping
    if library is not None and not _STOCK_LIBRARY.match(str(library)):
        raise CheckpointError(f"{path}: auto_mapping names module {library!r}; only transformers' own are used")
    if config.get("megatron_config") or config.get("megatron_core") not in (None, "megatron.core"):
        raise CheckpointError(f"{path}: megatron_core names a module to import; remove megatron_config and it")


def _scan_safetensors(path: Path) -> None:
    """Check the header alone: its length, that offsets are in range and in order, and that they cover the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(_MAX_HEADER, size - 8):
            raise CheckpointError(f"{path}: safetensors header length {length} does not fit the file of {size} bytes")
        try:
            header = json.loads(file.read(length))
            spans = sorted(tuple(entry["data_offsets"]) for key, entry in header.items() if key != "__metadata__")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise CheckpointError(f"{path}: safetensors header is not readable ({type(error).__name__})") from error
    end = 0
    for span in spans:
        if len(span) != 2 or span[0] != end or span[1] < span[0]:
            raise CheckpointError(f"{path}: safetensors offsets overlap or leave a gap at byte {end}")
        end = span[1]
    if end != size - 8 - length:
        raise CheckpointError(f"{path}: safetensors offsets end at {end}, the data at {size - 8 - length}")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of a checkpoint; ``CheckpointError`` names the file when it is none."""
    if path.stat().st_size > _MAX_JSON:
        raise CheckpointError(f"{path}: {path.stat().st_size} bytes is more than a checkpoint's JSON may have")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(content, dict):
        return {}
    return content
