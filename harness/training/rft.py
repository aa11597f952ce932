"""Reinforcement fine-tuning: GRPO (arXiv 2402.03300) with TRL's ``GRPOTrainer``, all weights or an adapter of PEFT.

A step samples ``rft.group`` completions of each of ``rft.prompts`` training items, rewards each by the terms of
:mod:`harness.training.rewards`, and moves the policy towards those above their group's mean; ``rft.kl`` holds it near
the base. The dataset holds places of examples alone: question and pictures are made when a step asks for them.
"""

import warnings
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.checkpoints import Checkpoint
from harness.pictures import opened
from harness.training.dataset import ExampleSet
from harness.training.model import IGNORED, Coder, Student, TrainingError, lora_config
from harness.training.recipe import Recipe, Rft
from harness.training.record import DataRecord, Progress, TrainingRecord
from harness.training.rewards import TERMS, Reward, Term, reward
from harness.training.sft import Learnt
from harness.training.trainer import RecordFields, carry_out, common_arguments, curve

RewardFunction = Callable[..., list[float]]

_CHECKED_PROMPTS = 8
# What TRL calls things in its log, and what a record's curve calls them.
_LENGTH = "completions/mean_length"


def train_rft(recipe: Recipe, base: Checkpoint, learnt: Learnt, out: Path, progress: Progress) -> TrainingRecord:
    """Train ``base`` on the items of the examples, keep its checkpoints in ``out`` and return the record of the whole.

    Goes on from the last state that a killed training left in ``out``. The examples' targets are not used.
    """

    def start(student: Student) -> tuple[Any, DataRecord, RecordFields]:
        # Completions are sampled in batches, and stand right behind their prompts.
        student.tokenizer.padding_side = "left"
        # Where TRL loads the reference from, also when the policy goes on from a state of its own.
        student.model.config._name_or_path = str(base.path)

        def record_fields(state: Any) -> dict[str, Any]:
            lengths = [row.get(_LENGTH, 0.0) for row in curve(state.log_history)]
            return {
                "target_tokens": round(sum(lengths) * recipe.batch),
                "rollouts": -(-state.global_step // _chosen(recipe).iterations) * recipe.batch,
            }

        return make_trainer(recipe, student, learnt.examples, out), learnt.record, record_fields

    return carry_out(recipe, base, out, progress, start)


def make_trainer(recipe: Recipe, student: Student, examples: ExampleSet, out: Path) -> Any:
    """TRL's trainer for ``recipe``; every reward term is a reward function of its own, so that each is logged."""
    chosen = _chosen(recipe)
    common = common_arguments(recipe, out, recipe.batch)
    config, trainer_class = _grpo(chosen)
    if chosen.share_prompts:
        _check_sharing(recipe, common)
    # TRL has an order of its own: each prompt once for each completion of its group.
    common.pop("train_sampling_strategy")
    # It counts tokens itself, as its inputs are not what the trainer below it expects.
    common.pop("include_num_input_tokens_seen")
    terms = [term for term in TERMS if chosen.rewards.get(term, 0.0) and (term != "hits" or examples[0].rows)]
    arguments = config(
        **common,
        steps_per_generation=common["gradient_accumulation_steps"],
        num_generations=chosen.group,
        num_iterations=chosen.iterations,
        max_completion_length=chosen.max_tokens,
        temperature=chosen.temperature,
        beta=chosen.kl,
        epsilon=chosen.epsilon,
        loss_type=chosen.loss,
        scale_rewards=chosen.scale_rewards,
        reward_weights=[chosen.rewards[term] for term in terms],
        use_vllm=chosen.generation == "vllm",
        vllm_mode="colocate",
    )
    trainer = trainer_class(
        model=student.model,
        reward_funcs=reward_functions(examples, terms, _ends(student)),
        args=arguments,
        train_dataset=prompt_rows(examples),
        processing_class=student.processor,
        peft_config=lora_config(recipe.adapter) if recipe.adapter else None,
    )
    _check_prompts(trainer, student, examples)
    return trainer


def prompt_rows(examples: ExampleSet) -> Any:
    """A ``datasets.Dataset`` of places in ``examples``, whose rows are made when they are asked for: "prompt" (one user
    turn), "images" where there are some, and "place"."""
    from datasets import Dataset

    def made(asked: dict[str, list[int]]) -> dict[str, list[Any]]:
        rows = {place: examples[place] for place in dict.fromkeys(asked["place"])}
        chosen = [rows[place] for place in asked["place"]]
        made: dict[str, list[Any]] = {
            "place": asked["place"],
            "prompt": [[{"role": "user", "content": example.question}] for example in chosen],
        }
        if any(example.images for example in chosen):
            made["images"] = [opened(example.images) for example in chosen]
        return made

    return Dataset.from_dict({"place": list(range(len(examples)))}).with_transform(made)


def reward_functions(examples: ExampleSet, terms: Sequence[Term], ends: AbstractSet[int]) -> list[RewardFunction]:
    """A function for each of ``terms``, as TRL calls it; all of them share one judgement of a completion.

    ``ends`` are the token ids that end a turn: a completion without one at its end was cut off.
    """

    @lru_cache(maxsize=1 << 14)
    def judged(place: int, text: str, finished: bool) -> Reward:
        return reward(examples[place], text, finished=finished)

    def function(term: Term) -> RewardFunction:
        def rewarded(
            completions: Sequence[Sequence[dict[str, str]]],
            completion_ids: Sequence[Sequence[int]],
            place: Sequence[int],
            **_: Any,
        ) -> list[float]:
            return [
                getattr(judged(where, turn[0]["content"], bool(ids) and ids[-1] in ends), term)
                for where, turn, ids in zip(place, completions, completion_ids, strict=True)
            ]

        rewarded.__name__ = term
        return rewarded

    return [function(term) for term in terms]


def _ends(student: Student) -> frozenset[int]:
    stated = student.model.generation_config.eos_token_id
    more = [stated] if isinstance(stated, int) else list(stated or ())
    return frozenset([student.tokenizer.eos_token_id, *more])


def _chosen(recipe: Recipe) -> Rft:
    assert recipe.rft is not None, "checked when the recipe is made"
    return recipe.rft


def _grpo(chosen: Rft) -> tuple[Any, Any]:
    """TRL's configuration and the trainer: its own, or ours that shares prompts."""
    with warnings.catch_warnings():
        if chosen.generation != "vllm":
            # It says so of every vLLM that is newer than itself, whether it is used or not.
            warnings.filterwarnings("ignore", "TRL currently supports vLLM")
        from trl import GRPOConfig, GRPOTrainer

        if not chosen.share_prompts:
            return GRPOConfig, GRPOTrainer
        from harness.training.shared_prompts import SharingTrainer

        return GRPOConfig, SharingTrainer


def _check_sharing(recipe: Recipe, common: dict[str, Any]) -> None:
    if common["gradient_checkpointing"] or _chosen(recipe).generation == "vllm":
        raise TrainingError("rft.share_prompts: not with gradient checkpointing or vLLM; --set rft.share_prompts=false")


def _check_prompts(trainer: Any, student: Student, examples: ExampleSet) -> None:
    """TRL renders prompts by the processor's own defaults: they must be those that an evaluation asks."""
    from trl.data_utils import prepare_multimodal_messages

    rows = trainer.train_dataset[list(range(min(_CHECKED_PROMPTS, len(examples))))]
    coder = Coder(student)
    for index, turns in enumerate(rows["prompt"]):
        if "images" in rows:
            turns = prepare_multimodal_messages(turns, images=rows["images"][index])
        (ids,), _, _ = trainer._tokenize_prompts([turns])
        due = coder.batch([examples[index]])
        if list(ids) != due["input_ids"][0][due["labels"][0] == IGNORED].tolist():
            raise TrainingError(
                f"{student.checkpoint.record.name}: TRL renders a prompt to other tokens than an evaluation; the "
                "policy would be trained on a question that nobody asks"
            )
