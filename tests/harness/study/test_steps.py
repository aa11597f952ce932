"""Steps: what a plan comes to, without running any of it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.checkpoints.checkpoint import nano_root, open_checkpoint
from harness.study.plan import load_plan
from harness.study.runner import Step, step_digests
from harness.study.steps import Study, link_checkpoint
from harness.training.recipe import RecipeError, configs_root
from tests.support.plans import SMALL, written


def study(folder: Path, **changes: Any) -> Study:
    return Study(load_plan(written(folder, **changes)), folder / "out")


def changed(training: str, **settings: Any) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(yaml.safe_dump(SMALL["targets"]))
    document["jigsaw"]["trainings"][training].setdefault("set", {}).update(settings)
    return document


def by_key(steps: list[Step]) -> dict[str, Step]:
    return {step.key: step for step in steps}


def test_needs_come_first_and_every_training_is_evaluated_with_every_seed(tmp_path: Path) -> None:
    steps = study(tmp_path).steps()
    step_digests(steps)  # Refuses a wrong order.
    keys = by_key(steps)
    assert {key for key in keys if key.startswith("train/")} == {
        f"train/jigsaw/{name}-seed{seed}" for name in ("sft", "rft", "rollout-sft") for seed in (0, 1)
    }
    for seed in (0, 1):
        needs = set(keys[f"evaluate/jigsaw/part-seed{seed}"].needs)
        assert {f"train/jigsaw/{name}-seed{seed}" for name in ("sft", "rft", "rollout-sft")} < needs
    assert [key for key in keys if key.startswith("noise/")] == ["noise/part10"]
    assert not any(step.kind == "dynamics" for step in steps)
    assert [s.kind for s in study(tmp_path, drift=4).steps()].count("dynamics") == 6


def test_a_training_on_rollouts_waits_for_its_policy_and_reads_what_it_wrote(tmp_path: Path) -> None:
    made = study(tmp_path)
    keys = by_key(made.steps())
    (rollouts,) = keys["train/jigsaw/rollout-sft-seed1"].needs
    assert keys[rollouts].needs == ("train/jigsaw/rft-seed1",)
    command = list(keys[rollouts].command())
    trained = {each.key: each for each in made.trained}
    assert f"rollouts.policy={trained['train/jigsaw/rft-seed1'].last}" in command
    examples = trained["train/jigsaw/rollout-sft-seed1"].examples
    assert f"data.examples={examples}" in list(keys["train/jigsaw/rollout-sft-seed1"].command())
    assert command[-1] == str(examples)


@pytest.mark.parametrize(("training", "others"), [("sft", {"rft", "rollout-sft"}), ("rft", {"sft"})])
def test_a_changed_recipe_goes_into_another_folder_with_all_that_follows(
    tmp_path: Path, training: str, others: set[str]
) -> None:
    before = {each.key: each.folder for each in study(tmp_path).trained}
    after = {each.key: each.folder for each in study(tmp_path, targets=changed(training, seed=9)).trained}
    assert before == after  # The seed is the study's own.
    quicker = changed(training, **{"optimisation.steps": 50})
    after = {each.key: each.folder for each in study(tmp_path, targets=quicker).trained}
    same = {key.split("/")[-1].removesuffix("-seed0") for key in before if before[key] == after[key]}
    assert {name for name in same if not name.endswith("-seed1")} == others


def test_settings_reach_the_command_as_yaml_reads_them_back(tmp_path: Path) -> None:
    made = study(tmp_path, targets=changed("sft", **{"optimisation.lr": 1e-5, "optimisation.micro_batch": None}))
    command = list(by_key(made.steps())["train/jigsaw/sft-seed0"].command())
    given = [command[place + 1] for place, word in enumerate(command) if word == "--set"]
    read = {name: yaml.safe_load(value) for name, _, value in (text.partition("=") for text in given)}
    assert read["optimisation.lr"] == 1e-5
    assert read["optimisation.micro_batch"] is None


def test_trainings_alone_run_on_the_devices_of_an_accelerate_file(tmp_path: Path) -> None:
    plain, launched = by_key(study(tmp_path).steps()), by_key(study(tmp_path, accelerate="zero3").steps())
    assert plain.keys() == launched.keys()
    for key, step in plain.items():
        if step.kind in ("evaluate/whole", "suite"):
            continue  # Their commands write files.
        one, several = list(step.command()), list(launched[key].command())
        assert (one != several) == step.kind.startswith("train/")
        if one != several:
            file = str(configs_root() / "accelerate" / "zero3.yaml")
            assert several == [one[0], "-m", "accelerate.commands.launch", "--config_file", file, *one[1:]]
    with pytest.raises(RecipeError, match=r"zero9: no accelerate file; there are gpus, zero2, zero3, or give"):
        study(tmp_path, accelerate="zero9")


def test_a_base_in_a_folder_is_told_by_its_name(tmp_path: Path) -> None:
    assert study(tmp_path).base_name == "nano:base"
    assert study(tmp_path, base=str(nano_root() / "base")).base_name == "base"


def test_a_linked_checkpoint_has_the_model_files_alone(tmp_path: Path) -> None:
    source = tmp_path / "step-000001"
    source.mkdir()
    for name in ("model.safetensors", "config.json", "optimizer.pt", "training_record.json"):
        (source / name).write_text(name)
    (source / "state").mkdir()
    for _ in range(2):  # The second time over what a killed study left.
        link_checkpoint(source, tmp_path / "named")
    names = sorted(path.name for path in (tmp_path / "named").iterdir())
    assert names == ["config.json", "model.safetensors", "training_record.json"]


def test_last_checkpoints_may_be_asked_a_part_too(tmp_path: Path) -> None:
    made = study(tmp_path, whole=30)
    keys = by_key(made.steps())
    assert {"suite/part30", "evaluate/jigsaw/part-seed0"} < set(keys["evaluate/jigsaw/whole-seed0"].needs)
    assert "noise/part30" not in keys
    assert made.whole.endswith("nano-1-part30-1.yaml")
    assert "suite/part30" not in by_key(study(tmp_path).steps())
    assert study(tmp_path).whole == "nano-1"


def test_a_dtype_reaches_every_evaluation_and_another_one_is_another_step(tmp_path: Path) -> None:
    plain, narrow = (by_key(study(tmp_path, **changes).steps()) for changes in ({}, {"dtype": "bfloat16"}))
    asked = ["noise/part10", "evaluate/jigsaw/part-seed0", "evaluate/jigsaw/part-seed1"]
    for key in asked:
        command = list(narrow[key].command())
        assert command[command.index("--dtype") + 1] == "bfloat16"
        assert "--dtype" not in plain[key].command()
    before, after = step_digests(list(plain.values())), step_digests(list(narrow.values()))
    assert {key for key in before if before[key] != after[key]} >= set(asked)
    assert before["train/jigsaw/sft-seed0"] == after["train/jigsaw/sft-seed0"]


def test_what_explains_comes_after_all_that_is_compared_with_a_seed(tmp_path: Path) -> None:
    targets = {**SMALL["targets"], "again": SMALL["targets"]["jigsaw"]}
    kinds = [step.kind for step in study(tmp_path, drift=4, targets=targets, seeds=[0]).steps()]
    assert kinds.index("dynamics") == len(kinds) - kinds.count("dynamics")


def test_last_checkpoints_of_one_seed_are_kept_and_what_is_restored_is_evaluated_too(tmp_path: Path) -> None:
    made = study(tmp_path, kept=1)
    for each in made.trained:
        assert (made.kept(each) is None) == (each.seed == 0)
        each.last.mkdir(parents=True)
        for path in (nano_root() / "base").iterdir():
            (each.last / path.name).write_bytes(path.read_bytes())
    of_one = [made.kept(each) for each in made.of("jigsaw", 1)]
    plain, kept = (made_up.command() for key, made_up in sorted(by_key(made.steps()).items()) if "whole" in key)
    assert not any("kept" in word for word in plain)
    assert [word for word in kept if "kept" in word] == [str(folder) for folder in of_one]
    for folder in of_one:
        assert folder is not None
        assert folder.with_name(f"{folder.name}.safetensors").is_file()
        assert open_checkpoint(str(folder)).record.weights_digest == made.base_digest
    before, after = (step_digests(study(tmp_path, **fields).steps()) for fields in ({}, {"kept": 1}))
    assert {key for key in before if before[key] != after[key]} == {"evaluate/jigsaw/whole-seed1"}
