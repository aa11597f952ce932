"""Real trainings of the nano model that take seconds, for what watches them from inside the loop."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.checkpoints import open_checkpoint
from harness.engines import device_class
from harness.training.generators import load_examples
from harness.training.model import ExampleEncoder, Student, load_student, lora_config
from harness.training.recipe import Adapter, Recipe, load_recipe
from harness.training.rft import make_trainer
from tests.support import recipes

STEPS = 6
_SIZE = {"data.count": 24, "optimisation.steps": STEPS, "optimisation.batch": 8, "optimisation.lr": 1e-3}
LORA = Adapter(rank=4, alpha=8, dropout=0.1, target_modules=r".*language_model.*\.(q|k|v|o)_proj")


def sft_trainer(out: Path, callbacks: Sequence[Any], *, adapter: Adapter | None = None, **arguments: Any) -> Any:
    """TRL's trainer of the jigsaw, as a user would make it; ``arguments`` are of its configuration."""
    from trl import SFTConfig, SFTTrainer

    student, learnt = _student()
    own = {"completion_only_loss": False, "max_length": None, "dataset_kwargs": {"skip_prepare_dataset": True}}
    return SFTTrainer(
        model=student.model,
        args=SFTConfig(**_arguments(out) | own | arguments),
        processing_class=student.processor,
        peft_config=lora_config(adapter) if adapter else None,
        callbacks=list(callbacks),
        **learnt,
    )


def plain_trainer(out: Path, callbacks: Sequence[Any], **arguments: Any) -> Any:
    """transformers' own trainer of the same, which is given no tokenizer."""
    from transformers import Trainer, TrainingArguments

    student, learnt = _student()
    settings = TrainingArguments(**_arguments(out) | arguments)
    return Trainer(student.model, settings, callbacks=list(callbacks), **learnt)


def _student() -> tuple[Student, dict[str, Any]]:
    """The nano base, and what a trainer is given to learn."""
    import transformers
    from datasets import Dataset

    recipe = load_recipe("nano-jigsaw", "sft", _SIZE)
    student = load_student(open_checkpoint("nano:base"), recipe)
    encoder, examples = ExampleEncoder(student), load_examples(recipe.data)
    transformers.set_seed(1)
    return student, {
        "data_collator": lambda rows: encoder.batch([examples[row["place"]] for row in rows]),
        "train_dataset": Dataset.from_dict({"place": list(range(24))}),
    }


def grpo_trainer(out: Path, callbacks: Sequence[Any]) -> Any:
    """TRL's GRPO trainer of the jigsaw; it saves every second step."""
    recipe = small_grpo()
    trainer = make_trainer(recipe, load_student(open_checkpoint("nano:base"), recipe), load_examples(recipe.data), out)
    trainer.args.save_strategy, trainer.args.save_steps = "steps", 2
    for each in callbacks:
        trainer.add_callback(each)
    return trainer


def small_grpo() -> Recipe:
    return recipes.small(optimisation__steps=4)


def _arguments(out: Path) -> dict[str, Any]:
    return {
        "output_dir": str(out),
        "max_steps": STEPS,
        "per_device_train_batch_size": 8,
        "learning_rate": 1e-3,
        "logging_steps": 1,
        "save_steps": 3,
        "report_to": "none",
        "use_cpu": device_class() == "cpu",
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "dataloader_pin_memory": False,
        "seed": 1,
    }
