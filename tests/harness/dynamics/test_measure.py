"""``retention dynamics``: planned, refused, and measured on the nano base."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.dynamics.measure import measure_dynamics
from harness.dynamics.plan import Size, plan_dynamics
from harness.errors import RetentionError
from harness.scoring.dynamics.document import Dynamics
from harness.scoring.schema import dynamics_schema
from harness.training.dataset import write_examples
from harness.training.generators import load_examples
from harness.training.recipe import Data
from leaderboard.cli import cli

SMALL = Size(limit=3, examples=2, probes=1, prompts=2)


def example_set(folder: Path, source: str = "nano-math", form: str = "worked", count: int = 6) -> Path:
    examples = load_examples(Data(source=source, form=form, count=count, seed=3))
    write_examples(folder, examples, source=source, recipe_digest="0" * 64, seed=3, policy_weights_digest="1" * 64)
    return folder


def test_a_plan_draws_a_sample_of_each_kind_by_its_seed(tmp_path: Path) -> None:
    folder = example_set(tmp_path / "set")
    plan = plan_dynamics("nano:base", ["nano-math", str(folder)], probe="nano-1", size=SMALL)
    assert {label: len(each) for label, each in plan.examples.items()} == {"bare": 3, "worked": 3}
    assert plan.target == "math"
    assert [each.examples for each in plan.sets] == [3, 6]
    assert [each.policy_weights_digest for each in plan.sets] == [None, "1" * 64]
    assert set(plan.probed.roles.values()) == {"target", "prior"}
    assert plan.probed.roles["math_word"] == "target"
    assert plan.probed.roles["jigsaw_2x2"] == "prior"
    again = plan_dynamics("nano:base", ["nano-math", str(folder)], probe="nano-1", size=SMALL)
    assert again.examples == plan.examples
    other = plan_dynamics("nano:base", [str(folder)], size=Size(limit=3, seed=1))
    assert other.examples["worked"] != plan.examples["worked"]


def test_sets_of_one_kind_are_told_apart_by_their_labels(tmp_path: Path) -> None:
    folder = example_set(tmp_path / "set", form="bare")
    plan = plan_dynamics("nano:base", ["nano-math", f"mine={folder}"], size=SMALL)
    assert list(plan.examples) == ["bare", "mine"]
    with pytest.raises(RetentionError, match="bare examples were already given"):
        plan_dynamics("nano:base", ["nano-math", str(folder)], size=SMALL)


@pytest.mark.parametrize(
    ("base", "training", "options", "message"),
    [
        ("nano:lora-replay", ["nano-math"], {}, "an adapter"),
        ("nano:base", ["nowhere"], {}, "neither a folder of examples"),
        ("nano:base", ["nano-math/long"], {}, "nor a source of examples"),
        ("nano:base", ["nano-prior"], {}, "--target"),
        ("nano:base", ["nano-math"], {"probe": "nothing-1"}, "nothing-1"),
        ("nano:base", ["nano-math"], {"checkpoints": ["nano:gone"]}, "nano:gone"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_a_model_is_loaded(
    base: str, training: list[str], options: dict[str, object], message: str
) -> None:
    with pytest.raises(RetentionError, match=message):
        plan_dynamics(base, training, size=SMALL, **options)  # type: ignore[arg-type]


def test_the_target_can_be_named() -> None:
    plan = plan_dynamics("nano:base", ["nano-prior"], probe="nano-1", target="jigsaw", size=SMALL)
    assert plan.probed.roles["jigsaw_2x2"] == "target"


def test_the_schema_is_printed() -> None:
    result = CliRunner().invoke(cli, ["dynamics", "--schema"])
    assert result.exit_code == 0
    assert result.stdout == dynamics_schema()


@pytest.mark.engine
def test_the_command_measures_and_writes(tmp_path: Path) -> None:
    """The base against itself drifts nowhere; bare sums are a surprise to it and its own wording is none."""
    folder = example_set(tmp_path / "set")
    arguments = ["dynamics", "nano:base", "--train", "nano-math", "--train", str(folder), "--probe", "nano-1"]
    arguments += ["--checkpoint", "nano:base", "--checkpoint", "nano:sft"]
    arguments += ["--limit", "3", "--examples", "2", "--probes", "1", "--prompts", "2"]
    arguments += ["--json", str(tmp_path / "found.json"), "--html", str(tmp_path / "found.html")]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    text = (tmp_path / "found.json").read_text(encoding="utf-8")
    found = Dynamics.model_validate_json(text)
    assert found.to_json() == text
    assert found.perplexity["bare"].perplexity > 100 * found.perplexity["worked"].perplexity
    assert found.perplexity["worked"].perplexity < 1.2
    itself, tuned = found.drift
    assert [itself.target.forward_kl, itself.prior.forward_kl] == pytest.approx([0, 0], abs=1e-12)
    assert tuned.prior.forward_kl > 0
    assert tuned.model.name == "nano-sft"
    assert (found.target_prompts, found.probes.target) == ("suite", "math")
    assert set(found.influence) == {"bare", "worked"}
    assert found.influence["bare"].n_probes + found.influence["bare"].n_certain_probes == 7
    assert found.influence["bare"].first_order_error < 0.2
    page = (tmp_path / "found.html").read_text(encoding="utf-8")
    assert "How far checkpoints moved" in page
    assert "perplexity" in result.stdout.lower()


@pytest.mark.engine
def test_what_the_base_is_certain_of_leaves_no_influence_but_all_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_dynamics("nano:base", ["nano-math"], probe="nano-1", size=Size(limit=2, examples=1, probes=1))
    monkeypatch.setattr("harness.dynamics.influence.CERTAIN", 1e9)
    found = measure_dynamics(plan, lambda phase, done, total: None)
    assert found.influence is None
    assert "certain of every answer" in found.reasons["influence"]
    assert found.perplexity["bare"].n == 2


@pytest.mark.engine
def test_without_a_suite_the_training_questions_are_the_prompts(tmp_path: Path) -> None:
    arguments = ["dynamics", "nano:base", "--train", "nano-math", "--checkpoint", "nano:sft", "--limit", "2"]
    result = CliRunner().invoke(
        cli, [*arguments, "--prompts", "2", "--json", str(tmp_path / "found.json")], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    found = Dynamics.model_validate_json((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found.target_prompts == "training data"
    assert found.influence is None
    assert found.drift[0].prior is None
    assert found.drift[0].target.n == 2
    assert set(found.reasons) == {"probes", "influence"}
