"""Listing: the names in a checkpoint's folder or repository, checked before any file is downloaded or opened.

Names and links that lead out of the folder are refused, and names that mislead: two that are one file on another
system, one with characters that are not seen. One level is listed; nothing below it is ever used.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.checkpoints.contents import ADAPTER_CONFIG, CONFIG, INDEX, Contents, Listing, sort_names
from harness.checkpoints.scan import CheckpointError, read_json

_RESERVED = re.compile(r"\A(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?\Z", re.IGNORECASE)
_DRIVE = re.compile(r"\A[A-Za-z]:")
_MAX_FILES = 10_000
_MAX_PART = 255
_MAX_PATH = 1_000

Names = Sequence[str]


def scan_names(where: str, names: Names) -> None:
    """Check the names beside each other in a folder or a repository, before any file is downloaded or opened."""
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


def list_repository(where: str, names: Names) -> Listing:
    """The listing of a repository from the paths of its files; of nested ones only that they stay inside matters."""
    if len(names) > _MAX_FILES:
        raise CheckpointError(f"{where}: {len(names):,} files; a checkpoint has at most {_MAX_FILES:,}")
    for name in names:
        if _leaves(name):
            raise CheckpointError(f"{where}: file name {_shown(name)} points outside the folder; refused")
    folders = sorted({name.partition("/")[0] for name in names if "/" in name})
    files = sorted(name for name in names if "/" not in name)
    scan_names(where, [*files, *folders])
    known = set(names)
    nested = [each for each in folders if {f"{each}/{CONFIG}", f"{each}/{ADAPTER_CONFIG}"} & known]
    return Listing(where, tuple(files), tuple(folders), tuple(nested), remote=True)


def list_folder(folder: Path) -> Listing:
    """The listing of ``folder``, one level deep; a link that leaves it is refused, others are not followed.

    A snapshot of the hub's cache may link to the files that the cache keeps for its repository.
    """
    roots = _link_roots(folder)
    files: list[str] = []
    folders: list[str] = []
    for number, path in enumerate(folder.iterdir()):
        if number >= _MAX_FILES:
            raise CheckpointError(f"{folder}: more than {_MAX_FILES:,} files; is this a checkpoint?")
        if path.is_symlink() and not _stays_within(path, roots):
            raise CheckpointError(f"{path}: a link in a checkpoint folder that leaves it; copy the file itself")
        (folders if path.is_dir() else files).append(path.name)
    scan_names(str(folder), sorted([*files, *folders]))
    nested = [name for name in folders if not (folder / name).is_symlink() and _has_config(folder / name)]
    return Listing(str(folder), tuple(sorted(files)), tuple(sorted(folders)), tuple(sorted(nested)))


def contents_of(folder: Path) -> Contents:
    """What is in ``folder``: used, ignored, refused. Opens nothing but the index of the weights."""
    listing = list_folder(folder)
    return sort_names(listing, lambda: read_shards(folder / INDEX, set(listing.files)))


def read_shards(path: Path, names: set[str]) -> set[str]:
    """The files that an index names; each must be a .safetensors file beside it."""
    if not path.is_file():
        raise CheckpointError(f"{path}: not a plain file, or a link to nothing; remove it or download it again")
    shards = read_json(path).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise CheckpointError(f"{path}: weight_map is missing; save the weights again with save_pretrained")
    for shard in shards.values():
        if not isinstance(shard, str) or shard not in names or not shard.endswith(".safetensors"):
            raise CheckpointError(
                f"{path}: weight_map names {_shown(str(shard))}, which is not a .safetensors file of this folder; "
                "download or save the weights again, or delete an index that is stale"
            )
    return set(shards.values())


def _link_roots(folder: Path) -> list[Path]:
    """Where the links of ``folder`` may lead: into itself, or into the blobs of the cached repository it is one of."""
    real = folder.resolve()
    blobs = real.parent.parent / "blobs"
    cached = real.parent.name == "snapshots" and blobs.is_dir() and not blobs.is_symlink()
    return [real, blobs] if cached else [real]


def _stays_within(link: Path, roots: Iterable[Path]) -> bool:
    try:
        target = link.resolve()
    except (OSError, RuntimeError):  # A link to itself.
        return False
    return any(target.is_relative_to(root) for root in roots)


def _has_config(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (CONFIG, ADAPTER_CONFIG))


def _bad_name(name: str) -> str | None:
    parts = name.split("/")
    if _leaves(name):
        return "points outside the folder"
    if any(unicodedata.category(letter).startswith("C") or letter in "\u2028\u2029" for letter in name):
        return "contains invisible characters"
    if len(name) > _MAX_PATH or any(len(part.encode()) > _MAX_PART for part in parts):
        return f"has a part longer than {_MAX_PART} bytes, or more than {_MAX_PATH:,} characters"
    if any(part != part.strip() or part.endswith(".") or _RESERVED.match(part) for part in parts):
        return "means something else on other systems"
    return None


def _leaves(name: str) -> bool:
    outside = name.startswith(("/", "~")) or "\\" in name or _DRIVE.match(name) is not None
    return outside or any(part in ("", ".", "..") for part in name.split("/"))


def _shown(name: str) -> str:
    return ascii(name if len(name) <= 80 else f"{name[:80]}..")
