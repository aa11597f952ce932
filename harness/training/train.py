"""One function for every method: open the base, make the examples, take the folder, train, and leave a record."""

from pathlib import Path

from harness.checkpoints import open_checkpoint
from harness.training.dataset import ExampleSet, read_about
from harness.training.generators import load_examples
from harness.training.model import TrainingError
from harness.training.recipe import LEARNT_FROM, Data, Recipe
from harness.training.record import DataRecord, Progress, TrainingRecord, read_record
from harness.training.saving import claim, is_first_process, whole_record


def run_training(recipe: Recipe, out: Path, progress: Progress) -> TrainingRecord:
    """Train by ``recipe`` in the folder ``out`` and return the record of the whole.

    The same call goes on where a killed one was, and is done at once when it has ended. Raises ``RetentionError`` when
    ``out`` holds another training, or when the recipe cannot be followed.
    """
    from harness.training.sft import Learnt, train_sft

    if recipe.method == "rollouts":
        raise TrainingError("rollouts: makes examples and trains nothing; see harness.training.rollouts")
    base = open_checkpoint(recipe.base)
    progress("making the examples", 0, 1)
    learnt = Learnt(*_examples(recipe.data, recipe))
    replay = recipe.replay
    replayed = Learnt(*_examples(Data(**replay.model_dump(exclude={"share"})), recipe)) if replay is not None else None
    progress("making the examples", 1, 1)
    identity = {"recipe": recipe.digest, "base": base.record.weights_digest, "data": learnt.record.digest}
    if is_first_process():
        claim(out, identity | ({"replay": replayed.record.digest} if replayed else {}))
    if whole_record(out):
        return read_record(out)
    if recipe.method == "rft":
        from harness.training.rft import train_rft

        return train_rft(recipe, base, learnt, out, progress)
    return train_sft(recipe, base, learnt, replayed, out, progress)


def _examples(data: Data, recipe: Recipe) -> tuple[ExampleSet, DataRecord]:
    """The examples that are learnt from, and their record."""
    examples = load_examples(data)
    about = read_about(Path(data.examples).expanduser()) if data.examples is not None else None
    wanted = LEARNT_FROM.get(recipe.method)
    if about is not None and wanted is not None and set(about.kinds) != {wanted}:
        raise TrainingError(
            f"{data.examples}: holds examples of kind {', '.join(about.kinds)}, and {recipe.method} learns from "
            f"{wanted}; write them with --set rollouts.kind={wanted}"
        )
    if not len(examples):
        raise TrainingError(f"{data.examples or data.source}: no examples; nothing can be learnt from them")
    return examples, DataRecord.of(data.source or Path(str(data.examples)).name, examples, about)
