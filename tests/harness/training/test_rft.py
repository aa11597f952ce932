"""RFT: rewards reach TRL, a few steps move the policy, a killed training goes on, shared prompts change no number."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoints.checkpoint import nano_root, open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.training import trainer
from harness.training.generators import load_examples
from harness.training.model import TrainingError, load_student
from harness.training.recipe import load_recipe
from harness.training.record import TrainingRecord
from harness.training.rft import make_trainer, prompt_rows, reward_functions
from harness.training.saving import STATE_FOLDER
from harness.training.train import run_training
from tests.support.killing import forked
from tests.support.recipes import SMALL, small


def quietly(phase: str, done: int, total: int) -> None:
    assert 0 <= done <= total


def test_rows_are_made_when_asked_for() -> None:
    examples = load_examples(small().data)
    rows = prompt_rows(examples)
    assert len(rows) == 40
    row = rows[[3, 3, 1]]
    assert row["place"] == [3, 3, 1]
    assert row["prompt"][0] == [{"role": "user", "content": examples[3].question}]
    assert row["images"][0][0].size == (64, 64)
    texts = load_examples(small("nano-math").data)
    assert "images" not in prompt_rows(texts)[[0, 1]]
    assert prompt_rows(texts, "plain")[[1]]["prompt"] == [texts[1].question]
    with pytest.raises(TrainingError, match="plain prompts with pictures"):
        prompt_rows(examples, "plain")[[0]]


def test_each_term_is_a_reward_function_and_a_cut_off_answer_earns_nothing() -> None:
    examples = load_examples(small().data)
    hits, exact = reward_functions(examples, ("hits", "exact"), {7, 9})
    assert (hits.__name__, exact.__name__) == ("hits", "exact")
    first, second = (examples[place].target for place in (0, 1))
    asked: dict[str, Any] = {
        "prompts": [None] * 4,
        "completions": [[{"role": "assistant", "content": text}] for text in (first, first, first, second)],
        "completion_ids": [[1, 7], [1, 9], [1, 2], [5, 7]],
        "place": [0, 0, 0, 1],
    }
    assert exact(**asked) == [1, 1, 0, 1]
    assert hits(**asked) == [1, 1, 0, 1]
    plain = [turn[0]["content"] for turn in asked["completions"]]
    assert hits(**asked | {"completions": plain}) == [1, 1, 0, 1]
    assert exact(**asked | {"place": [1, 1, 1, 0]}) == [float(first == second)] * 2 + [0.0, float(first == second)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingRecord]:
    out = tmp_path_factory.mktemp("rft") / "whole"
    return out, run_training(small(), out, quietly)


@pytest.mark.engine
def test_a_few_steps_leave_checkpoints_and_a_whole_record(trained: tuple[Path, TrainingRecord]) -> None:
    out, record = trained
    assert [int(row["step"]) for row in record.curve] == [1, 2, 3, 4, 5, 6]
    for row in record.curve:
        terms = sum(row[f"rewards/{term}/mean"] for term in ("hits", "exact", "format"))
        assert row["reward"] == pytest.approx(terms, abs=1e-5)
        assert 0 <= row["rewards/exact/mean"] <= row["rewards/hits/mean"] <= row["rewards/format/mean"] <= 1
    assert record.rollouts == 6 * 24
    assert record.tokens > record.target_tokens > 6 * 24 * 10
    assert record.method_fields()["family"] == "rft"
    assert record.method_fields()["rollouts"] == 144
    assert len(list(out.glob("step-*"))) == 5
    assert record.curve[0]["kl"] == pytest.approx(0, abs=1e-6)
    assert record.curve[-1]["kl"] > 1e-4
    base, last = open_checkpoint("nano:base"), open_checkpoint(str(out / "step-000006"))
    assert last.record.weights_digest != base.record.weights_digest
    assert last.record.tokenizer_digest == base.record.tokenizer_digest


@pytest.mark.engine
@pytest.mark.parametrize("shared", [False, True])
def test_in_a_suite_of_plain_prompts_a_policy_is_asked_without_a_template(tmp_path: Path, shared: bool) -> None:
    recipe = small("nano-math", suite="core-base-1", optimisation__steps=5, rft__share_prompts=shared)
    student = load_student(open_checkpoint("nano:base"), recipe)
    examples = load_examples(recipe.data)
    due = PromptRenderer(nano_root() / "base", "plain").render(examples[0].question)
    made = make_trainer(recipe, student, examples, tmp_path / "made")
    (ids,), _, _ = made._tokenize_prompts(made.train_dataset[[0]]["prompt"])
    assert tuple(ids) == due.token_ids
    if shared:
        made.stops = ("is",)
        written = student.tokenizer("The answer is 12. It is 13.", add_special_tokens=False)["input_ids"]
        kept = made._up_to_stop(written)
        assert student.tokenizer.decode(kept).endswith("is")
        assert made._up_to_stop(kept[:-1]) == kept[:-1]
    record = run_training(recipe, tmp_path / "run", quietly)
    assert all("rewards/exact/mean" in row for row in record.curve)


@pytest.mark.engine
def test_one_item_is_learnt_by_reward_alone(tmp_path: Path) -> None:
    changes = {"data__count": 1, "rft__prompts": 1, "rft__group": 16, "rft__kl": 0, "rft__share_prompts": True}
    record = run_training(small(optimisation__steps=14, optimisation__lr=2e-4, **changes), tmp_path, quietly)
    rewards = [row["reward"] for row in record.curve]
    assert sum(rewards[-4:]) / 4 > sum(rewards[:4]) / 4 + 0.5
    assert "kl" not in record.curve[0]


@pytest.mark.engine
def test_a_killed_training_ends_as_the_whole_one(trained: tuple[Path, TrainingRecord], tmp_path: Path) -> None:
    whole, record = trained
    out = tmp_path / "cut"

    def kill(phase: str, done: int, total: int) -> None:
        if phase == "training rft" and done == 4:
            os.kill(os.getpid(), signal.SIGKILL)

    assert forked(lambda: run_training(small(), out, kill)) == -signal.SIGKILL
    assert (out / STATE_FOLDER).is_dir()
    assert not (out / "training_record.json").exists()
    again = run_training(small(), out, quietly)
    assert again.curve == record.curve
    assert (again.tokens, again.rollouts) == (record.tokens, record.rollouts)
    for step in sorted(whole.glob("step-*")):
        assert (step / "model.safetensors").read_bytes() == (out / step.name / "model.safetensors").read_bytes()


@pytest.mark.engine
def test_a_training_that_has_learnt_its_target_ends_with_all_its_checkpoints(tmp_path: Path) -> None:
    recipe = small(data__count=1, rft__prompts=1, rft__group=16, optimisation__steps=40, optimisation__lr=2e-4,
                   rft__kl=0, rft__share_prompts=True, rft__stop={"exact": 0.5, "over": 3})  # fmt: skip
    record = run_training(recipe, tmp_path, quietly)
    exact = [row["rewards/exact/mean"] for row in record.curve]
    assert sum(exact[-3:]) / 3 >= 0.5
    assert all(sum(exact[end - 3 : end]) / 3 < 0.5 for end in range(3, len(exact)))
    assert record.step == len(exact) < 40
    assert record.method_fields()["steps"] == record.step
    saved = sorted(path.name for path in tmp_path.glob("step-*"))
    assert saved == [f"step-{step:06d}" for step in recipe.saved_steps]
    weights = {(tmp_path / f"step-{step:06d}" / "model.safetensors").read_bytes() for step in recipe.saved_steps
               if step >= record.step}  # fmt: skip
    assert len(weights) == 1


@pytest.mark.engine
def test_a_training_killed_behind_its_stop_trains_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = small(rft__stop={"exact": 1e-6, "over": 2}, optimisation__steps=5)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(trainer, "finish", fail)
        with pytest.raises(KeyboardInterrupt):
            run_training(recipe, tmp_path, quietly)
    before = {path: path.read_bytes() for path in tmp_path.glob("step-*/model.safetensors")}
    record = run_training(recipe, tmp_path, quietly)
    assert record.step == len(record.curve) < 5
    assert len(before) == 5
    assert {path: path.read_bytes() for path in tmp_path.glob("step-*/model.safetensors")} == before


@pytest.mark.engine
@pytest.mark.parametrize(
    ("config", "dtype", "close"),
    [
        ("nano-jigsaw", "float32", {"rel": 2e-3, "abs": 2e-5}),
        ("nano-math", "float32", {"rel": 2e-3, "abs": 2e-5}),
        ("nano-math", "bfloat16", {"rel": 2e-2, "abs": 2e-3}),
    ],
)
def test_shared_prompts_give_the_numbers_of_trl(
    config: str, dtype: str, close: dict[str, float], tmp_path: Path
) -> None:
    """Three optimiser steps in micro-batches, prompts of different lengths among them: same samples, same curve."""
    records = []
    for share in (False, True):
        changes = {"optimisation__steps": 3, "optimisation__micro_batch": 12, "optimisation__dtype": dtype}
        recipe = small(config, **changes, rft__share_prompts=share, rft__kl=0.1)
        out = tmp_path / str(share)
        records.append(run_training(recipe, out, quietly))
        shutil.rmtree(out)
    for plain, shared in zip(*(record.curve for record in records), strict=True):
        assert plain.keys() == shared.keys()
        assert shared == pytest.approx(plain, **close)
    assert records[0].tokens == records[1].tokens


@pytest.mark.engine
def test_an_adapter_is_trained_alone(tmp_path: Path) -> None:
    recipe = load_recipe(
        "nano-math",
        "rft",
        SMALL
        | {
            "optimisation.steps": 5,
            "adapter": {"rank": 4, "alpha": 8, "target_modules": ["q_proj", "v_proj"]},
            "rft.share_prompts": True,
        },
    )
    record = run_training(recipe, tmp_path, quietly)
    assert record.trained_parameters < record.parameters / 20
    assert record.curve[0]["kl"] == pytest.approx(0, abs=1e-6)
    assert {name for name in record.curve[0] if name.endswith("/mean")} == {"rewards/exact/mean", "rewards/format/mean"}
    assert open_checkpoint(str(tmp_path / "step-000005")).record.kind == "adapter"


@pytest.mark.engine
def test_what_cannot_be_shared_or_divided_is_refused(tmp_path: Path) -> None:
    recipe = small(optimisation__gradient_checkpointing=True, rft__share_prompts=True)
    student = load_student(open_checkpoint("nano:base"), recipe)
    with pytest.raises(TrainingError, match=r"rft\.share_prompts: does not work with gradient checkpointing"):
        make_trainer(recipe, student, load_examples(recipe.data), tmp_path)
    with pytest.raises(TrainingError, match=r"optimisation\.micro_batch 7"):
        make_trainer(small(optimisation__micro_batch=7), student, load_examples(recipe.data), tmp_path)
