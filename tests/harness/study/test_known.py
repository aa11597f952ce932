"""What is known of a study from elsewhere: whole seeds are taken over, and nothing that is of another study."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import RetentionError
from harness.study.known import complete_seeds, read_known, read_results
from harness.study.plan import load_plan
from harness.study.results import collect
from harness.study.steps import Study
from tests.support.study_like import ENDS, made_study

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a place that ran seed 0 to its end and of seed 1 all but one training."""
    folder = tmp_path_factory.mktemp("first")
    study = made_study(folder, leave_out=("jigsaw/sft-slow-seed1",))
    (folder / "results.json").write_text(collect(study, study.steps()).to_json(), encoding="utf-8")
    return folder / "results.json"


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Another place, that has run all."""
    return made_study(tmp_path_factory.mktemp("second"))


def changed(source: Path, folder: Path, change: Callable[[Any], Any]) -> Path:
    document = json.loads(source.read_text("utf-8"))
    change(document)
    path = folder / "changed.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_whole_seeds_are_taken_over_and_the_results_are_those_of_one_place(first: Path, second: Study) -> None:
    known = read_known(second, [first])
    assert complete_seeds(second, known) == {("jigsaw", 0)}
    rest = second.taking_over(complete_seeds(second, known))
    assert {each.seed for each in rest.trained_here} == {1}
    assert not [step.key for step in rest.steps() if "seed0" in step.key]
    assert {each.seed for each in second.trained_here} == {0, 1}
    together, alone = collect(rest, rest.steps(), known), collect(second, second.steps())
    assert (together.missing, together.seeds) == ((), (0, 1))
    (found,), (expected,) = together.targets, alone.targets
    assert [each.name for each in found.trainings] == list(ENDS)
    for one, other in zip(found.trainings, expected.trainings, strict=True):
        assert [made.seed for made in one.made] == [0, 1]
        assert one.curves[1] == other.curves[1]
        assert one.target_perplexity == pytest.approx(other.target_perplexity)
        for mine, theirs in zip(one.matched, other.matched, strict=True):
            assert mine.by_seed == pytest.approx(theirs.by_seed)
    assert found.agreement == expected.agreement
    # The same command again, with all that is known by now, runs nothing and changes nothing.
    path = first.with_name("together.json")
    path.write_text(together.to_json(), encoding="utf-8")
    again = second.taking_over(complete_seeds(second, read_known(second, [path])))
    assert again.steps() == []
    merged = collect(again, again.steps(), read_known(second, [path]))
    assert merged.targets[0].agreement == found.agreement
    assert (merged.missing, merged.seconds) == (together.missing, together.seconds)


def test_a_seed_that_stopped_before_its_last_checkpoint_is_run_again(
    first: Path, second: Study, tmp_path: Path
) -> None:
    def drop(document: Any) -> None:
        last = document["targets"][0]["trainings"][1]["last"]
        last["by_seed"] = []

    assert complete_seeds(second, read_known(second, [changed(first, tmp_path, drop)])) == set()


def test_a_seed_whose_perplexity_was_not_measured_is_run_again(first: Path, second: Study, tmp_path: Path) -> None:
    def drop(document: Any) -> None:
        training = document["targets"][0]["trainings"][0]
        del training["made"][0]["target_perplexity"]
        training["target_perplexity"] = None
        training["reasons"]["target_perplexity"] = "not measured for every seed"

    assert complete_seeds(second, read_known(second, [changed(first, tmp_path, drop)])) == set()


def test_what_the_plan_no_longer_has_is_left_out_and_what_it_has_more_is_missing(first: Path, second: Study) -> None:
    plan = second.plan.model_copy(update={"seeds": (0, 1, 2)})
    study = Study(plan, second.out)
    known = read_known(study, [first])
    elsewhere = study.taking_over(complete_seeds(study, known))
    found = collect(elsewhere, elsewhere.steps(), known)
    assert found.seeds == (0, 1, 2)
    assert found.missing == tuple(f"jigsaw/{name}-seed2" for name in ENDS)
    fewer = Study(second.plan.model_copy(update={"seeds": (1,)}), second.out)
    assert read_known(fewer, [first]).targets == ()


def _of_another_recipe(document: Any) -> None:
    document["targets"][0]["trainings"][0]["made"][0]["recipe"] = "e" * 64


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(name="else"), "name is else, where this study has small; give results of this study"),
        (lambda d: d.update(quick=True), "quick is True"),
        (lambda d: d.update(scorer=1), "scorer is 1, where this study has 2"),
        (lambda d: d.update(base_weights_digest="e" * 64), "base_weights_digest is eee"),
        (lambda d: d["suite"].update(digest="e" * 64), "suite is not that of this study"),
        (_of_another_recipe, "jigsaw/sft, seed 0: was trained by another recipe than the plan's now"),
        (lambda d: d["targets"][0]["trainings"][0]["curves"].reverse(), "jigsaw/sft: curves: not one of each seed"),
        (lambda d: d["targets"][0]["trainings"][0].update(made=[]), "jigsaw/sft: made: not one of each seed"),
        (lambda d: d["targets"][0]["trainings"][0]["matched"].pop(), "jigsaw/sft: matched: not one of each seed"),
        (
            lambda d: d["targets"][0]["trainings"][0]["matched"][0].update(normalised_gain=0.33),
            "jigsaw/sft: matched: not one of each seed",
        ),
        (
            lambda d: d["targets"][0]["trainings"][0]["last"]["by_seed"][0].update(points=[]),
            "jigsaw/sft: last: not one of each seed",
        ),
    ],
)
def test_what_is_not_of_this_study_is_refused_by_field(
    first: Path, second: Study, tmp_path: Path, change: Callable[[Any], Any], said: str
) -> None:
    with pytest.raises(RetentionError, match=rf"changed\.json: {said}"):
        read_known(second, [changed(first, tmp_path, change)])


def test_one_seed_in_two_files_is_refused(first: Path, second: Study) -> None:
    with pytest.raises(RetentionError, match="two of the results have seed 0"):
        read_known(second, [first, first])


def test_answers_of_another_engine_are_not_put_together(first: Path, second: Study, tmp_path: Path) -> None:
    known = read_known(second, [changed(first, tmp_path, lambda d: d.update(environment="another"))])
    rest = second.taking_over(complete_seeds(second, known))
    with pytest.raises(RetentionError, match="environment is not the same in all results; `--results` without"):
        collect(rest, rest.steps(), known)


def test_two_targets_of_one_family_cannot_be_told_apart(first: Path, second: Study) -> None:
    (target,) = second.plan.targets.values()
    plan = second.plan.model_copy(update={"targets": {"easy": target, "hard": target}})
    with pytest.raises(RetentionError, match="targets: two are of one family"):
        read_known(Study(plan, second.out), [first])


def test_a_results_file_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RetentionError, match=r"none\.json: cannot be read"):
        read_results(tmp_path / "none.json")
    (tmp_path / "other.json").write_text('{"name": 3}', encoding="utf-8")
    with pytest.raises(RetentionError, match=r"other\.json: name: .*give a results\.json"):
        read_results(tmp_path / "other.json")


def test_a_study_without_its_base_takes_over_all_the_same(first: Path, second: Study) -> None:
    study = Study(load_plan(str(second.out.parent / "plan.yaml")), second.out, opened=False)
    assert complete_seeds(study, read_known(study, [first])) == {("jigsaw", 0)}
