"""What a tuned checkpoint ships and an evaluation leaves unused, because the base's serves both models of a pair."""

from collections.abc import Iterator

from harness.checkpoints.checkpoint import Checkpoint, CheckpointError
from harness.checkpoints.conditions import Conditions
from harness.checkpoints.processor import read_processor
from harness.checkpoints.prompts import read_template

_LONGEST = 500


def unused_of(base: Checkpoint, tuned: Checkpoint, conditions: Conditions, *, template: bool = True) -> tuple[str, ...]:
    """A sentence for each thing of ``tuned`` that the base's takes the place of; none where both are the same.

    ``template`` says whether prompts go through the base's chat template.
    """
    found = [*_processor(tuned, conditions), *(_template(base.base or base, tuned) if template else ())]
    return tuple(each if len(each) <= _LONGEST else f"{each[: _LONGEST - 2]}.." for each in found)


def _processor(tuned: Checkpoint, conditions: Conditions) -> Iterator[str]:
    if conditions.processor is None or conditions.record.processor_origin == "tuned":
        return
    own, used = read_processor(tuned.path), read_processor(conditions.processor)
    if own is not None and used is not None and (differing := own.differences(used)):
        yield (
            f"it ships another image processor than its base ({'; '.join(differing)}), which was not used: "
            "images went through the base's (--processor tuned takes its own)"
        )


def _template(root: Checkpoint, tuned: Checkpoint) -> Iterator[str]:
    try:
        own, used = read_template(tuned.path), read_template(root.path)
    except CheckpointError:
        return  # Nothing that could have been used in place of the base's.
    if own is not None and used is not None and own.strip() != used.strip():
        yield (
            "it ships another chat template than its base, which was not used: prompts went through the base's "
            "(--chat-template tuned takes its own)"
        )
