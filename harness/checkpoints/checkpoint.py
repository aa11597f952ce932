"""Checkpoints: models identified by the digests of their files.

Nothing here loads a model, and every folder passes the scan (:mod:`harness.checkpoints.scan`) before any library opens
it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.checkpoints.digests import cached_sha256
from harness.checkpoints.scan import CheckpointError, check_patterns, read_json, scan_folder, scan_names
from harness.checkpoints.tokenizer import TOKENIZER_FILE, tokenizer_digest
from harness.checkpoints.weights import read_header
from harness.items import files_digest
from harness.records import CheckpointRecord

__all__ = ["Checkpoint", "CheckpointError", "nano_root", "open_checkpoint", "read_json"]

_MODEL_SUFFIXES = frozenset({".safetensors", ".json", ".jinja", ".txt", ".model"})
# Files that describe a checkpoint without affecting its outputs.
_NOT_MODEL = frozenset({"training_record.json", "trainer_state.json", "LICENSE.txt", "README.txt", "notice.txt"})
_HUB_ID = re.compile(
    r"\A(?P<repo>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(?:@(?P<revision>[\w./-]{1,200}))?\Z", re.ASCII
)


@dataclass(frozen=True)
class Checkpoint:
    """A scanned checkpoint on this machine: its folder and its record. ``base`` is set for adapters."""

    path: Path
    record: CheckpointRecord
    base: "Checkpoint | None" = None


def nano_root() -> Path:
    """The folder of the checkpoints shipped with the project (``nano:base``, ``nano:sft``)."""
    return Path(__file__).parent / "nano"


def open_checkpoint(reference: str) -> Checkpoint:
    """Resolve a local folder, a shipped ``nano:NAME`` or a hub id ``owner/name[@revision]``, and scan it.

    Raises ``CheckpointError`` when there is no such checkpoint or its folder is unsafe.
    """
    return _open(reference, None)


def _open(reference: str, adapter: Path | None) -> Checkpoint:
    """``adapter`` is the folder that names ``reference`` as its base, which must then not be an adapter itself."""
    if reference.startswith("nano:"):
        folder = nano_root() / Path(reference.removeprefix("nano:")).name
        if not folder.is_dir():
            shipped = ", ".join(sorted(f"nano:{path.name}" for path in nano_root().glob("*/")))
            raise CheckpointError(f"{reference}: no such shipped checkpoint; there are {shipped}")
        return _from_folder(folder, reference.replace(":", "-"), "local", None, adapter)
    if _is_folder(reference):
        folder = Path(reference).expanduser()
        return _from_folder(folder, folder.resolve().name, "local", None, adapter)
    if (match := _HUB_ID.match(reference)) and not reference.startswith((".", "/", "~")):
        return _from_hub(match["repo"], match["revision"], adapter)
    raise CheckpointError(f"{reference[:300]}: no such folder, and not a hub id of the form owner/name[@revision]")


def _is_folder(reference: str) -> bool:
    try:
        return Path(reference).expanduser().is_dir()
    except (OSError, RuntimeError, ValueError):  # A name too long, of an unknown user's home, or with a zero byte.
        return False


def _from_hub(repo: str, revision: str | None, adapter: Path | None = None) -> Checkpoint:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        info = HfApi().model_info(repo, revision=revision)
        names = [sibling.rfilename for sibling in info.siblings or []]
        scan_names(repo, names)
        wanted = [name for name in names if _is_model_file(name)]
        folder = snapshot_download(repo, revision=info.sha, allow_patterns=wanted)
    except CheckpointError:
        raise
    except (GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise CheckpointError(
            f"{repo}: not found on the hub; check the name and revision, or log in if it is gated"
        ) from error
    except Exception as error:  # The hub's client raises its HTTP library's errors, which differ by version.
        raise CheckpointError(
            f"{repo}: no such folder, and the hub cannot be reached ({type(error).__name__}); "
            "give a local folder, or try again with a network"
        ) from error
    return _from_folder(Path(folder), repo, "hub", info.sha, adapter)


def _from_folder(
    folder: Path, name: str, source: Literal["hub", "local"], revision: str | None, named_by: Path | None
) -> Checkpoint:
    # The hub's cache keeps files in one place and links to them from each snapshot.
    names = scan_folder(folder, linked_from=folder.parent.parent / "blobs" if source == "hub" else None)
    kept = [relative for relative in names if _is_model_file(relative)]
    files = dict(zip(kept, cached_sha256([folder / relative for relative in kept]), strict=True))
    adapter = (folder / "adapter_config.json").is_file()
    if adapter and named_by is not None:
        raise CheckpointError(f"{named_by}: its base {name} is an adapter itself; name a full checkpoint")
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
        weights_digest=files_digest(files),
        tokenizer_digest=_tokenizer_digest(folder, base),
        files=files,
        architecture=base.record.architecture if base else _architecture(folder),
        base=base.record if base else None,
    )
    return Checkpoint(folder, record, base)


def _adapter_base(folder: Path) -> Checkpoint:
    path = folder / "adapter_config.json"
    config = read_json(path)
    reference = config.get("base_model_name_or_path")
    if not isinstance(reference, str) or not reference:
        raise CheckpointError(f"{path}: base_model_name_or_path is missing")
    revision = config.get("revision")
    named = isinstance(revision, str) and revision and not _is_folder(reference)
    base = _open(f"{reference}@{revision}" if named and "@" not in reference else reference, folder)
    check_patterns(path, config, [*_modules(base.path), *_modules(folder)])
    return base


def _modules(folder: Path) -> Iterator[str]:
    """The names of the modules that have weights, and of all that contain them."""
    for path in sorted(folder.glob("*.safetensors")):
        for tensor in read_header(path):
            parts = tensor.name.split(".")
            yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _tokenizer_digest(folder: Path, base: Checkpoint | None) -> str:
    """Of a checkpoint's own tokenizer; an adapter that ships none has that of its base."""
    shipped = (folder / TOKENIZER_FILE).is_file()
    return base.record.tokenizer_digest if base and not shipped else tokenizer_digest(folder)


def _architecture(folder: Path) -> str:
    architectures = read_json(folder / "config.json").get("architectures")
    if not isinstance(architectures, list) or not architectures or not isinstance(architectures[0], str):
        raise CheckpointError(f"{folder / 'config.json'}: architectures is missing; it names the model class")
    return architectures[0]


def _is_model_file(name: str) -> bool:
    path = Path(name)
    return path.suffix in _MODEL_SUFFIXES and path.name not in _NOT_MODEL and len(path.parts) == 1
