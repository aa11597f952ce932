"""Names of checkpoints in records, run folders and tables: two that a trainer called the same are told apart."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.checkpoints.scan import CheckpointError

if TYPE_CHECKING:
    from harness.checkpoints.checkpoint import Checkpoint

_CHOSEN = re.compile(r"\A[A-Za-z0-9](?:[A-Za-z0-9 ._+=@-]{0,98}[A-Za-z0-9_+=@-])?\Z", re.ASCII)
# What every training calls its checkpoints, and so says nothing without the folder above.
_NUMBERED = re.compile(
    r"\A(checkpoint|ckpt|steps?|epoch|iter|iteration|global[_-]?step)[-_=]?\d+([-_.](merged|hf|full|final))*\Z",
    re.I,
)
_SEPARATOR = "--"
_LONGEST = 150
_MOST_PARTS = 12


def local_name(folder: Path, parts: int | None = None) -> str:
    """The name of a local folder: its last ``parts``; without them one, or two where the last is a mere number."""
    path = folder.resolve()
    if path.parent.name == "snapshots" and path.parent.parent.name.startswith("models--"):
        return f"{path.parent.parent.name.removeprefix('models--')}-{path.name[:8]}"
    wanted = parts or (2 if _NUMBERED.match(path.name) else 1)
    return _SEPARATOR.join([each for each in path.parts if each != path.anchor][-wanted:])[-_LONGEST:].lstrip(". -")


def renamed(checkpoints: "Sequence[Checkpoint]", names: Sequence[str]) -> "tuple[Checkpoint, ...]":
    """``checkpoints`` under the names that a user chose, one each."""
    if len(names) != len(checkpoints):
        raise CheckpointError(
            f"--name: {len(names)} names for {len(checkpoints)} tuned checkpoints; give one each, in their order"
        )
    for name in names:
        if not _CHOSEN.match(name):
            raise CheckpointError(
                f"--name {name[:80]!a}: not a name; use up to 100 letters, digits, spaces and . _ + = @ - (no "
                "path), with a letter or digit first"
            )
    return tuple(map(_with_name, checkpoints, names))


def told_apart(checkpoints: "Sequence[Checkpoint]") -> "tuple[Checkpoint, ...]":
    """``checkpoints`` with as much of the path of local folders of one name as they need; ``CheckpointError`` if they
    were given it by the user."""
    given = list(checkpoints)
    for parts in range(2, _MOST_PARTS + 1):
        shared = _shared_names(given)
        given = [_longer(each, parts) if each.record.name in shared else each for each in given]
    # Two revisions of one hub repository keep its name, which identifies them with the revision.
    if shared := _shared_names([each for each in given if each.record.source == "local"]):
        raise CheckpointError(f"{min(shared)}: the name of several checkpoints; give each its own with --name")
    return tuple(given)


def _shared_names(checkpoints: "Sequence[Checkpoint]") -> set[str]:
    digests: dict[str, set[str]] = defaultdict(set)
    for each in checkpoints:
        digests[each.record.name].add(each.record.weights_digest)
    return {name for name, found in digests.items() if len(found) > 1}


def _longer(checkpoint: "Checkpoint", parts: int) -> "Checkpoint":
    """Named by one more part of its path; a shipped, cached or hub checkpoint keeps its name."""
    if checkpoint.record.source != "local" or checkpoint.record.name != local_name(checkpoint.path, parts - 1):
        return checkpoint
    return _with_name(checkpoint, local_name(checkpoint.path, parts))


def _with_name(checkpoint: "Checkpoint", name: str) -> "Checkpoint":
    return replace(checkpoint, record=checkpoint.record.model_copy(update={"name": name}))
