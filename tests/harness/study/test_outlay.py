"""Outlay: what a study takes, before anything of it is loaded."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForImageTextToText

from harness import training
from harness.checkpoints.checkpoint import open_checkpoint
from harness.errors import RetentionError
from harness.records.suites import suite_path
from harness.study.outlay import Outlay, outlay_of
from harness.study.plan import Plan, load_plan
from harness.study.steps import Study
from tests.support.plans import SMALL, written

QWEN = "qwen2.5-vl"
CONFIG = Path(training.__file__).parent / "configs" / "nano2-jigsaw.yaml"


@pytest.fixture(autouse=True)
def _without_a_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def outlay(plan: Plan, folder: Path) -> Outlay:
    study = Study(plan, folder / "out", opened=False)
    return outlay_of(study, study.steps(), suite_path(plan.suite).parent)


def computed(**changes: Any) -> Plan:
    plan = load_plan(QWEN)
    assert plan.compute is not None
    return plan.model_copy(update={"compute": plan.compute.model_copy(update=changes)})


def test_a_base_that_is_nowhere_here_has_its_steps_counted_and_its_size_declared(tmp_path: Path) -> None:
    plan = load_plan(QWEN)
    found = outlay(plan, tmp_path)
    assert {each.kind: each.count for each in found.kinds}["train/rft"] == len(plan.seeds)
    assert found.trainings == len(plan.seeds) * len(plan.targets["jigsaw"].trainings)
    assert plan.compute is not None
    assert found.weights == 2 * plan.compute.parameters
    assert found.disk["checkpoints"] == found.weights * found.checkpoints
    assert found.hours == pytest.approx(sum(each.hours or 0 for each in found.kinds))
    assert not list(tmp_path.iterdir())


def test_hours_of_work_go_with_the_parameters_and_against_what_a_device_reaches(tmp_path: Path) -> None:
    plan = load_plan(QWEN)
    assert plan.compute is not None
    still = {"start_seconds": 0.0}
    one = outlay(computed(**still), tmp_path).hours
    twice = outlay(computed(**still, parameters=2 * plan.compute.parameters), tmp_path).hours
    faster = outlay(computed(**still, flops=2 * plan.compute.flops), tmp_path).hours
    assert one is not None
    assert twice == pytest.approx(2 * one)
    assert faster == pytest.approx(one / 2)


def test_a_training_by_reinforcement_takes_what_its_completions_take(tmp_path: Path) -> None:
    plan = computed(start_seconds=0.0, training=1.0, sampling=1.0)
    compute = plan.compute
    assert compute is not None
    study = Study(plan, tmp_path, opened=False)
    rft = next(each.recipe for each in study.trained if each.name == "rft" and each.seed == 0)
    tokens = rft.optimisation.steps * rft.batch * (compute.prompt_tokens + compute.worked_tokens)
    operations = (8 + 2 + 2) * compute.parameters * tokens * len(plan.seeds)
    hours = {each.kind: each.hours for each in outlay(plan, tmp_path).kinds}
    assert hours["train/rft"] == pytest.approx(operations / compute.flops / 3600)


def test_without_a_device_hours_are_those_of_the_declared_seconds_and_unknown_kinds_leave_the_sum_open(
    tmp_path: Path,
) -> None:
    some = outlay(load_plan(written(tmp_path, seconds={"train/sft": 1800})), tmp_path)
    hours = {each.kind: each.hours for each in some.kinds}
    assert (hours["train/sft"], hours["train/rft"], some.hours) == (1.0, None, None)
    files = open_checkpoint(SMALL["base"]).path.glob("*.safetensors")
    assert some.weights == sum(each.stat().st_size for each in files)


@pytest.mark.parametrize("modules", [["q_proj", "gate_proj"], "all-linear", r".*\.(q_proj|gate_proj)"])
def test_a_checkpoint_of_an_adapter_is_as_large_as_peft_saves_it(tmp_path: Path, modules: list[str] | str) -> None:
    base = open_checkpoint("nano:reasoning").path
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    config["adapter"] = {"rank": 4, "alpha": 8, "target_modules": modules}
    (tmp_path / "adapted.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    jigsaw = {**SMALL["targets"]["jigsaw"], "config": str(tmp_path / "adapted.yaml")}
    found = outlay(
        load_plan(written(tmp_path, base="nano:reasoning", suite="nano-2", targets={"jigsaw": jigsaw})), tmp_path
    )
    model = AutoModelForImageTextToText.from_pretrained(base)
    get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=modules)).save_pretrained(tmp_path / "adapter")
    (file,) = (tmp_path / "adapter").glob("*.safetensors")
    header = int.from_bytes(file.read_bytes()[:8], "little") + 8
    assert found.weights == file.stat().st_size - header


def test_data_is_listed_once_with_what_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RETENTION_DATA", raising=False)
    found = outlay(load_plan(QWEN), tmp_path)
    assert "--images" in found.training_data["jigsaw-3x3-think"]
    assert found.training_data["science"] == "6,400 examples, made here"
    names = [each.name for each in found.suite_data]
    assert len(names) == len(set(names))
    assert not any(each.here for each in found.suite_data)
    monkeypatch.setenv("RETENTION_DATA", str(tmp_path))
    (tmp_path / "hellaswag").mkdir()
    (one,) = [each for each in outlay(load_plan(QWEN), tmp_path).suite_data if each.here]
    assert one.tasks == ("general_hellaswag",)
    named = outlay(load_plan(QWEN).with_images(str(tmp_path)), tmp_path)
    assert str(tmp_path) in named.training_data["jigsaw-3x3-think"]


def test_rollouts_of_an_open_number_name_the_field(tmp_path: Path) -> None:
    plan = load_plan(QWEN)
    document = plan.model_dump()
    document["targets"]["jigsaw"]["trainings"]["self-sft"]["policy"]["set"]["data.count"] = None
    with pytest.raises(RetentionError, match=r"data\.count"):
        outlay(Plan.model_validate(document), tmp_path)
