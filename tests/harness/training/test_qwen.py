"""The path of the big settings on a tiny Qwen2.5-VL: its config, its processor, bfloat16, gradient checkpointing."""

from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.engines.toy import write_qwen
from harness.training.generators import load_examples
from harness.training.model import IGNORED, ExampleEncoder, load_student
from harness.training.recipe import Recipe, load_recipe
from harness.training.train import run_training
from tests.support.qwen_like import write_pictures

SMALL = {
    "data.count": 6,
    "optimisation.steps": 5,
    "optimisation.warmup": 0,
    "optimisation.lr": 1e-3,
    "optimisation.workers": 0,
    "checkpoints": {"count": 5, "spacing": "even", "resume_every": None},
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("qwen")
    return {"base": str(write_qwen(folder / "base")), "data.folder": str(write_pictures(folder / "pictures", 6))}


def recipe(method: str, places: dict[str, str], **changes: Any) -> Recipe:
    own = {name.replace("__", "."): value for name, value in changes.items()}
    return load_recipe("qwen2.5-vl-jigsaw", method, {**SMALL, **places, **own})


def quietly(phase: str, done: int, total: int) -> None:
    assert 0 <= done <= total


@pytest.mark.engine
def test_prompts_of_pictures_of_any_size_are_those_of_an_evaluation(places: dict[str, str]) -> None:
    chosen = recipe("sft", places, optimisation__batch=4)
    student = load_student(open_checkpoint(places["base"]), chosen)
    examples = load_examples(chosen.data)
    batch = ExampleEncoder(student).batch(list(examples))
    renderer, image = PromptRenderer(Path(places["base"])), student.model.config.image_token_id
    patches = batch["image_grid_thw"].prod(dim=1) // 4
    assert len(set(patches.tolist())) > 1
    for row, example in enumerate(examples):
        seen = batch["input_ids"][row][(batch["labels"][row] == IGNORED) & (batch["attention_mask"][row] == 1)].tolist()
        assert seen.count(image) == patches[row]
        once = [token for k, token in enumerate(seen) if token != image or k == 0 or seen[k - 1] != image]
        assert tuple(once) == renderer.render(example.question, example.images).token_ids


@pytest.mark.engine
def test_sft_of_all_weights_learns_and_goes_on_where_it_stopped(places: dict[str, str], tmp_path: Path) -> None:
    chosen = recipe("sft", places, optimisation__batch=4)
    whole = run_training(chosen, tmp_path / "whole", quietly)
    assert whole.curve[-1]["loss"] < whole.curve[0]["loss"]

    class StoppedError(Exception):
        pass

    def stop(phase: str, done: int, total: int) -> None:
        if phase.startswith("training") and done == 4:
            raise StoppedError

    with pytest.raises(StoppedError):
        run_training(chosen, tmp_path / "stopped", stop)
    assert run_training(chosen, tmp_path / "stopped", quietly).curve == whole.curve
    before = load_file(Path(places["base"]) / "model.safetensors")
    after, again = (load_file(tmp_path / name / "step-000005" / "model.safetensors") for name in ("whole", "stopped"))
    assert {name: tensor.dtype for name, tensor in after.items()} == {n: tensor.dtype for n, tensor in before.items()}
    assert all(tensor.equal(again[name]) for name, tensor in after.items())
    assert not all(tensor.equal(before[name]) for name, tensor in after.items())
    assert open_checkpoint(str(tmp_path / "whole" / "step-000005")).record.kind == "full"


@pytest.mark.engine
def test_rft_drives_it(places: dict[str, str], tmp_path: Path) -> None:
    small = {"prompts": 2, "group": 2, "generation": "transformers", "max_tokens": 8}
    own = {f"rft__{name}": value for name, value in small.items()}
    record = run_training(recipe("rft", places, optimisation__micro_batch=4, **own), tmp_path / "rft", quietly)
    assert record.rollouts == 5 * 4
    assert [row["reward"] for row in record.curve] == [0.0] * 5  # Random weights write no answer.
    assert len(list((tmp_path / "rft").glob("step-*"))) == 5
