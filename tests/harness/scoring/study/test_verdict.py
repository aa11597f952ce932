"""The verdict of a study follows from its claims: made-up results in which it holds, is contradicted, stays open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scoring.study import results
from harness.scoring.study.results import Verdict
from harness.scoring.study.verdict import (
    TOY_PARAMETERS,
    Claim,
    claims_of,
    missing_sentence,
    ordering,
    seeds_there,
    toy_sentence,
    verdict_sentence,
)
from tests.support.studies import Arm, study, target

HIGH, LOW = Arm((0.97, 0.98, 0.975)), Arm((0.40, 0.41, 0.405))
WIDE = Arm((0.97, 0.2, 0.6))
FAILED = Arm((None, None, None))
EVERY: tuple[Verdict, ...] = ("holds", "contradicted", "undecided", "not comparable")


def one(verdict: Verdict, level: float) -> results.Tested:
    known = verdict != "not comparable"
    fields = {"difference": 0.1 if known else None, "difference_ci": None, "p_holm": 0.5 if known else None}
    return results.Tested.model_validate(
        {"keeps": "a", "than": "b", "source": "s", "normalised_gain": level, "verdict": verdict, **fields}
        | {"reasons": {name: "none" for name, value in fields.items() if value is None}}
    )


def claim(*verdicts: Verdict) -> Claim:
    return Claim("a", "b", "s", tuple(one(verdict, 0.1 * place) for place, verdict in enumerate(verdicts)))


@pytest.mark.parametrize(
    ("verdicts", "outcome"),
    [
        (("undecided", "holds", "not comparable"), "shown"),
        (("undecided", "contradicted"), "contradicted"),
        (("holds", "contradicted"), "shown and contradicted"),
        (("undecided", "not comparable"), "undecided"),
        (("not comparable", "not comparable"), "not reached"),
    ],
)
def test_one_test_that_decides_decides_its_claim(verdicts: tuple[Verdict, ...], outcome: str) -> None:
    assert claim(*verdicts).outcome == outcome


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        ([], "not stated"),
        ([claim("holds"), claim("holds")], "holds"),
        ([claim("holds"), claim("undecided")], "holds in part"),
        ([claim("holds"), claim("not comparable")], "holds in part"),
        ([claim("contradicted"), claim("undecided")], "contradicted"),
        ([claim("contradicted"), claim("holds")], "contradicted in part"),
        ([claim("holds", "contradicted")], "contradicted in part"),
        ([claim("undecided"), claim("not comparable")], "undecided"),
        ([claim("not comparable")], "not tested"),
    ],
)
def test_the_ordering_is_what_the_claims_make_it(claims: list[Claim], found: str) -> None:
    assert ordering(claims) == found


@given(st.lists(st.lists(st.sampled_from(EVERY), min_size=1, max_size=4), min_size=1, max_size=6))
def test_nothing_is_said_to_hold_that_no_test_shows(verdicts: list[list[Verdict]]) -> None:
    claims = [claim(*each) for each in verdicts]
    every = {verdict for each in verdicts for verdict in each}
    found = ordering(claims)
    assert ("holds" in found or found == "contradicted in part") <= ("holds" in every)
    assert ("contradicted" in found) == ("contradicted" in every)
    assert (found == "holds") == all("holds" in each and "contradicted" not in each for each in verdicts)
    assert (found == "not tested") == (every == {"not comparable"})


def test_where_the_ordering_holds_the_sentence_says_so() -> None:
    made = target({"high": HIGH, "low": LOW}, [("high", "low")])
    assert verdict_sentence(made, 1) == "The one claim at matched gain is shown: the expected ordering holds."


def test_where_it_is_contradicted_the_sentence_says_so() -> None:
    made = target({"high": HIGH, "low": LOW, "lower": LOW}, [("low", "high"), ("lower", "high")])
    assert verdict_sentence(made, 1) == (
        "Both claims at matched gain are contradicted, and so is the expected ordering."
    )


def test_where_nothing_is_decided_the_sentence_says_so() -> None:
    made = target({"high": HIGH, "wide": WIDE, "wider": WIDE}, [("high", "wide"), ("wider", "wide")])
    assert verdict_sentence(made, 1) == "Both claims at matched gain are undecided, and so is the expected ordering."


def test_claims_are_counted_by_how_they_came_out() -> None:
    arms = {"high": HIGH, "low": LOW, "wide": WIDE, "failed": FAILED}
    claims = [("high", "low"), ("low", "high"), ("high", "wide"), ("high", "failed")]
    made = target(arms, claims)
    assert [each.outcome for each in claims_of(made)] == ["shown", "contradicted", "undecided", "not reached"]
    assert verdict_sentence(made, 1) == (
        "Of 4 claims at matched gain 1 is shown, 1 is contradicted, 1 is undecided and 1 is not reached: "
        "the expected ordering holds in part and is contradicted in part."
    )


def test_one_seed_decides_nothing_however_far_apart() -> None:
    made = target({"high": Arm((0.99,)), "low": Arm((0.1,))}, [("high", "low")])
    assert verdict_sentence(made, 1) == (
        "One seed: undecided. The one claim at matched gain is undecided, and so is the expected ordering."
    )


def test_some_claims_on_one_seed_are_counted() -> None:
    made = target({"high": HIGH, "low": LOW, "alone": Arm((0.9,))}, [("high", "low"), ("alone", "low")])
    assert verdict_sentence(made, 1) == (
        "Of 2 claims at matched gain 1 is shown and 1 is undecided: the expected ordering holds in part, and nothing "
        "contradicts it. 1 of them rests on a training with one seed, which decides nothing."
    )


def test_before_the_last_seed_the_sentence_begins_with_how_many_there_are() -> None:
    made = target({"high": HIGH, "low": LOW}, [("high", "low")])
    assert verdict_sentence(made, 3) == "The one claim at matched gain is shown: the expected ordering holds."
    assert verdict_sentence(made, 5) == (
        "So far, with 3 of 5 seeds: the one claim at matched gain is shown: the expected ordering holds."
    )
    behind = target({"high": HIGH, "low": LOW, "late": Arm((0.4, 0.41))}, [("high", "low"), ("high", "late")])
    assert verdict_sentence(behind, 3).startswith("So far, with 2 of 3 seeds: both claims")
    # What no claim names holds none up.
    beside = target({"high": HIGH, "low": LOW, "late": Arm((0.4,))}, [("high", "low")])
    assert verdict_sentence(beside, 3) == verdict_sentence(made, 3)
    unreached = target({"one": FAILED, "other": FAILED}, [("one", "other")])
    assert verdict_sentence(unreached, 5).startswith("So far, with 3 of 5 seeds: the one claim could not be tested: ")
    alone = target({"a": Arm((0.9,)), "b": Arm((0.1,))}, [("a", "b")])
    assert verdict_sentence(alone, 5).startswith("One seed of 5 so far: undecided. The one claim")


def test_claims_that_no_training_reaches_are_not_called_undecided() -> None:
    arms = {"one": FAILED, "other": FAILED, "third": Arm((0.9, 0.9, 0.9), reach=0.3), "fourth": FAILED}
    made = target(arms, [("one", "other"), ("other", "one")])
    assert verdict_sentence(made, 1) == (
        "None of the 2 claims could be tested: no training named in them reaches a normalised gain of 25 % with every "
        "seed."
    )
    apart = target(arms, [("third", "fourth")])
    assert verdict_sentence(apart, 1) == (
        "The one claim could not be tested: its two trainings never both reach a matched gain with every seed."
    )
    alone = target({"one": Arm((None,)), "other": Arm((None,))}, [("one", "other")])
    assert verdict_sentence(alone, 1).startswith("One seed: undecided. The one claim could not be tested: ")


def test_without_claims_it_is_said_that_there_are_none() -> None:
    assert verdict_sentence(target({"a": HIGH}), 9) == "No ordering was stated before this study ran."


@pytest.mark.parametrize(
    ("parameters", "toy"), [(0, False), (1, True), (TOY_PARAMETERS - 1, True), (TOY_PARAMETERS, False)]
)
def test_a_base_is_a_toy_by_its_parameters_whatever_its_name(parameters: int, toy: bool) -> None:
    made = study({"high": HIGH}, base="Qwen/Qwen2.5-VL-3B-Instruct", base_parameters=parameters)
    assert (f"toy of {parameters:,} parameters" in toy_sentence(made)) == toy
    assert bool(toy_sentence(made)) == toy
    # A document of before, which does not count them, keeps its bytes.
    assert ('"base_parameters"' in made.to_json()) == (parameters > 0)


def test_what_is_missing_is_said_by_seed_where_nothing_of_it_is_there() -> None:
    made = study({"a": Arm((0.9, 0.8)), "b": Arm((0.5,))}, seeds=(0, 1, 2, 3))
    assert missing_sentence(made) == ""
    assert seeds_there(made) == (0, 1)
    absent = ("jigsaw/b-seed1", *(f"jigsaw/{name}-seed{seed}" for seed in (2, 3) for name in "ab"))
    some = made.model_copy(update={"missing": absent})
    early = " Looking at tests before all seeds are in makes false findings more likely than their p-values say."
    assert missing_sentence(some) == f"Not in these numbers: seeds 2, 3 (4 were planned); jigsaw/b-seed1.{early}"
    one = made.model_copy(update={"seeds": (0, 1, 2), "missing": ("jigsaw/a-seed2", "jigsaw/b-seed2")})
    assert missing_sentence(one) == f"Not in these numbers: seed 2 (3 were planned).{early}"
    first = study({"a": Arm((0.9,))}, seeds=(0, 1), missing=("jigsaw/a-seed1",))
    assert missing_sentence(first) == "Not in these numbers: seed 1 (2 were planned)."
    many = made.model_copy(update={"missing": tuple(f"jigsaw/x{place}-seed1" for place in range(40))})
    last = study({"a": Arm((0.9, 0.8)), "b": Arm((0.5,))}, missing=("jigsaw/b-seed1",))
    assert missing_sentence(last) == f"Not in these numbers: jigsaw/b-seed1.{early}"
    assert missing_sentence(many).endswith(f"jigsaw/x29-seed1 and 10 more.{early}")
