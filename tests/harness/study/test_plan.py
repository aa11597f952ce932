"""Plans: what a study declares, and what is refused before anything runs."""

from pathlib import Path
from typing import Any

import pytest

from harness.study.plan import PlanError, load_plan, plan_names
from harness.training.recipe import load_recipe
from tests.support.plans import SMALL, written


def with_training(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    jigsaw = SMALL["targets"]["jigsaw"]
    return {"jigsaw": {**jigsaw, "trainings": {**jigsaw["trainings"], name: fields}}}


def test_a_plan_is_read_with_its_order_and_defaults(tmp_path: Path) -> None:
    plan = load_plan(written(tmp_path))
    assert list(plan.targets["jigsaw"].trainings) == ["rft", "rollout-sft", "sft"]  # As the file has them.
    assert plan.seeds == (0, 1)
    assert not plan.quick
    policy = plan.targets["jigsaw"].trainings["rollout-sft"].policy
    assert policy is not None
    assert policy.checkpoint == -1


def test_quick_is_laid_over_key_by_key_and_null_takes_away(tmp_path: Path) -> None:
    plan = load_plan(written(tmp_path), quick=True)
    assert plan.quick
    assert plan.seeds == (0,)
    assert plan.targets["jigsaw"].trainings["sft"].set == {"optimisation.steps": 6}
    assert plan.targets["jigsaw"].trainings["sft"].title == "SFT"
    gone = {"targets": {"jigsaw": {"trainings": {"rollout-sft": None}}}}
    plan = load_plan(written(tmp_path, quick=gone), quick=True)
    assert list(plan.targets["jigsaw"].trainings) == ["rft", "sft"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": []}, "seeds: Tuple should have at least 1 item"),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
        ({"targets": with_training("x", {"method": "self-sft", "title": "X"})}, "method self-sft needs a policy"),
        ({"targets": with_training("x", {"method": "rollouts", "title": "X"})}, "rollouts is not a training"),
        (
            {"targets": with_training("x", {"method": "sft", "title": "X", "policy": {"training": "rft"}})},
            "method sft does not take a policy",
        ),
        (
            {"targets": with_training("x", {"method": "self-sft", "title": "X", "policy": {"training": "nobody"}})},
            "trainings.x: its policy is nobody, which is not a training here",
        ),
        (
            {
                "targets": with_training(
                    "x", {"method": "self-sft", "title": "X", "policy": {"training": "rollout-sft"}}
                )
            },
            "its policy rollout-sft learns from rollouts itself",
        ),
        (
            {
                "targets": with_training(
                    "x", {"method": "self-sft", "title": "X", "policy": {"training": "rft", "checkpoint": 0}}
                )
            },
            "checkpoint counts from 1",
        ),
        ({"kept": 2}, "kept: 2 is none of the seeds"),
    ],
)
def test_a_plan_that_breaks_a_rule_is_refused_with_the_field(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(PlanError, match=message) as error:
        load_plan(written(tmp_path, **changes))
    assert str(error.value).startswith(str(tmp_path / "plan.yaml"))


def test_claims_name_trainings(tmp_path: Path) -> None:
    jigsaw = {**SMALL["targets"]["jigsaw"], "claims": [{"keeps": "rft", "than": ["dpo"], "source": "?"}]}
    with pytest.raises(PlanError, match="claims: dpo is not a training here"):
        load_plan(written(tmp_path, targets={"jigsaw": jigsaw}))


def test_an_unknown_study_and_one_without_a_short_form_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"nothing: unknown study; there are .*nano"):
        load_plan("nothing")
    with pytest.raises(PlanError, match="this study has no short form"):
        load_plan(written(tmp_path, quick=None), quick=True)


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("name", plan_names())
def test_every_recipe_of_a_shipped_study_can_be_made(name: str, quick: bool) -> None:
    plan = load_plan(name, quick=quick)
    for target in plan.targets.values():
        for training in target.trainings.values():
            settings = {
                "base": plan.base,
                **training.set,
                **({"data.examples": "somewhere"} if training.policy else {}),
            }
            recipe = load_recipe(target.config, training.method, settings, seed=0)
            assert (recipe.base, recipe.suite) == (plan.base, plan.suite)
            assert len(recipe.saved_steps) >= (2 if quick else 5)
            if training.policy:
                load_recipe(target.config, "rollouts", training.policy.set, seed=0)


def test_the_nano_study_is_what_was_asked_for() -> None:
    assert "nano" in plan_names()
    plan = load_plan("nano")
    jigsaw = plan.targets["jigsaw"].trainings
    methods = {training.method for training in jigsaw.values()}
    assert methods == {"sft", "rft", "rollout-sft", "simulated-rollout-sft", "self-sft", "replay-sft"}
    assert len(plan.seeds) >= 3
    rates = {load_recipe("nano-jigsaw", t.method, t.set).optimisation.lr for t in jigsaw.values() if t.method == "sft"}
    assert len(rates) >= 3
