"""Supervised fine-tuning with TRL's ``SFTTrainer``: all weights, or a PEFT adapter.

The loss is the mean cross-entropy over the target tokens and the end of the turn. The order of all batches is planned
beforehand, so that a resumed training goes on exactly where it stopped. TRL's own preparation is not used: it would
render prompts with its own defaults, and its image collator takes longer than a step of the nano model;
:class:`harness.training.model.ExampleEncoder` makes the batches.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checkpoints import Checkpoint
from harness.training.dataset import ExampleSet
from harness.training.model import ExampleEncoder, Student, TrainingError, lora_config
from harness.training.recipe import Recipe
from harness.training.record import DataRecord, Progress, TrainingRecord
from harness.training.trainer import MethodFields, common_arguments, run_trainer


def plan(recipe: Recipe, learnt: int, replayed: int = 0) -> list[int]:
    """Indices of the examples in training order, ``steps`` batches of them.

    Indices below ``learnt`` are the target's examples, the others the ``replayed`` ones. Each kind is used in epochs
    with a new shuffle each; each batch has ``recipe.replayed_rows`` of the second kind, shuffled among the first.
    """
    rows = recipe.replayed_rows
    new, old = _rounds(learnt, f"order:{recipe.seed}"), _rounds(replayed, f"replay:{recipe.seed}")
    mixing = random.Random(f"mix:{recipe.seed}")
    order: list[int] = []
    for _ in range(recipe.optimisation.steps):
        batch = [next(new) for _ in range(recipe.batch - rows)] + [learnt + next(old) for _ in range(rows)]
        mixing.shuffle(batch)
        order += batch
    return order


def _rounds(count: int, seed: str) -> Iterator[int]:
    turn = 0
    while count:
        places = list(range(count))
        random.Random(f"{seed}:{turn}").shuffle(places)
        yield from places
        turn += 1


@dataclass(frozen=True)
class TrainingExamples:
    """Training examples, and the record's description of them."""

    examples: ExampleSet
    record: DataRecord


def train_sft(
    recipe: Recipe,
    base: Checkpoint,
    data: TrainingExamples,
    replay: TrainingExamples | None,
    out: Path,
    progress: Progress,
) -> TrainingRecord:
    """Train ``base`` on the examples, save checkpoints in ``out`` and return the record of the training.

    Resumes from the last state that a killed training left in ``out``.
    """

    def start(student: Student) -> tuple[Any, DataRecord, MethodFields]:
        encoder = ExampleEncoder(student)
        chosen = [drop_long(each, encoder, recipe) for each in (data, replay) if each]
        sets = [each.examples for each in chosen]
        lengths = [len(encoder.target(target)) for examples in sets for target in examples.targets]
        order = plan(recipe, *map(len, sets))

        def method_fields(state: Any) -> dict[str, Any]:
            seen = order[: state.global_step * recipe.batch]
            return {
                "replay": chosen[1].record if replay else None,
                "target_tokens": sum(lengths[place] for place in seen),
            }

        return _trainer(recipe, student, encoder, sets, order, out), chosen[0].record, method_fields

    return run_trainer(recipe, base, out, progress, start)


def drop_long(data: TrainingExamples, encoder: ExampleEncoder, recipe: Recipe) -> TrainingExamples:
    """The examples whose target, with the end of the turn, has at most ``optimisation.max_tokens`` tokens.

    Raises ``TrainingError`` if none is left.
    """
    limit = recipe.optimisation.max_tokens
    if limit is None:
        return data
    targets = data.examples.targets
    places = [place for place, target in enumerate(targets) if len(encoder.target(target)) <= limit]
    if not places:
        raise TrainingError(f"optimisation.max_tokens {limit}: every one of {len(targets)} targets is longer")
    kept = data.examples.select(places)
    changed = {"digest": kept.digest, "examples": len(kept), "dropped_long": len(targets) - len(kept)}
    return TrainingExamples(kept, data.record.model_copy(update=changed))


def _trainer(
    recipe: Recipe, student: Student, encoder: ExampleEncoder, sets: Sequence[ExampleSet], order: list[int], out: Path
) -> Any:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    first = len(sets[0])

    def collate(rows: Sequence[dict[str, int]]) -> dict[str, Any]:
        places = [row["place"] for row in rows]
        return encoder.batch([sets[place >= first][place - first * (place >= first)] for place in places])

    arguments = SFTConfig(
        **common_arguments(recipe, out, recipe.batch),
        dataset_kwargs={"skip_prepare_dataset": True},
        completion_only_loss=False,  # the labels of our batches determine the loss
        max_length=None,
    )
    return SFTTrainer(
        model=student.model,
        args=arguments,
        data_collator=collate,
        train_dataset=Dataset.from_dict({"place": order}),
        processing_class=student.processor,
        peft_config=lora_config(recipe.adapter) if recipe.adapter else None,
    )
