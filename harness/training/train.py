"""One function for all methods: open the base, load the examples, claim the folder, train, and write a record."""

from pathlib import Path

from harness.checkpoints import open_checkpoint
from harness.training.dataset import ExampleSet, read_about
from harness.training.generators import load_examples
from harness.training.model import TrainingError
from harness.training.recipe import LEARNT_FROM, Data, Recipe
from harness.training.record import DataRecord, Progress, TrainingRecord, read_record
from harness.training.saving import claim, is_finished, is_first_process
from harness.training.writing import named_write_errors


def run_training(recipe: Recipe, out: Path, progress: Progress) -> TrainingRecord:
    """Train by ``recipe`` in the folder ``out`` and return the record of the training.

    The same call resumes a killed training, and returns at once if it has finished. Raises ``RetentionError`` if
    ``out`` has another training, or if the recipe cannot be followed.
    """
    from harness.training.sft import TrainingExamples, train_sft

    if recipe.method == "rollouts":
        raise TrainingError("rollouts: makes examples and trains nothing; see harness.training.rollouts")
    base = open_checkpoint(recipe.base)
    progress("making the examples", 0, 1)
    data, replay = TrainingExamples(*_examples(recipe.data, recipe)), None
    if recipe.replay is not None:
        replay = TrainingExamples(*_examples(Data(**recipe.replay.model_dump(exclude={"share"})), recipe))
    progress("making the examples", 1, 1)
    identity = {"recipe": recipe.digest, "base": base.record.weights_digest, "data": data.record.digest}
    if is_first_process():
        claim(out, identity | ({"replay": replay.record.digest} if replay else {}))
    if is_finished(out):
        return read_record(out)
    with named_write_errors(out):
        if recipe.method == "rft":
            from harness.training.rft import train_rft

            return train_rft(recipe, base, data, out, progress)
        return train_sft(recipe, base, data, replay, out, progress)


def _examples(data: Data, recipe: Recipe) -> tuple[ExampleSet, DataRecord]:
    """The training examples, and their record."""
    examples = load_examples(data)
    about = read_about(Path(data.examples).expanduser()) if data.examples is not None else None
    wanted = LEARNT_FROM.get(recipe.method)
    if about is not None and wanted is not None and set(about.kinds) != {wanted}:
        raise TrainingError(
            f"{data.examples}: has {', '.join(about.kinds)} examples, but {recipe.method} learns from {wanted}; "
            f"write them with --set rollouts.kind={wanted}"
        )
    if not len(examples):
        raise TrainingError(f"{data.examples or data.source}: no examples to learn from")
    return examples, DataRecord.of(data.source or Path(str(data.examples)).name, examples, about)
