"""What a model is asked in training is what an evaluation asks it, to the token."""

from pathlib import Path
from typing import Any

import pytest
import torch

from harness.checkpoints.checkpoint import nano_root, open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.training.generators import load_examples
from harness.training.model import IGNORED, ExampleEncoder, Student, TrainingError, load_student
from harness.training.recipe import Data, load_recipe
from tests.support.fakes import write_llama


@pytest.fixture(scope="module")
def student() -> Student:
    return load_student(open_checkpoint("nano:base"), load_recipe("nano-jigsaw", "sft"))


@pytest.fixture(scope="module")
def mixed() -> list[Any]:
    """Puzzles and text questions side by side."""
    puzzles, texts = (load_examples(Data(source=name, count=3, seed=1)) for name in ("nano-jigsaw", "nano-math"))
    return [puzzles[0], texts[0], puzzles[1], texts[1], texts[2]]


def test_prompt_ids_are_those_of_an_evaluation(student: Student, mixed: list[Any]) -> None:
    renderer = PromptRenderer(nano_root() / "base", "chat")
    batch = ExampleEncoder(student).batch(mixed)
    image = student.model.config.image_token_id
    for row, example in enumerate(mixed):
        asked = renderer.render(example.question, example.images)
        seen = batch["input_ids"][row][(batch["labels"][row] == IGNORED) & (batch["attention_mask"][row] == 1)].tolist()
        assert seen.count(image) == 16 * len(example.images)
        once = [token for k, token in enumerate(seen) if token != image or k == 0 or seen[k - 1] != image]
        assert tuple(once) == asked.token_ids


def test_the_loss_is_taken_on_the_target_and_the_end_of_the_turn(student: Student, mixed: list[Any]) -> None:
    batch = ExampleEncoder(student).batch(mixed)
    for row, example in enumerate(mixed):
        told = batch["labels"][row] != IGNORED
        assert batch["labels"][row][told].tolist() == batch["input_ids"][row][told].tolist()
        text = student.tokenizer.decode(batch["labels"][row][told])
        assert text == example.target + student.tokenizer.eos_token
        # The target is the end of the row, and padding comes after it.
        length = int(batch["attention_mask"][row].sum())
        assert told.nonzero().flatten().tolist() == list(range(length - int(told.sum()), length))
        assert (batch["input_ids"][row][length:] == student.tokenizer.pad_token_id).all()


def test_a_batch_is_answered_as_its_rows_alone(student: Student, mixed: list[Any]) -> None:
    """Padding, and neighbours with and without pictures, change no logit of a row."""
    coder = ExampleEncoder(student)

    def targets(examples: list[Any]) -> list[torch.Tensor]:
        batch = coder.batch(examples)
        labels = batch.pop("labels")
        with torch.inference_mode():
            logits = student.model(**batch).logits
        return [row[:-1][told[1:] != IGNORED] for row, told in zip(logits, labels, strict=True)]

    for together, example in zip(targets(mixed), mixed, strict=True):
        (alone,) = targets([example])
        torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


def test_pictures_are_what_the_saved_processor_makes_of_them(student: Student, mixed: list[Any]) -> None:
    batch = ExampleEncoder(student).batch(mixed)
    assert batch["pixel_values"].shape == (2, 3, 64, 64)
    assert "pixel_values" not in ExampleEncoder(student).batch(mixed[1:2])


def test_an_adapter_is_no_base() -> None:
    with pytest.raises(TrainingError, match="adapter"):
        load_student(open_checkpoint("nano:lora-replay"), load_recipe("nano-jigsaw", "sft"))


def test_a_language_model_has_no_processor(tmp_path: Path) -> None:
    folder = write_llama(tmp_path / "llama")
    student = load_student(open_checkpoint(str(folder)), load_recipe("nano-math", "sft"))
    assert not student.sees
    examples = load_examples(Data(source="nano-math", count=2))
    assert set(ExampleEncoder(student).batch(list(examples))) == {"input_ids", "attention_mask", "labels"}
