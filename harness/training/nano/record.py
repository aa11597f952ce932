"""The training record beside a checkpoint: enough to repeat the training, nothing about the machine it ran on."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from harness.training.nano.model import WEIGHTS

# Called with a phase, the steps done and the steps in all.
Progress = Callable[[str, int, int], None]

RECORD = "training_record.json"
_POINTS = 40


class Losses:
    """Mean losses per kind over equal stretches of the training."""

    def __init__(self, steps: int) -> None:
        self._stretch = max(1, steps // _POINTS)
        self._sums: dict[str, float] = {}
        self._steps = 0
        self.curve: list[dict[str, float]] = []

    def add(self, kind: str, loss: float) -> None:
        """One batch of this step."""
        self._sums[kind] = self._sums.get(kind, 0.0) + loss

    def step(self) -> None:
        """A step is done; close the stretch when it is full."""
        self._steps += 1
        if self._steps % self._stretch == 0:
            means = {kind: round(total / self._stretch, 4) for kind, total in self._sums.items()}
            self.curve.append({"step": self._steps, **means})
            self._sums = {}

    def state(self) -> dict[str, Any]:
        """What :meth:`restore` takes, as JSON."""
        return {"sums": self._sums, "steps": self._steps, "curve": self.curve}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from the state of another one of as many steps."""
        self._sums, self._steps, self.curve = state["sums"], state["steps"], state["curve"]


def weights_digest(checkpoint: Path) -> str:
    """sha256 of the weights file, by which a tuned checkpoint names its base."""
    return hashlib.sha256((checkpoint / WEIGHTS).read_bytes()).hexdigest()


def write_record(
    out: Path,
    *,
    kind: str,
    seed: int,
    recipe: dict[str, Any],
    model: Any,
    losses: Losses,
    dev: dict[str, float],
    started: float,
    notes: dict[str, Any],
) -> dict[str, Any]:
    """Write ``training_record.json`` into ``out`` and return what it says."""
    record = {
        "kind": kind,
        "seed": seed,
        "recipe": recipe,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "dtype": "float32",
        "splits": {"trained on": "train", "scored on": "dev", "never read": "test"},
        "losses": losses.curve,
        "dev": dev,
        "wall_seconds": round(time.perf_counter() - started, 1),
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers", "numpy", "molmass")},
        **notes,
    }
    (out / RECORD).write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")
    return record
