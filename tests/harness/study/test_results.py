"""Results: a study's folder read back and scored from the stored answers."""

import json
from pathlib import Path

import pytest

from harness.errors import RetentionError
from harness.records.run import read_run
from harness.scoring import score_pair
from harness.scoring.study.results import StudyResults, TargetResult, TrainingResult
from harness.study.results import collect
from harness.study.steps import Study
from harness.training.recipe import load_recipe
from tests.support.study_like import ENDS, made_study

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def target(study_results: StudyResults) -> TargetResult:
    (found,) = study_results.targets
    return found


def training(target: TargetResult, name: str) -> TrainingResult:
    return next(each for each in target.trainings if each.name == name)


def test_every_training_is_there_with_its_seeds_and_the_absent_one_is_named(
    study_results: StudyResults, target: TargetResult
) -> None:
    assert [each.name for each in target.trainings] == list(ENDS)
    assert {each.name: [curve.seed for curve in each.curves] for each in target.trainings} == {
        "sft": [0, 1],
        "sft-slow": [0],
        "rft": [0, 1],
        "self-sft": [0, 1],
    }
    assert study_results.missing == ("jigsaw/sft-slow-seed1",)


def test_numbers_are_those_of_the_stored_answers(study: Study, target: TargetResult) -> None:
    sft = training(target, "sft")
    point = sft.curves[1].points[-1]
    (folder,) = study.runs.glob(f"nano-1-part40-1/*-{point.weights_digest[:12]}/engine")
    (base,) = study.runs.glob(f"nano-1-part40-1/*-{study.base.record.weights_digest[:12]}/engine")
    card = score_pair(read_run(base), read_run(folder), "jigsaw")
    assert (point.gain, point.retention_macro) == (card.learned.gain, card.retention_macro)
    assert target.base_score == card.learned.score_base
    whole = sft.last.by_seed[0].points[0]
    (folder,) = study.runs.glob(f"nano-1/small-jigsaw-sft-seed0-{whole.weights_digest[:12]}/engine")
    (base,) = study.runs.glob(f"nano-1/*-{study.base.record.weights_digest[:12]}/engine")
    assert whole.gain == score_pair(read_run(base), read_run(folder), "jigsaw").learned.gain


def test_what_was_put_in_comes_out(target: TargetResult) -> None:
    kept = {each.name: each.matched[1].retention_macro for each in target.trainings}
    assert kept["self-sft"] is None
    assert kept["rft"] > kept["sft-slow"] > kept["sft"]
    verdicts = {(test.keeps, test.than, test.normalised_gain): test.verdict for test in target.claims}
    # Two seeds of each decide little: Welch's t has about two degrees of freedom.
    assert verdicts["rft", "sft", 0.5] in ("holds", "undecided")
    assert verdicts["self-sft", "sft", 0.25] == "not comparable"
    assert target.agreement.not_comparable == 6  # Own samples at four gains, and RFT, which ends at .8, at the last.
    by_name = {each.name: each for each in target.predictors}
    drift = by_name["forward KL on prior prompts"]
    assert drift.pairs == 7 * 5
    assert drift.spearman is not None
    assert drift.spearman > 0.8
    assert by_name["perplexity of the training targets under the base"].spearman is None  # The same for all of them.


def test_how_each_was_made_is_kept(target: TargetResult) -> None:
    rft = training(target, "rft")
    assert [made.rollouts for made in rft.made] == [720, 720]
    assert rft.learning_rate == load_recipe("nano-jigsaw", "rft").optimisation.lr
    assert training(target, "sft-slow").settings["optimisation.lr"] == 1e-4
    assert training(target, "sft").target_perplexity == pytest.approx(402.5)


def test_same_folder_same_bytes_and_the_document_reads_back(study: Study, study_results: StudyResults) -> None:
    text = study_results.to_json()
    assert collect(study, study.steps()).to_json() == text
    assert StudyResults.model_validate_json(text) == study_results
    assert str(study.out) not in text
    assert "NaN" not in text
    assert {"numpy", "torch"} <= set(study_results.packages)
    assert json.loads(text)["seconds"]["train/sft"] == 240


def test_a_study_without_a_noise_floor_or_dynamics_says_so(target: TargetResult, tmp_path: Path) -> None:
    assert target.reasons == {"noise": "the second run of the base was not made"}
    bare = made_study(tmp_path, quick=True)
    for path in (bare.out / "dynamics").rglob("*.json"):
        path.unlink()
    (found,) = collect(bare, bare.steps()).targets
    assert found.trainings[0].reasons == {"target_perplexity": "not measured for every seed"}
    assert found.trainings[0].curves[0].points[0].reasons["kl_prior"] == "not measured"
    assert all(each.spearman is None for each in found.predictors if "KL" in each.name)


def test_nothing_evaluated_yet_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    empty = made_study(tmp_path, quick=True, leave_out=tuple(f"jigsaw/{name}-seed0" for name in ENDS))
    with pytest.raises(RetentionError, match="no training was evaluated yet"):
        collect(empty, empty.steps())
