"""Drift on two real (and very small) models: the numbers of a plain loop, the cost first, the right prompts."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from scipy.special import rel_entr

from harness.checkpoints.checkpoint import open_checkpoint
from harness.dynamics.drift import DriftPlan, measure_drift, plan_drift
from harness.engines import starting
from harness.engines.settings import EngineSettings
from harness.engines.torchvision_ops import define_missing_ops
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation.plan import make_plan
from harness.evaluation.run import run_plan
from harness.records.run import Run, read_run
from harness.records.suites import load_suite
from harness.scoring import Scorecard, score_pair
from leaderboard.cli import cli
from tests.support.evaluating import Silent
from tests.support.fakes import FakeEngine, write_checkpoint

pytestmark = pytest.mark.engine
TASK = "math_arithmetic"
WORDS = ("The", "answer", "is", "1", ".", "<", ">", "/", "2", "3", "+")


def tiny_model(folder: Path, seed: int) -> None:
    define_missing_ops()
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    write_checkpoint(folder, words=WORDS)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, a suite of one task, and their runs with a fake engine's answers."""
    folder = tmp_path_factory.mktemp("drift")
    for seed, name in enumerate(("base", "tuned")):
        tiny_model(folder / name, seed)
    frozen = load_suite("nano-1").tasks[TASK]
    suite = {"name": "tiny", "version": "1", "title": "One task", "tasks": {TASK: frozen.model_dump(mode="json")}}
    (folder / "tiny-1.yaml").write_text(yaml.safe_dump(suite))
    settings = EngineSettings(name="transformers", dtype="float32")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(starting, "start", lambda *_: FakeEngine("The answer is 1."))
        plan = make_plan(
            str(folder / "base"),
            [str(folder / "tuned")],
            str(folder / "tiny-1.yaml"),
            "math",
            settings,
            folder / "runs",
        )
        folders = run_plan(plan, Silent())
    for name, found in zip(("base", "tuned"), folders, strict=True):
        (folder / f"{name}-run").symlink_to(found)
    return folder


@pytest.fixture(scope="module")
def runs(home: Path) -> tuple[Run, Run]:
    return read_run(home / "base-run"), read_run(home / "tuned-run")


def plan(home: Path, runs: tuple[Run, Run], base: str = "base", tuned: str = "tuned", **options: int) -> DriftPlan:
    checkpoints = (open_checkpoint(str(home / base)), open_checkpoint(str(home / tuned)))
    return plan_drift(*runs, *checkpoints, suite=str(home / "tiny-1.yaml"), **options)


def test_divergence_is_that_of_a_plain_loop_over_the_vocabulary(home: Path, runs: tuple[Run, Run]) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    planned = plan(home, runs, limit=20)
    told: list[str] = []
    found = measure_drift(planned, told.append)
    assert len(found) == 20
    assert told[0] == planned.cost
    assert told[0].startswith("20 items, ")
    assert told[1].startswith("about ")
    models = [AutoModelForCausalLM.from_pretrained(home / name, dtype=torch.float32) for name in ("base", "tuned")]
    for probe in planned.probes[:5]:
        ids = torch.tensor([[*probe.prompt.token_ids, *probe.output]])
        with torch.inference_mode():
            p, q = (model(ids).logits[0].double().softmax(-1).numpy() for model in models)
        assert probe.stopped
        places = range(len(probe.prompt.token_ids) - 1, ids.shape[1])
        forward = sum(rel_entr(p[place], q[place]).sum() for place in places) / len(places)
        reverse = sum(rel_entr(q[place], p[place]).sum() for place in places) / len(places)
        drift = found[probe.item_id]
        assert drift.n_tokens == len(places)
        assert (drift.forward_kl, drift.reverse_kl) == pytest.approx((forward, reverse), rel=1e-5)
        assert drift.forward_kl > 0


def test_a_model_has_not_drifted_from_itself(home: Path, runs: tuple[Run, Run]) -> None:
    found = measure_drift(plan(home, (runs[0], runs[0]), tuned="base", limit=5), lambda _: None)
    assert {(drift.forward_kl, drift.reverse_kl) for drift in found.values()} == {(0.0, 0.0)}
    card = score_pair(runs[0], runs[0], "math", drift=found)
    assert card.drift.target.forward_kl == 0
    assert card.drift.reasons == {"prior": "no prior prompt was measured"}


def test_the_command_tells_the_cost_first_and_fills_the_scorecard(home: Path) -> None:
    arguments = ["compare", home / "base-run", home / "tuned-run", "--target", "math", "--drift", "--drift-items", "18"]
    arguments += ["--base-checkpoint", home / "base", "--tuned-checkpoint", home / "tuned"]
    arguments += ["--suite", home / "tiny-1.yaml", "--json", home / "card.json", "--html", home / "page.html"]
    result = CliRunner().invoke(cli, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    told = result.stderr.splitlines()
    assert told[1].strip().startswith("18 items, ")
    assert "KL(base||tuned)" in result.stdout
    card = Scorecard.model_validate_json((home / "card.json").read_bytes())
    assert card.drift.target.n == 18
    assert card.drift.target.forward_kl > 0
    assert "<h2>Drift</h2>" in (home / "page.html").read_text(encoding="utf-8")


def test_models_and_prompts_must_be_the_runs_own(home: Path, runs: tuple[Run, Run]) -> None:
    with pytest.raises(RetentionError, match="--tuned-checkpoint base: not the model of the tuned run, tuned"):
        plan(home, runs, tuned="base")
    strange = Run(runs[0].record, runs[0].samples.assign(prompt_digest="0" * 64))
    with pytest.raises(CheckFailedError, match="renders a different prompt than the run's"):
        plan(home, (strange, runs[1]))
    suite = runs[0].record.suite.model_copy(update={"digest": "0" * 64})
    with pytest.raises(RetentionError, match="its digest differs from the runs"):
        plan(home, (Run(runs[0].record.model_copy(update={"suite": suite}), runs[0].samples), runs[1]))
