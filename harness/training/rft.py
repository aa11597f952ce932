"""Reinforcement fine-tuning: GRPO (arXiv 2402.03300) with TRL's ``GRPOTrainer``, of all weights or a PEFT adapter.

A step samples ``rft.group`` completions of each of ``rft.prompts`` training items, rewards each by the terms of
:mod:`harness.training.rewards`, and moves the policy towards those above their group's mean; ``rft.kl`` keeps it near
the base. The dataset has only indices of examples: questions and images are generated when a step needs them.
"""

import warnings
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.checkpoints import Checkpoint, PromptStyle
from harness.pictures import open_images
from harness.training.dataset import ExampleSet
from harness.training.model import IGNORED, ExampleEncoder, Student, TrainingError, lora_config
from harness.training.recipe import Recipe, Rft, Stop
from harness.training.record import DataRecord, Progress, TrainingRecord
from harness.training.rewards import TERMS, Reward, Term, reward, stops_of
from harness.training.sft import TrainingExamples
from harness.training.trainer import MethodFields, common_arguments, curve, run_trainer

RewardFunction = Callable[..., list[float]]

_CHECKED_PROMPTS = 8
# Names of metrics in TRL's log.
_LENGTH, _EXACT = "completions/mean_length", "rewards/exact/mean"
_ROUNDING = 1e-9


def train_rft(
    recipe: Recipe, base: Checkpoint, data: TrainingExamples, out: Path, progress: Progress
) -> TrainingRecord:
    """Train ``base`` on the items of the examples, save checkpoints in ``out`` and return the record of the training.

    Resumes from the last state that a killed training left in ``out``. The examples' targets are not used.
    """

    def start(student: Student) -> tuple[Any, DataRecord, MethodFields]:
        # Completions are sampled in batches, and must directly follow their prompts.
        student.tokenizer.padding_side = "left"
        # TRL loads the reference model from here, also when the policy resumes from a state.
        student.model.config._name_or_path = str(base.staged)

        def method_fields(state: Any) -> dict[str, Any]:
            lengths = [row.get(_LENGTH, 0.0) for row in curve(state.log_history)]
            return {
                "target_tokens": round(sum(lengths) * recipe.batch),
                "rollouts": -(-state.global_step // _chosen(recipe).iterations) * recipe.batch,
            }

        trainer = make_trainer(recipe, student, data.examples, out)
        if (stop := _chosen(recipe).stop) is not None:
            trainer.add_callback(stopper(stop))
        return trainer, data.record, method_fields

    return run_trainer(recipe, base, out, progress, start)


def make_trainer(recipe: Recipe, student: Student, examples: ExampleSet, out: Path) -> Any:
    """TRL's trainer for ``recipe``; each reward term is a separate reward function, so that it is logged."""
    chosen = _chosen(recipe)
    common = common_arguments(recipe, out, recipe.batch)
    config, trainer_class = _grpo(chosen)
    if chosen.share_prompts:
        _check_sharing(recipe, common)
    # TRL has its own order: each prompt once for each completion of its group.
    common.pop("train_sampling_strategy")
    # It counts tokens itself, as its inputs are not what its base class expects.
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
        train_dataset=prompt_rows(examples, student.renderer.style),
        processing_class=student.processor,
        peft_config=lora_config(recipe.adapter) if recipe.adapter else None,
    )
    if chosen.share_prompts:
        trainer.stops = stops_of(examples[0])
    _check_prompts(trainer, student, examples)
    return trainer


def prompt_rows(examples: ExampleSet, style: PromptStyle = "chat") -> Any:
    """A ``datasets.Dataset`` of indices into ``examples``; rows are generated on access: "prompt" (one user turn, or in
    "plain" style the text of the question), "images" if there are any, and "place"."""
    from datasets import Dataset

    def asked(question: str) -> Any:
        return question if style == "plain" else [{"role": "user", "content": question}]

    def made(batch: dict[str, list[int]]) -> dict[str, list[Any]]:
        rows = {place: examples[place] for place in dict.fromkeys(batch["place"])}
        chosen = [rows[place] for place in batch["place"]]
        made: dict[str, list[Any]] = {
            "place": batch["place"],
            "prompt": [asked(example.question) for example in chosen],
        }
        if any(example.images for example in chosen):
            if style == "plain":
                raise TrainingError("plain prompts with pictures cannot be reinforced; use a suite with `prompt: chat`")
            made["images"] = [open_images(example.images) for example in chosen]
        return made

    return Dataset.from_dict({"place": list(range(len(examples)))}).with_transform(made)


def stopper(stop: Stop) -> Any:
    """A callback for trainers of transformers that ends a training by ``stop``, and saves there."""
    from transformers import TrainerCallback

    class Stopper(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
            exact = [row[_EXACT] for row in state.log_history if _EXACT in row][-stop.over :]
            # Sums of so many shares are a little below or above what they are.
            if len(exact) == stop.over and sum(exact) / stop.over > stop.exact - _ROUNDING:
                control.should_training_stop = control.should_save = True
            return control

    return Stopper()


def reward_functions(examples: ExampleSet, terms: Sequence[Term], ends: AbstractSet[int]) -> list[RewardFunction]:
    """A reward function for each of ``terms``, as TRL calls it; a completion is judged once for all of them.

    ``ends`` are the token ids that end a turn: a completion that does not end with one was truncated.
    """

    @lru_cache(maxsize=1 << 14)
    def judged(place: int, text: str, finished: bool) -> Reward:
        return reward(examples[place], text, finished=finished)

    def function(term: Term) -> RewardFunction:
        def rewarded(
            completions: Sequence[str | Sequence[dict[str, str]]],
            completion_ids: Sequence[Sequence[int]],
            place: Sequence[int],
            **_: Any,
        ) -> list[float]:
            return [
                getattr(judged(where, _said(turn), bool(ids) and ids[-1] in ends), term)
                for where, turn, ids in zip(place, completions, completion_ids, strict=True)
            ]

        rewarded.__name__ = term
        return rewarded

    return [function(term) for term in terms]


def _said(turn: str | Sequence[dict[str, str]]) -> str:
    """The text of a completion: TRL gives it as it is after a plain prompt, and as a turn after a turn."""
    return turn if isinstance(turn, str) else turn[0]["content"]


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
            # It warns of every vLLM newer than itself, even if unused.
            warnings.filterwarnings("ignore", "TRL currently supports vLLM")
        from trl import GRPOConfig, GRPOTrainer

        if not chosen.share_prompts:
            return GRPOConfig, GRPOTrainer
        from harness.training.shared_prompts import SharingTrainer

        return GRPOConfig, SharingTrainer


def _check_sharing(recipe: Recipe, common: dict[str, Any]) -> None:
    if common["gradient_checkpointing"] or _chosen(recipe).generation == "vllm":
        raise TrainingError(
            "rft.share_prompts: does not work with gradient checkpointing or vLLM; --set rft.share_prompts=false"
        )


def _check_prompts(trainer: Any, student: Student, examples: ExampleSet) -> None:
    """TRL makes prompts by the processor's own defaults: the result must equal an evaluation's prompts."""
    from trl.data_utils import prepare_multimodal_messages

    rows = trainer.train_dataset[list(range(min(_CHECKED_PROMPTS, len(examples))))]
    encoder = ExampleEncoder(student)
    for index, turns in enumerate(rows["prompt"]):
        if "images" in rows:
            turns = prepare_multimodal_messages(turns, images=rows["images"][index])
        (ids,), _, _ = trainer._tokenize_prompts([turns])
        due = encoder.batch([examples[index]])
        if list(ids) != due["input_ids"][0][due["labels"][0] == IGNORED].tolist():
            raise TrainingError(
                f"{student.checkpoint.record.name}: TRL renders a prompt to other tokens than an evaluation, so the "
                "policy would be trained on the wrong prompts"
            )
