"""The hub: the files of a repository that are used, from the hub or from its cache on this machine.

Names are sorted before anything is downloaded, so that what is not used neither counts nor costs anything. Without a
network (``HF_HUB_OFFLINE=1``) a snapshot in the cache serves.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from harness.checkpoints.contents import ADAPTER_CONFIG, INDEX, SIDE_FILES, Contents, sort_names
from harness.checkpoints.listing import list_repository, read_shards
from harness.checkpoints.scan import CheckpointError

_COMMIT = re.compile(r"\A[0-9a-f]{40}\Z")


@dataclass(frozen=True)
class Snapshot:
    """A repository's files at ``revision``, a commit, in ``folder``."""

    folder: Path
    revision: str


def fetch(repo: str, revision: str | None) -> Snapshot:
    """The snapshot of ``repo`` at ``revision`` (a branch, tag or commit; None: main); ``CheckpointError`` if none."""
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    if constants.HF_HUB_OFFLINE:
        return _cached(repo, revision, "HF_HUB_OFFLINE is set")
    try:
        return _downloaded(repo, revision)
    except CheckpointError:
        raise
    except (GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise CheckpointError(
            f"{repo}: not found on the hub; check the name and revision, or log in if it is gated"
        ) from error
    except Exception as error:  # The hub's client raises its HTTP library's errors, which differ by version.
        return _without_network(repo, revision, error)


def _downloaded(repo: str, revision: str | None) -> Snapshot:
    """Small files first: they say which weights are used."""
    from huggingface_hub import HfApi, snapshot_download

    info = HfApi().model_info(repo, revision=revision)
    listing = list_repository(repo, [sibling.rfilename for sibling in info.siblings or []])
    small = [name for name in listing.files if name in SIDE_FILES or name in (ADAPTER_CONFIG, INDEX)]

    def get(names: list[str]) -> Path:
        return Path(snapshot_download(repo, revision=info.sha, allow_patterns=names))

    def shards() -> set[str]:
        return read_shards(get(small) / INDEX, set(listing.files))

    contents = sort_names(listing, shards)
    _refuse(contents)
    return Snapshot(get(list(contents.used)), str(info.sha))


def _refuse(contents: Contents) -> None:
    if contents.refused:
        raise CheckpointError(contents.refused[0])


def _without_network(repo: str, revision: str | None, error: Exception) -> Snapshot:
    """A commit never changes, so its snapshot serves as it is; a branch may have moved, so the user decides."""
    why = f"the hub cannot be reached ({type(error).__name__})"
    if revision is not None and _COMMIT.match(revision):
        return _cached(repo, revision, why)
    try:
        known = _cached(repo, revision, why)
    except CheckpointError:
        raise CheckpointError(
            f"{repo}: no such folder, and {why}; give a local folder, or try again with a network"
        ) from error
    raise CheckpointError(
        f"{repo}: {why}, but {repo}@{known.revision} is in the cache of this machine; name it so, or set "
        "HF_HUB_OFFLINE=1"
    ) from error


def _cached(repo: str, revision: str | None, why: str) -> Snapshot:
    from huggingface_hub import snapshot_download

    wanted = f"{repo}@{revision}" if revision else repo
    try:
        folder = Path(snapshot_download(repo, revision=revision, local_files_only=True))
    except Exception as error:  # As above; and a reference of the cache that leads nowhere.
        raise CheckpointError(
            f"{wanted}: no such folder, and {why}, while the cache of this machine has no snapshot of it; download it "
            f"where there is a network (`hf download {wanted.replace('@', ' --revision ')}`), or give a local folder"
        ) from error
    if not _COMMIT.match(folder.name):
        raise CheckpointError(f"{folder}: not a snapshot of the hub's cache (its name is not a commit)")
    return Snapshot(folder, folder.name)
