"""SFT for a few steps on the nano model: it learns, its checkpoints open, a killed one goes on bit for bit."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkpoints.checkpoint import nano_root, open_checkpoint
from harness.checkpoints.digests import cached_sha256
from harness.training.dataset import ExampleSet, write_examples
from harness.training.generators import load_examples
from harness.training.model import ExampleEncoder, TrainingError, load_student
from harness.training.recipe import Recipe, load_recipe, seedless_name
from harness.training.record import DataRecord, TrainingRecord, read_record
from harness.training.saving import STATE_FOLDER, claim, step_folder
from harness.training.sft import TrainingExamples, drop_long, plan
from harness.training.train import run_training
from leaderboard.documents.manifest import Method, TrainingData
from tests.support.killing import forked

SMALL = {
    "data.count": 24,
    "optimisation.steps": 6,
    "optimisation.batch": 8,
    "optimisation.warmup": 0,
    "optimisation.lr": 3e-4,
    "checkpoints.count": 5,
    "checkpoints.spacing": "even",
}
REPLAY = load_recipe("nano-jigsaw", "replay-sft")
LORA = {"rank": 4, "alpha": 8, "dropout": 0.1, "target_modules": r".*language_model.*\.(q|k|v|o)_proj"}


def small(method: str = "sft", **changes: Any) -> Recipe:
    return load_recipe("nano-jigsaw", method, SMALL | {name.replace("__", "."): v for name, v in changes.items()})


def quietly(phase: str, done: int, total: int) -> None:
    assert 0 <= done <= total


def weights(folder: Path) -> list[str]:
    return cached_sha256(sorted(folder.glob("*.safetensors")))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingRecord]:
    out = tmp_path_factory.mktemp("sft") / "whole"
    return out, run_training(small(), out, quietly)


@pytest.mark.engine
def test_the_loss_falls(tmp_path: Path) -> None:
    """Answers without working, which the base never wrote."""
    record = run_training(load_recipe("nano-math", "sft", SMALL), tmp_path / "math", quietly)
    assert [int(row["step"]) for row in record.curve] == [1, 2, 3, 4, 5, 6]
    assert record.curve[-1]["loss"] < 0.8 * record.curve[0]["loss"]


@pytest.mark.engine
def test_every_kept_step_is_a_checkpoint_with_its_record(trained: tuple[Path, TrainingRecord]) -> None:
    out, whole = trained
    steps = [path.name for path in sorted(out.glob("step-*"))]
    assert steps == [f"step-{step:06d}" for step in small().saved_steps]
    assert not (out / STATE_FOLDER).exists()
    base = open_checkpoint("nano:base")
    digests = set()
    for name in steps:
        checkpoint = open_checkpoint(str(out / name))
        assert checkpoint.record.tokenizer_digest == base.record.tokenizer_digest
        assert set(checkpoint.record.files) == set(base.record.files)
        digests.add(checkpoint.record.weights_digest)
        record = read_record(out / name)
        assert record.curve == whole.curve[: record.step]
        assert record.target_tokens <= record.tokens
    assert len(digests) == len(steps)
    assert record == whole.model_copy(update={"wall_seconds": record.wall_seconds})


@pytest.mark.engine
def test_the_record_is_complete_and_fills_the_method_fields(trained: tuple[Path, TrainingRecord]) -> None:
    out, record = trained
    assert read_record(out) == record
    assert record.base.weights_digest == open_checkpoint("nano:base").record.weights_digest
    assert record.data.digest == load_examples(small().data).digest
    assert record.parameters == record.trained_parameters > 1_000_000
    # 13 tokens of an answer and the end of the turn, for each of 6 times 8 examples.
    assert record.target_tokens == 6 * 8 * 14
    assert {"torch", "transformers", "trl", "peft"} <= set(record.versions)
    method = Method.model_validate(record.method_fields())
    assert (method.family, method.steps, method.learning_rate, method.seeds) == ("sft", 6, 3e-4, [0])
    assert method.tokens == record.tokens
    assert method.lora_rank is None
    manifest = record.submission
    assert (manifest["target"], manifest["method"]) == ("jigsaw", record.method_fields())
    along, last = (read_record(step_folder(out, step)).submission["method"] for step in (small().saved_steps[0], 6))
    assert ("recipe" in along, last["recipe"]) == (False, seedless_name(small().published()))
    (data,) = (TrainingData.model_validate(each) for each in manifest["training_data"])
    assert (data.id, data.role, data.overlap_with_suite) == ("nano-jigsaw", "train", "train-split")


@pytest.mark.engine
def test_a_finished_training_is_not_repeated(trained: tuple[Path, TrainingRecord]) -> None:
    out, record = trained
    before = sorted((path, path.stat().st_mtime_ns) for path in out.rglob("*"))
    assert run_training(small(), out, quietly) == record
    assert sorted((path, path.stat().st_mtime_ns) for path in out.rglob("*")) == before


@pytest.mark.engine
def test_another_training_is_not_continued(trained: tuple[Path, TrainingRecord], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="another training \\(its recipe"):
        run_training(small(seed=1), trained[0], quietly)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(TrainingError, match="not empty"):
        run_training(small(), tmp_path, quietly)


def test_a_folder_in_which_nothing_was_saved_is_free(tmp_path: Path) -> None:
    claim(tmp_path, {"recipe": "a"})
    claim(tmp_path, {"recipe": "b"})
    claim(tmp_path, {"recipe": "b"})
    (tmp_path / "step-000001").mkdir()
    claim(tmp_path, {"recipe": "b"})
    with pytest.raises(TrainingError, match="recipe"):
        claim(tmp_path, {"recipe": "a"})


@pytest.mark.engine
def test_the_same_seed_gives_the_same_weights_and_another_gives_others(
    trained: tuple[Path, TrainingRecord], tmp_path: Path
) -> None:
    run_training(small(), tmp_path / "again", quietly)
    run_training(small(seed=1), tmp_path / "other", quietly)
    last = "step-000006"
    assert weights(tmp_path / "again" / last) == weights(trained[0] / last) != weights(tmp_path / "other" / last)


@pytest.mark.engine
@pytest.mark.parametrize("adapter", [None, LORA])
def test_a_killed_training_goes_on_bit_for_bit(tmp_path: Path, adapter: dict[str, Any] | None) -> None:
    recipe = small(optimisation__steps=8, adapter=adapter)
    killed, whole = tmp_path / "killed", tmp_path / "whole"

    def kill(phase: str, done: int, total: int) -> None:
        if phase.startswith("training") and done == 4:
            os.kill(os.getpid(), signal.SIGKILL)

    assert forked(lambda: run_training(recipe, killed, kill)) == -signal.SIGKILL
    assert (killed / "step-000003").is_dir()
    assert not (killed / "training_record.json").exists()
    resumed, straight = run_training(recipe, killed, quietly), run_training(recipe, whole, quietly)
    assert resumed.curve == straight.curve
    assert (resumed.tokens, resumed.target_tokens) == (straight.tokens, straight.target_tokens)
    for step in recipe.saved_steps:
        assert weights(killed / f"step-{step:06d}") == weights(whole / f"step-{step:06d}")


@pytest.mark.engine
def test_two_processes_train_as_one(trained: tuple[Path, TrainingRecord], tmp_path: Path) -> None:
    """Each batch is split between them, and its loss is still the mean over all its tokens."""
    command = ["-m", "harness.cli", "train", "sft", "--config", "nano-jigsaw", "--out", str(tmp_path / "two")]
    for name, value in SMALL.items():
        command += ["--set", f"{name}={json.dumps(value)}"]
    launched = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", *command]
    done = subprocess.run(launched, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
    record, alone = read_record(tmp_path / "two"), trained[1]
    assert record.processes == 2
    assert (record.tokens, record.target_tokens) == (alone.tokens, alone.target_tokens)
    for row, expected in zip(record.curve, alone.curve, strict=True):
        assert row["loss"] == pytest.approx(expected["loss"], rel=1e-4)


@pytest.mark.engine
def test_a_half_written_state_is_not_gone_on_from(trained: tuple[Path, TrainingRecord], tmp_path: Path) -> None:
    broken = tmp_path / "broken"

    class StoppedError(Exception):
        pass

    def stop(phase: str, done: int, total: int) -> None:
        if phase.startswith("training") and done == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        run_training(small(), broken, stop)
    states = sorted((broken / STATE_FOLDER).glob("checkpoint-*"))
    (broken / STATE_FOLDER / "checkpoint-99").mkdir()
    (states[-1] / "optimizer.pt").unlink()
    (states[-1] / "saved.json").unlink()
    assert run_training(small(), broken, quietly).curve == trained[1].curve


@pytest.mark.engine
def test_an_adapter_names_its_base_and_changes_it(tmp_path: Path) -> None:
    record = run_training(small(adapter=LORA), tmp_path / "lora", quietly)
    checkpoint = open_checkpoint(str(tmp_path / "lora" / "step-000006"))
    assert checkpoint.base is not None
    assert checkpoint.base.path == nano_root() / "base"
    assert record.trained_parameters < record.parameters
    assert Method.model_validate(record.method_fields()).lora_rank == 4
    from harness.engines.merge import load_merged

    load_merged(checkpoint, "float32")  # refuses an adapter that changes no weight


@pytest.mark.engine
def test_replay_learns_from_both_kinds(tmp_path: Path) -> None:
    recipe = small("replay-sft", replay__count=16)
    record = run_training(recipe, tmp_path / "replay", quietly)
    assert record.replay is not None
    assert (record.data.examples, record.replay.examples) == (24, 16)
    note = Method.model_validate(record.method_fields()).replay
    assert note == "50 % of each batch from nano-prior"


@pytest.mark.engine
def test_examples_of_another_kind_are_refused(tmp_path: Path) -> None:
    examples = load_examples(small().data)
    write_examples(tmp_path / "set", examples, source="nano-jigsaw", recipe_digest="0" * 64, seed=0)
    recipe = load_recipe("nano-jigsaw", "self-sft", {"data.examples": str(tmp_path / "set")})
    with pytest.raises(TrainingError, match="has bare examples, but self-sft learns from self"):
        run_training(recipe, tmp_path / "out", quietly)


@pytest.mark.engine
def test_written_examples_are_learnt_from_and_recorded(tmp_path: Path) -> None:
    made = ExampleSet.of(each.model_copy(update={"kind": "rollout"}) for each in load_examples(small().data))
    about = write_examples(
        tmp_path / "set",
        made,
        source="nano-jigsaw",
        recipe_digest="0" * 64,
        seed=0,
        policy="step-000100",
        policy_weights_digest="1" * 64,
        sampled=99,
        correct=24,
    )
    recipe = small("rollout-sft", data__examples=str(tmp_path / "set"), data__count=None)
    record = run_training(recipe, tmp_path / "out", quietly)
    assert record.data.about == about
    method = Method.model_validate(record.method_fields())
    assert (method.family, method.rollouts) == ("sft-on-rollouts", 99)
    assert "step-000100" in str(method.summary)
    assert str(tmp_path) not in (tmp_path / "out" / "training_record.json").read_text()


def test_targets_that_are_too_long_are_left_out_and_counted() -> None:
    recipe = load_recipe("nano-math", "sft", {"data.count": 200, "data.form": "worked", "optimisation.max_tokens": 28})
    encoder = ExampleEncoder(load_student(open_checkpoint("nano:base"), recipe))
    examples = load_examples(recipe.data)
    kept = drop_long(TrainingExamples(examples, DataRecord.of("nano-math", examples)), encoder, recipe)
    lengths = [len(encoder.target(target)) for target in examples.targets]
    assert kept.record.dropped_long == sum(length > 28 for length in lengths) > 0
    assert kept.record.examples == len(kept.examples) == 200 - kept.record.dropped_long > 0
    assert kept.record.digest == kept.examples.digest
    with pytest.raises(TrainingError, match="every one of 200"):
        drop_long(kept_all(examples), encoder, load_recipe("nano-math", "sft", {"optimisation.max_tokens": 2}))


def kept_all(examples: ExampleSet) -> TrainingExamples:
    return TrainingExamples(examples, DataRecord.of("nano-math", examples))


@given(
    steps=st.integers(1, 20),
    batch=st.integers(2, 12),
    learnt=st.integers(1, 40),
    replayed=st.integers(1, 40),
    seed=st.integers(0, 3),
)
def test_every_batch_has_its_share_of_replay_and_every_example_its_turn(
    steps: int, batch: int, learnt: int, replayed: int, seed: int
) -> None:
    shipped = REPLAY.model_dump()
    sizes = {**shipped["optimisation"], "steps": steps, "batch": batch}
    recipe = Recipe.model_validate({**shipped, "optimisation": sizes, "seed": seed})
    order = plan(recipe, learnt, replayed)
    assert len(order) == steps * batch
    for start in range(0, len(order), batch):
        assert sum(place >= learnt for place in order[start : start + batch]) == recipe.replayed_rows
    for places in (range(learnt), range(learnt, learnt + replayed)):
        times = [order.count(place) for place in places]
        assert max(times) - min(times) <= 1
    assert order == plan(recipe, learnt, replayed)


def test_longer_trainings_begin_as_shorter_ones() -> None:
    short, long = (load_recipe("nano-jigsaw", "sft", {"optimisation.steps": steps}) for steps in (20, 50))
    assert plan(long, 100)[: 20 * 32] == plan(short, 100)
