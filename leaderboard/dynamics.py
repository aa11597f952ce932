"""Dynamics beside an entry: ``dynamics.json``, what ``retention dynamics`` measured of its base, data and checkpoint.

It needs both models and the training data, so the board cannot compute it again: it is shown as its author's, beside
the numbers of the entry and in none of them. It is read like everything that authors send.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import RetentionError, first_problem
from harness.scoring.dynamics.document import CheckpointDrift, Dynamics, InfluenceScore, PerplexityScore
from leaderboard.charts import Axis, axis
from leaderboard.identity import DYNAMICS_FILE
from leaderboard.manifest import Manifest
from leaderboard.text import clean, clean_document

MAX_BYTES = 256 * 1024
_LEFT, _RIGHT = 3.0, 157.0


class DynamicsError(RetentionError):
    """A file that is no document of ``retention dynamics``; the message names the file and the field."""


def read_dynamics(path: Path) -> Dynamics:
    """Read and check one ``dynamics.json``; ``DynamicsError`` says what is wrong with it."""
    if path.is_symlink() or not path.is_file():
        raise DynamicsError(f"{path}: not a plain file")
    if path.stat().st_size > MAX_BYTES:
        raise DynamicsError(f"{path}: larger than {MAX_BYTES // 1024} KB")
    data = path.read_bytes()
    try:
        # Of a key that stands twice one reader takes the first and another the last.
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
            raise ValueError(f"the key {key[:40]!a} stands twice")
        found[key] = value
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def contradictions(found: Dynamics, manifest: Manifest) -> list[tuple[str, str]]:
    """Field and reason of everything that is not of the manifest's base, checkpoint, suite and target."""
    wrong = []
    if found.base.weights_digest != manifest.base.weights_digest:
        wrong.append(("base.weights_digest", "was measured on another base than the manifest's"))
    if found.drift is not None and found.drift_of(manifest.tuned_model.weights_digest) is None:
        wrong.append(("drift", "tells the drift of other checkpoints, and not of this one"))
    if found.probes is not None and found.probes.target not in (None, manifest.target):
        wrong.append(("probes.target", f"is not the manifest's target {manifest.target}"))
    return wrong


@dataclass(frozen=True)
class Why:
    """What the page of an entry shows of the document: the kinds of examples and this checkpoint's own drift."""

    found: Dynamics
    weights_digest: str

    @property
    def kinds(self) -> list[tuple[str, PerplexityScore, InfluenceScore | None]]:
        """Each kind of training example with its perplexity and, where it was measured, its influence."""
        influence = self.found.influence or {}
        return [(kind, score, influence.get(kind)) for kind, score in self.found.perplexity.items()]

    @property
    def drift(self) -> CheckpointDrift | None:
        return self.found.drift_of(self.weights_digest)

    def to_json(self) -> str:
        """The whole document for readers of the board, its texts made safe to show."""
        return json.dumps(clean_document(self.found.model_dump(mode="json")), indent=2, ensure_ascii=False) + "\n"

    @cached_property
    def direction_axis(self) -> Axis:
        """For cosines; 0 is on it."""
        parts = [influence.all for _, _, influence in self.kinds if influence is not None]
        return axis([end for part in parts for end in part.direction_ci], _LEFT, _RIGHT, (0,))

    @cached_property
    def drift_axis(self) -> Axis:
        """For divergences in nats, from 0 on."""
        parts = [part for part in (self.drift.target, self.drift.prior) if part is not None] if self.drift else []
        return axis([end for part in parts for end in part.forward_kl_ci], _LEFT, _RIGHT, (0,))


def why(folder: Path, manifest: Manifest) -> Why | None:
    """What is shown of an accepted entry's document, or None where it has none."""
    path = folder / DYNAMICS_FILE
    return Why(read_dynamics(path), manifest.tuned_model.weights_digest) if path.is_file() else None
