"""Checkpoints: models identified by the digests of their files.

Nothing here loads a model, and every folder passes the scan (:mod:`harness.checkpoints.scan`) before any library opens
it.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.checkpoints.claims import FIELD, recorded_claim, refuse_other_base
from harness.checkpoints.contents import ADAPTER_WEIGHTS, Contents
from harness.checkpoints.digests import cached_sha256
from harness.checkpoints.hub import fetch
from harness.checkpoints.listing import contents_of
from harness.checkpoints.naming import local_name
from harness.checkpoints.parameters import WeightsReport
from harness.checkpoints.processor_sizes import check_processor
from harness.checkpoints.scan import CheckpointError, check_patterns, module_names, read_json, scan_files
from harness.checkpoints.staging import stage
from harness.checkpoints.tokenizer import TOKENIZER_FILE, tokenizer_digest
from harness.checkpoints.weights import read_header
from harness.items import files_digest
from harness.records import CheckpointRecord

__all__ = ["Checkpoint", "CheckpointError", "nano_root", "open_checkpoint", "read_json", "shipped_checkpoints"]

_HUB_ID = re.compile(
    r"\A(?P<repo>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(?:@(?P<revision>[\w./-]{1,200}))?\Z", re.ASCII
)


@dataclass(frozen=True)
class Checkpoint:
    """A scanned checkpoint on this machine: its folder and its record. ``base`` is set for adapters.

    ``path`` is as the user named it, for messages and for reading a file by name; libraries are given ``staged``.
    ``loading`` is how its tensors fit its model, once they have been compared.
    """

    path: Path
    record: CheckpointRecord
    base: "Checkpoint | None" = None
    contents: Contents = field(kw_only=True, compare=False)
    loading: WeightsReport | None = field(default=None, kw_only=True, compare=False)

    @property
    def staged(self) -> Path:
        """A folder with nothing but the files that the digest covers, for whatever opens a folder as a whole."""
        return stage(self.path, self.contents)

    @property
    def weights(self) -> list[Path]:
        """The files of the weights."""
        return [self.path / name for name in self.contents.weights]


def nano_root() -> Path:
    """The folder of the checkpoints shipped with the project (``nano:base``, ``nano:sft``)."""
    return Path(__file__).parent / "nano"


def shipped_checkpoints() -> dict[str, str]:
    """The references of the checkpoints shipped with the project, by the names that their records have."""
    folders = {f"nano-{path.name}": f"nano:{path.name}" for path in nano_root().glob("*/")}
    return folders | {path.stem: f"nano:{path.stem}" for path in nano_root().glob("*.safetensors")}


def open_checkpoint(reference: str, base: Checkpoint | None = None) -> Checkpoint:
    """Resolve a local folder, a shipped ``nano:NAME`` or a hub id ``owner/name[@revision]``, and scan it.

    ``base`` is the base of an adapter, whatever its configuration names; without it the adapter's own claim is opened.
    Raises ``CheckpointError`` when there is no such checkpoint, its folder is unsafe, or its claim is another base.
    """
    return _open(reference, None, base)


def _open(reference: str, adapter: Path | None, base: Checkpoint | None = None) -> Checkpoint:
    """``adapter`` is the folder that names ``reference`` as its base, which must then not be an adapter itself."""
    if reference.startswith("nano:"):
        shipped = {name: record for record, name in shipped_checkpoints().items()}
        if reference not in shipped:
            raise CheckpointError(f"{reference}: no such shipped checkpoint; there are {', '.join(sorted(shipped))}")
        name = reference.removeprefix("nano:")
        return _from_folder(_shipped_folder(name), shipped[reference], "local", None, adapter, base)
    if _is_folder(reference):
        folder = Path(reference).expanduser()
        return _from_folder(folder, local_name(folder), "local", None, adapter, base)
    if (match := _HUB_ID.match(reference)) and not reference.startswith((".", "/", "~")):
        snapshot = fetch(match["repo"], match["revision"])
        return _from_folder(snapshot.folder, match["repo"], "hub", snapshot.revision, adapter, base)
    raise CheckpointError(f"{reference[:300]}: no such folder, and not a hub id of the form owner/name[@revision]")


def _shipped_folder(name: str) -> Path:
    """The folder of a shipped checkpoint, restored first where it is a delta of another one."""
    delta = nano_root() / f"{name}.safetensors"
    if not delta.is_file():
        return nano_root() / name
    from harness.checkpoints.delta import restored  # It loads numpy.

    return restored(delta)


def _is_folder(reference: str) -> bool:
    try:
        return Path(reference).expanduser().is_dir()
    except (OSError, RuntimeError, ValueError):  # A name too long, of an unknown user's home, or with a zero byte.
        return False


def _from_folder(
    folder: Path,
    name: str,
    source: Literal["hub", "local"],
    revision: str | None,
    named_by: Path | None,
    given: Checkpoint | None,
) -> Checkpoint:
    contents = contents_of(folder)
    if contents.refused:
        raise CheckpointError(contents.refused[0])
    scan_files(folder, contents)
    check_processor(folder)
    used = list(contents.used)
    files = dict(zip(used, cached_sha256([folder / relative for relative in used]), strict=True))
    adapter = contents.kind == "adapter"
    if adapter and named_by is not None:
        raise CheckpointError(f"{named_by}: its base {name} is an adapter itself; name a full checkpoint")
    base, claim = _adapter_base(folder, given) if adapter else (None, None)
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
        claimed_base=claim,
    )
    return Checkpoint(folder, record, base, contents=contents)


def _adapter_base(folder: Path, given: Checkpoint | None) -> tuple[Checkpoint, str | None]:
    """The base of the adapter in ``folder``, and what its configuration claims where that is not this base by name."""
    path = folder / "adapter_config.json"
    config = read_json(path)
    base = given or _claimed_base(path, config)
    if base.base is not None:
        raise CheckpointError(f"{folder}: its base {base.record.name} is an adapter itself; name a full checkpoint")
    named = given is None or refuse_other_base(path, config, base.path, base.weights, nano_root())
    claim = recorded_claim(config)
    tensors = [tensor for each in (*base.weights, folder / ADAPTER_WEIGHTS) for tensor in read_header(each)]
    check_patterns(path, config, module_names(tensors))
    return base, None if named or claim == base.record.name else claim


def _claimed_base(path: Path, config: dict[str, Any]) -> Checkpoint:
    reference = config.get(FIELD)
    if not isinstance(reference, str) or not reference:
        raise CheckpointError(f"{path}: {FIELD} is missing; name the base, as `retention evaluate BASE TUNED` does")
    revision = config.get("revision")
    named = isinstance(revision, str) and revision and not _is_folder(reference)
    return _open(f"{reference}@{revision}" if named and "@" not in reference else reference, path.parent)


def _tokenizer_digest(folder: Path, base: Checkpoint | None) -> str:
    """Of a checkpoint's own tokenizer; an adapter that ships none has that of its base."""
    shipped = (folder / TOKENIZER_FILE).is_file()
    return base.record.tokenizer_digest if base and not shipped else tokenizer_digest(folder)


def _architecture(folder: Path) -> str:
    architectures: list[str] = read_json(folder / "config.json")["architectures"]
    return architectures[0]
