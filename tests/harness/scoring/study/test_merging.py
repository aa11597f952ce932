"""Merging: a study whose seeds ran in several places has the results that it would have had in one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.scoring.study.merging import merge_results
from harness.scoring.study.prediction import predictors_of
from harness.scoring.study.results import StudyResults
from tests.support.studies import Arm, study

ENDS = {"high": (0.97, 0.98, 0.96, 0.975), "low": (0.4, 0.41, 0.39, 0.405), "stuck": (0.9, None, 0.8, 0.7)}
CLAIMS = [("high", "low"), ("high", "stuck")]


def whole() -> StudyResults:
    arms = {name: Arm(ends, perplexity=3.0, kl=0.1) for name, ends in ENDS.items()}
    made = study(arms, CLAIMS, seeds=(0, 1, 2, 3))
    (target,) = made.targets
    renewed = target.model_copy(update={"predictors": predictors_of(target.trainings)})
    return made.model_copy(update={"targets": (renewed,)})


WHOLE = whole()


def only(results: StudyResults, seeds: set[int]) -> StudyResults:
    """The same study with these seeds alone, as another place would have run them."""
    (target,) = results.targets
    trainings = []
    for training in target.trainings:
        last = training.last.model_copy(
            update={"by_seed": tuple(curve for curve in training.last.by_seed if curve.seed in seeds)}
        )
        matched = tuple(
            each.model_copy(
                update={
                    "by_seed": tuple(value for seed, value in enumerate(each.by_seed) if seed in seeds),
                    "seeds": len(seeds),
                }
            )
            for each in training.matched
        )
        trainings.append(
            training.model_copy(
                update={
                    "made": tuple(made for made in training.made if made.seed in seeds),
                    "curves": tuple(curve for curve in training.curves if curve.seed in seeds),
                    "matched": matched,
                    "last": last,
                }
            )
        )
    absent = tuple(f"jigsaw/{name}-seed{seed}" for seed in results.seeds if seed not in seeds for name in ENDS)
    hours = {"train/sft": 900.0 * len(seeds)}
    part = target.model_copy(update={"trainings": tuple(trainings)})
    return results.model_copy(update={"targets": (part,), "missing": absent, "seconds": hours})


@settings(max_examples=12)  # Each draws thousands of correlations, three times over.
@given(st.permutations(range(4)), st.integers(1, 3))
def test_parts_come_to_what_one_place_gives(order: list[int], cut: int) -> None:
    everything = WHOLE
    merged = merge_results([only(everything, set(order[:cut])), only(everything, set(order[cut:]))])
    # The made-up study does not average its last checkpoints as a real one does.
    trainings = zip(merged.targets[0].trainings, everything.targets[0].trainings, strict=True)
    for found, expected in trainings:
        assert (found.made, found.curves, found.last.by_seed) == (expected.made, expected.curves, expected.last.by_seed)
        assert found.matched == expected.matched
        assert found.target_perplexity == pytest.approx(3.0)
    for field in ("claims", "agreement", "predictors", "noise"):
        assert getattr(merged.targets[0], field) == getattr(everything.targets[0], field)
    assert merged.seconds == everything.seconds
    assert merged.missing == ()
    assert merged.commit == everything.commit


def test_one_part_stays_as_it_is_but_for_its_means() -> None:
    one = only(WHOLE, {2})
    merged = merge_results([one])
    assert [each.matched for each in merged.targets[0].trainings] == [each.matched for each in one.targets[0].trainings]
    assert all(test.verdict in ("undecided", "not comparable") for test in merged.targets[0].claims)
    assert merged.missing == one.missing


def test_what_no_part_has_stays_missing_and_more_than_one_commit_is_said() -> None:
    first, second = only(WHOLE, {0}), only(WHOLE, {1}).model_copy(update={"commit": "c" * 40})
    merged = merge_results([first, second])
    assert set(merged.missing) == {f"jigsaw/{name}-seed{seed}" for name in ENDS for seed in (2, 3)}
    assert merged.commit is None
    assert merged.reasons["commit"]
    assert merged.targets[0].trainings[0].matched[0].seeds == 2


def test_claims_given_are_tested_in_their_order_where_both_sides_are_there() -> None:
    claims = {"jigsaw": [("low", "high", "nobody"), ("high", "absent", "nobody")]}
    (target,) = merge_results([only(WHOLE, {0, 1}), only(WHOLE, {2, 3})], claims).targets
    assert {(test.keeps, test.than) for test in target.claims} == {("low", "high")}
    assert {test.verdict for test in target.claims} == {"contradicted"}


def test_versions_that_differ_are_all_named() -> None:
    first, second = only(WHOLE, {0}), only(WHOLE, {1}).model_copy(update={"packages": {"numpy": "3", "torch": "2"}})
    assert merge_results([first, second]).packages == {"numpy": "2 and 3", "torch": "2"}


@pytest.mark.parametrize("field", ["name", "quick", "base_weights_digest", "environment", "scorer"])
def test_parts_of_different_studies_are_refused_by_field(field: str) -> None:
    first, second = only(WHOLE, {0}), only(WHOLE, {1})
    other = {"name": "else", "quick": True, "base_weights_digest": "e" * 64, "environment": "gpu", "scorer": 1}
    with pytest.raises(ValueError, match=f"results: {field} is not the same"):
        merge_results([first, second.model_copy(update={field: other[field]})])


def test_a_training_of_other_settings_and_a_seed_twice_are_refused() -> None:
    first, second = only(WHOLE, {0}), only(WHOLE, {1})
    (target,) = second.targets
    changed = target.trainings[0].model_copy(update={"settings": {"optimisation.lr": 1.0}})
    other = second.model_copy(update={"targets": (target.model_copy(update={"trainings": (changed,)}),)})
    with pytest.raises(ValueError, match="jigsaw/high: settings is not the same"):
        merge_results([first, other])
    with pytest.raises(ValueError, match="jigsaw/high: two of the results have seed 0"):
        merge_results([first, first])
