"""The paths of studies of which only the short form can run here, whole: every training and every step.

That of the published study runs on a toy, and its results say so; trainings on conversions of units on a shipped base.
Steps run in this process, one after another, as each would take ten seconds to start; those of dynamics, which take as
long as all others, are left out.
"""

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.checkpoints.checkpoint import open_checkpoint
from harness.cli import cli
from harness.scoring.study.verdict import TOY_PARAMETERS, toy_sentence
from harness.study.plan import load_plan
from harness.study.results import collect
from harness.study.runner import Step
from harness.study.steps import Study
from harness.study.toy import make_toy


def run(step: Step) -> None:
    words = list(step.command())
    done = CliRunner().invoke(cli, words[words.index("harness.cli") + 1 :], catch_exceptions=False)
    assert done.exit_code == 0, (step.key, done.output)
    assert all(path.exists() for path in step.outputs)


@pytest.mark.engine
@pytest.mark.slow
def test_all_trainings_of_the_conversions_run_on_a_shipped_base(tmp_path: Path) -> None:
    """Without its evaluations, which are those of any study: each of ten checkpoints would start an engine."""
    study = Study(load_plan("conversions", quick=True), tmp_path / "out")
    steps = [step for step in study.steps() if step.kind == "rollouts" or step.kind.startswith("train/")]
    assert {step.kind for step in steps} == {
        "train/sft",
        "train/rft",
        "rollouts",
        "train/rollout-sft",
        "train/replay-sft",
    }
    for step in steps:
        run(step)
    for trained in study.trained:
        assert list(trained.checkpoints) == [1, 2]
        assert all((folder / "adapter_config.json").is_file() for folder in trained.checkpoints.values())


@pytest.mark.engine
@pytest.mark.slow
def test_all_trainings_of_the_published_study_run_on_a_toy_and_its_results_say_so(tmp_path: Path) -> None:
    toy = make_toy(tmp_path / "model", lambda _: None)
    said: list[str] = []
    assert make_toy(tmp_path / "model", said.append).record == open_checkpoint(str(toy.path)).record
    assert "already exists" in said[0]
    plan = load_plan("qwen2.5-vl", quick=True).model_copy(update={"base": str(toy.path), "drift": None})
    study = Study(plan, tmp_path / "out")
    steps = study.steps()
    for step in steps:
        run(step)
    results = collect(study, steps)
    assert not results.missing
    (target,) = results.targets
    assert {each.name for each in target.trainings} == set(load_plan("qwen2.5-vl").targets["jigsaw"].trainings)
    assert all(made.steps == 2 for training in target.trainings for made in training.made)
    assert 0 < results.base_parameters < TOY_PARAMETERS
    assert "toy" in toy_sentence(results)
