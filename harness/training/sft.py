"""Supervised fine-tuning with TRL's ``SFTTrainer``: all weights, or an adapter of PEFT.

The loss is the mean cross-entropy over the target tokens and the end of the turn. Every batch is planned beforehand
from the recipe's seed (:func:`plan`), so that a training is the same whoever runs it and a killed one goes on where it
was. TRL's own preparation is not used: it would render prompts by its own defaults, and its collator for pictures costs
more than the nano model's step; :class:`harness.training.model.Coder` makes the batches.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checkpoints import Checkpoint
from harness.training.dataset import ExampleSet
from harness.training.model import Coder, Student, TrainingError, lora_config
from harness.training.recipe import Recipe
from harness.training.record import DataRecord, Progress, TrainingRecord
from harness.training.trainer import RecordFields, carry_out, common_arguments


def plan(recipe: Recipe, learnt: int, replayed: int = 0) -> list[int]:
    """Places of the examples in the order in which they are seen, ``steps`` times a batch.

    Places below ``learnt`` are the target's examples, those from there on the ``replayed`` ones. Each kind is gone
    through in rounds, each round in an order of its own; each batch has ``recipe.replayed_rows`` of the second kind,
    shuffled among the first.
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
class Learnt:
    """Examples to learn from, and what a record says of them."""

    examples: ExampleSet
    record: DataRecord


def train_sft(
    recipe: Recipe, base: Checkpoint, learnt: Learnt, replayed: Learnt | None, out: Path, progress: Progress
) -> TrainingRecord:
    """Train ``base`` on the examples, keep its checkpoints in ``out`` and return the record of the whole.

    Goes on from the last state that a killed training left in ``out``.
    """

    def start(student: Student) -> tuple[Any, DataRecord, RecordFields]:
        coder = Coder(student)
        chosen = [fitting(each, coder, recipe) for each in (learnt, replayed) if each]
        sets = [each.examples for each in chosen]
        lengths = [len(coder.target(target)) for examples in sets for target in examples.targets]
        order = plan(recipe, *map(len, sets))

        def record_fields(state: Any) -> dict[str, Any]:
            seen = order[: state.global_step * recipe.batch]
            return {
                "replay": chosen[1].record if replayed else None,
                "target_tokens": sum(lengths[place] for place in seen),
            }

        return _trainer(recipe, student, coder, sets, order, out), chosen[0].record, record_fields

    return carry_out(recipe, base, out, progress, start)


def fitting(learnt: Learnt, coder: Coder, recipe: Recipe) -> Learnt:
    """The examples whose target, with the end of the turn, has at most ``optimisation.max_tokens`` tokens.

    Raises ``TrainingError`` when none is left.
    """
    limit = recipe.optimisation.max_tokens
    if limit is None:
        return learnt
    targets = learnt.examples.targets
    places = [place for place, target in enumerate(targets) if len(coder.target(target)) <= limit]
    if not places:
        raise TrainingError(f"optimisation.max_tokens {limit}: every one of {len(targets)} targets is longer")
    kept = learnt.examples.chosen(places)
    changed = {"digest": kept.digest, "examples": len(kept), "dropped_long": len(targets) - len(kept)}
    return Learnt(kept, learnt.record.model_copy(update=changed))


def _trainer(
    recipe: Recipe, student: Student, coder: Coder, sets: Sequence[ExampleSet], order: list[int], out: Path
) -> Any:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    first = len(sets[0])

    def collate(rows: Sequence[dict[str, int]]) -> dict[str, Any]:
        places = [row["place"] for row in rows]
        return coder.batch([sets[place >= first][place - first * (place >= first)] for place in places])

    arguments = SFTConfig(
        **common_arguments(recipe, out, recipe.batch),
        dataset_kwargs={"skip_prepare_dataset": True},
        completion_only_loss=False,  # the labels of our batches say what the loss is taken on
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
