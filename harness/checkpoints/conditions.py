"""Conditions: what both models of a pair are given alike beside their prompts (harness/README.md, invariant 1).

They follow from the base, the suite and what the user chose, never from a tuned checkpoint alone, and are decided once,
in the plan. Engines apply them; the run record and the key of a stored answer hold them.
"""

from dataclasses import dataclass
from pathlib import Path

from harness.checkpoints.checkpoint import Checkpoint
from harness.records import ConditionsRecord


@dataclass(frozen=True)
class Conditions:
    """``record`` is what a run states; ``processor`` is the folder of the image processor that serves both models, None
    where no item has an image."""

    record: ConditionsRecord
    processor: Path | None = None


def conditions_of(base: Checkpoint, max_model_len: int) -> Conditions:
    """The conditions that ``base`` sets for itself and its fine-tunes. ``max_model_len`` is prompt plus answer."""
    root = base.base or base
    vision = (root.path / "preprocessor_config.json").is_file() or (root.path / "processor_config.json").is_file()
    return Conditions(ConditionsRecord(max_model_len=max_model_len), root.path if vision else None)
