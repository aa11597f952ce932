"""Dynamics beside an entry: ``dynamics.json``, what ``retention dynamics`` measured of its base, data and checkpoint.

It needs both models and the training data, so the board cannot compute it again: it is shown as its author's, beside
the numbers of the entry and in none of them. It is read like everything that authors send.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.scoring import CheckpointDrift, Dynamics, InfluenceScore, PerplexityScore
from leaderboard.documents import DYNAMICS_FILE, Manifest, clean_document
from leaderboard.entries import read_dynamics
from leaderboard.site.charts import Axis, axis

_LEFT, _RIGHT = 3.0, 157.0


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
