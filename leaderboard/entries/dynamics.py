"""The optional dynamics.json of an entry: read as hostile input, and checked against the manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import RetentionError, first_problem
from harness.scoring import Dynamics
from leaderboard.documents import Manifest, clean

MAX_BYTES = 256 * 1024


class DynamicsError(RetentionError):
    """A file that is not a document of ``retention dynamics``; the message names the file and the field."""


def read_dynamics(path: Path) -> Dynamics:
    """Read and check one ``dynamics.json``; ``DynamicsError`` says what is wrong with it."""
    if path.is_symlink() or not path.is_file():
        raise DynamicsError(f"{path}: not a plain file")
    if path.stat().st_size > MAX_BYTES:
        raise DynamicsError(f"{path}: larger than {MAX_BYTES // 1024} KB")
    data = path.read_bytes()
    try:
        # Readers disagree on duplicate keys: some take the first, some the last.
        json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
        return Dynamics.model_validate_json(data)
    except ValidationError as error:
        raise DynamicsError(f"{path}: {clean(first_problem(error), 400)}") from error
    except (ValueError, RecursionError) as error:
        raise DynamicsError(f"{path}: not JSON that is accepted ({clean(str(error), 120)})") from error


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"duplicate key {key[:40]!a}")
        found[key] = value
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")


def contradictions(found: Dynamics, manifest: Manifest) -> list[tuple[str, str]]:
    """Field and reason of everything that contradicts the manifest's base, checkpoint and target."""
    wrong = []
    if found.base.weights_digest != manifest.base.weights_digest:
        wrong.append(("base.weights_digest", "was measured on a base other than the manifest's"))
    if found.drift is not None and found.drift_of(manifest.tuned_model.weights_digest) is None:
        wrong.append(("drift", "has the drift of other checkpoints, but not of this one"))
    if found.probes is not None and found.probes.target not in (None, manifest.target):
        wrong.append(("probes.target", f"is not the manifest's target {manifest.target}"))
    return wrong
