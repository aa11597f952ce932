"""The model to train: a base with its tokenizer, its processor and its prompts.

Prompts are rendered by :class:`harness.checkpoints.prompts.PromptRenderer`, as in an evaluation, so that training and
evaluation use exactly the same prompts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checkpoints import Checkpoint, PromptRenderer
from harness.engines import checked, define_missing_ops, make_saveable, model_class, ready_folder
from harness.errors import RetentionError
from harness.pictures import open_images
from harness.protocol import Prompt
from harness.records import read_suite
from harness.training.dataset import Example
from harness.training.recipe import Adapter, Recipe

# The label of tokens that are excluded from the loss.
IGNORED = -100


class TrainingError(RetentionError):
    """A training that cannot start or continue; the message says why and what to do."""


@dataclass(frozen=True)
class Student:
    """A loaded base: ``processor`` is its processor if it takes images, and otherwise its tokenizer."""

    checkpoint: Checkpoint
    model: Any
    processor: Any
    tokenizer: Any
    renderer: PromptRenderer

    @property
    def sees(self) -> bool:
        return self.processor is not self.tokenizer


def load_student(checkpoint: Checkpoint, recipe: Recipe, state: Path | None = None) -> Student:
    """Load the base for training: float32 weights where all are trained, the recipe's dtype under an adapter.

    ``state`` is the trainer's state left by a killed training. If all weights are trained, they are loaded from there:
    transformers' ``Trainer`` (5.19) matches the names in its file with those of the modules, which differ for LLaVA, so
    that it would silently resume from the weights it was given.

    Raises ``TrainingError`` for an adapter: it has to be merged into a full checkpoint first.
    """
    if checkpoint.base is not None:
        raise TrainingError(f"{checkpoint.record.name}: an adapter; train from its base, or from a merged checkpoint")
    ready = ready_folder(checked(checkpoint))
    define_missing_ops()
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    options = {"local_files_only": True, "trust_remote_code": False}
    kept = recipe.optimisation.dtype if recipe.adapter else "float32"
    folder = checkpoint.staged
    weights = ready if state is None or recipe.adapter else state
    model = model_class(folder).from_pretrained(weights, dtype=getattr(torch, kept), **options)
    make_saveable(model)  # The checkpoints get the base's own file.
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder, **options)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    processor: Any = tokenizer
    if hasattr(model.config, "vision_config"):
        processor = transformers.AutoProcessor.from_pretrained(checkpoint.staged, **options)
        processor.tokenizer = tokenizer
    renderer = PromptRenderer(checkpoint.path, read_suite(recipe.suite).prompt)
    return Student(checkpoint, model, processor, tokenizer, renderer)


def lora_config(adapter: Adapter) -> Any:
    """PEFT's configuration; TRL draws the weights after it has seeded everything with the recipe's seed."""
    from peft import LoraConfig

    modules = adapter.target_modules
    return LoraConfig(
        r=adapter.rank,
        lora_alpha=adapter.alpha,
        lora_dropout=adapter.dropout,
        target_modules=list(modules) if isinstance(modules, tuple) else modules,
        task_type="CAUSAL_LM",
    )


class ExampleEncoder:
    """Encodes examples as token ids and tensors."""

    def __init__(self, student: Student) -> None:
        self._student = student
        self._image_token = getattr(student.model.config, "image_token_id", None)
        self._pad = student.tokenizer.pad_token_id
        self._end = student.tokenizer.eos_token_id

    def prompt(self, example: Example) -> Prompt:
        """The prompt: the user's turn, up to the start of the answer."""
        return self._student.renderer.render(example.question, example.images)

    def target(self, text: str) -> list[int]:
        """The ids of an answer and of the end of the turn."""
        return [*self._student.tokenizer(text, add_special_tokens=False)["input_ids"], self._end]

    def batch(self, examples: Sequence[Example]) -> dict[str, Any]:
        """Right-padded tensors of prompts and targets; ``labels`` cover only the targets.

        With images, the processor's other tensors (``pixel_values``, ``image_grid_thw``, ...) are included; examples
        with and without images can be mixed.
        """
        import torch

        prompts = [self.prompt(example) for example in examples]
        rows, per_token, seen = self._prompt_rows(prompts)
        targets = [self.target(example.target) for example in examples]
        width = max(len(row) + len(target) for row, target in zip(rows, targets, strict=True))
        shape = (len(rows), width)
        made = {
            "input_ids": torch.full(shape, self._pad),
            "attention_mask": torch.zeros(shape, dtype=torch.long),
            "labels": torch.full(shape, IGNORED),
            **{name: torch.zeros(shape, dtype=torch.long) for name in per_token},
        }
        for index, (row, target) in enumerate(zip(rows, targets, strict=True)):
            start, end = len(row), len(row) + len(target)
            made["input_ids"][index, :end] = torch.tensor([*row, *target])
            made["attention_mask"][index, :end] = 1
            made["labels"][index, start:end] = torch.tensor(target)
            for name, values in per_token.items():
                made[name][index, :start] = torch.tensor(values[index])
        return {**made, **seen}

    def _prompt_rows(
        self, prompts: Sequence[Prompt]
    ) -> tuple[list[list[int]], dict[str, list[list[int]]], dict[str, Any]]:
        """Ids of each prompt with its image tokens repeated for their patches, the processor's other values per token,
        and those of all images together."""
        rows = [list(prompt.token_ids) for prompt in prompts]
        places = [place for place, prompt in enumerate(prompts) if prompt.images]
        if not places:
            return rows, {}, {}
        processed = self._student.processor(
            text=[prompts[place].text for place in places],
            images=[[image.convert("RGB") for image in open_images(prompts[place].images)] for place in places],
            add_special_tokens=False,
            padding=True,
            return_tensors="pt",
        )
        mask = processed.pop("attention_mask").bool()
        ids = processed.pop("input_ids")
        names = [name for name, value in processed.items() if value.shape == ids.shape]
        per_token: dict[str, list[list[int]]] = {name: [[0] * len(row) for row in rows] for name in names}
        for index, place in enumerate(places):
            row = ids[index][mask[index]].tolist()
            if _once(row, self._image_token) != _once(prompts[place].token_ids, self._image_token):
                raise TrainingError(
                    f"{self._student.checkpoint.record.name}: its processor tokenises a prompt differently from its "
                    "tokenizer; an evaluation would use another prompt"
                )
            rows[place] = row
            for name in names:
                per_token[name][place] = processed[name][index][mask[index]].tolist()
        return rows, per_token, {name: value for name, value in processed.items() if name not in names}


def _once(ids: Sequence[int], repeated: int | None) -> list[int]:
    """The ids with each run of ``repeated`` collapsed to one."""
    return [token for k, token in enumerate(ids) if token != repeated or k == 0 or ids[k - 1] != repeated]
