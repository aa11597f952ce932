"""Conditions: what both models of a pair are given alike beside their prompts (harness/README.md, invariant 1).

They follow from the base, the suite and what the user chose, never from a tuned checkpoint alone, and are decided once,
in the plan. Engines apply them; the run record and the key of a stored answer hold them.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.checkpoints.checkpoint import Checkpoint, CheckpointError
from harness.checkpoints.processor import ANY_SIZE, ImageProcessor, Pixels, read_processor
from harness.records import ConditionsRecord


@dataclass(frozen=True)
class Conditions:
    """``record`` is what a run states; ``processor`` is the folder of the image processor that serves both models, None
    where no item has an image. Its pixel budget is the record's, whatever the folder says. ``tokenizer`` is the folder
    of the tokenizer that serves both."""

    record: ConditionsRecord
    processor: Path | None = None
    tokenizer: Path | None = None

    def with_processor_of(self, tuned: Checkpoint, pixels: Pixels = ANY_SIZE) -> "Conditions":
        """These conditions with ``tuned``'s own image processor, within the suite's budget ``pixels``; unchanged where
        it ships none, or the same."""
        found = read_processor(tuned.path)
        if self.processor is None or found is None:
            return self
        stated = _stated(found.within(pixels))
        if stated["processor"] == self.record.processor:
            return self
        record = self.record.model_copy(update={**stated, "processor_origin": "tuned"})
        return replace(self, record=record, processor=tuned.path)


def conditions_of(
    base: Checkpoint, max_model_len: int, *, pixels: Pixels = ANY_SIZE, images: bool = True
) -> Conditions:
    """The conditions that ``base`` sets for itself and its fine-tunes. ``max_model_len`` is prompt plus answer.

    ``images`` says whether items have any, ``pixels`` is the suite's budget for them.
    """
    root = base.base or base
    found = read_processor(root.path) if images else None
    if found is None:
        return Conditions(ConditionsRecord(max_model_len=max_model_len), tokenizer=root.path)
    record = ConditionsRecord(max_model_len=max_model_len, **_stated(found.within(pixels)))
    return Conditions(record, root.path, root.path)


def processor_of(conditions: Conditions) -> ImageProcessor | None:
    """The image processor as it is applied, within the pixel budget of the record; None where no item has an image."""
    found = None if conditions.processor is None else read_processor(conditions.processor)
    if found is None:
        return None
    applied = found.within(Pixels(conditions.record.min_pixels, conditions.record.max_pixels))
    if applied.digest != conditions.record.processor:
        raise CheckpointError(f"{conditions.processor}: its image processor was changed since this command began")
    return applied


def _stated(processor: ImageProcessor) -> dict[str, Any]:
    pixels = processor.pixels
    return {"processor": processor.digest, "min_pixels": pixels.fewest, "max_pixels": pixels.most}
