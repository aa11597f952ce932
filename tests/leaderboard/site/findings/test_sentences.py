"""Sentences of a study follow from its numbers, and are absent where these are."""

from collections.abc import Iterable

import pytest

from harness.scoring import across_arms
from harness.scoring.study.results import Predictor
from leaderboard.site.findings import sentences
from tests.support.studies import Arm, along, study, target

HIGH, LOW = Arm((0.97, 0.98, 0.975), title="High"), Arm((0.40, 0.41, 0.405), title="Low")
MINUS = "\N{MINUS SIGN}"
KL, GAIN = "forward KL on prior prompts", "normalised gain"


def told(found: Iterable[str]) -> list[str]:
    """Sentences with spaces that any keyboard has."""
    return [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in found]


def test_a_training_that_failed_is_published_as_such() -> None:
    made = target({"high": HIGH, "dead": Arm((None, 0.9, None), title="Dead")})
    assert told(sentences.failures(made)) == [
        "Dead failed to learn the target: it reaches 25 % of normalised gain with 1 of 3 seeds, at best 100.0 %."
    ]


@pytest.mark.parametrize(
    ("reach", "end"),
    [(0.1, "; the furthest checkpoint, of B, has 10.0 %."), (0.0, "; no checkpoint gains anything.")],
)
def test_where_all_failed_it_is_said_once(reach: float, end: str) -> None:
    made = target({"a": Arm((None, None), title="A"), "b": Arm((0.9, 0.9), reach=reach or 1e-9, title="B")})
    if not reach:
        made = target({"a": Arm((None, None)), "b": Arm((None, None))})
    (sentence,) = told(sentences.failures(made))
    assert sentence.startswith("None of the 2 trainings learned the target: none reaches 25 % of normalised gain")
    assert sentence.endswith(end)


def test_what_a_test_decides_is_told_with_its_numbers() -> None:
    first, second = told(sentences.decided(target({"high": HIGH, "low": LOW}, [("high", "low"), ("low", "high")])))
    assert first.startswith("Shown: at ")
    assert "High keeps more than Low, +" in first
    assert second.startswith("Contradicted: at ")
    assert f"Low keeps less than High, {MINUS}" in second
    assert "after Holm" in first
    assert told(sentences.decided(target({"a": Arm((0.9,)), "b": Arm((0.1,))}, [("a", "b")]))) == []


def test_the_ends_and_the_seeds_that_disagree_are_told() -> None:
    made = target({"high": HIGH, "wide": Arm((0.9, 0.0), title="Wide")})
    assert told(sentences.ends(made)) == [
        "At the last checkpoint, whatever was gained by then, retention is lowest for Wide at 45.0 % and highest for "
        "High at 97.5 %."
    ]
    assert told(sentences.apart(made)) == ["Seeds disagree most for Wide: 90.0 % and 0.0 % are kept at the end."]


def test_of_one_seed_or_seeds_that_agree_nothing_is_said_to_disagree() -> None:
    assert told(sentences.apart(target({"high": HIGH, "low": LOW}))) == []
    assert told(sentences.apart(target({"a": Arm((0.9,)), "b": Arm((0.1,))}))) == []
    assert told(sentences.ends(target({"a": Arm((0.9,))}))) == []


def test_the_learning_rate_alone_is_told_where_a_method_has_several() -> None:
    slow, fast = Arm((0.95, 0.95), rate=1e-4), Arm((0.2, 0.2), rate=1e-3)
    (sentence,) = told(sentences.by_rate(target({"fast": fast, "slow": slow})))
    assert sentence == "Learning rate alone: SFT keeps 95.5 % at 1e-4 and 28.0 % at 1e-3, at 90 % of normalised gain."
    (at_end,) = told(sentences.by_rate(target({"fast": fast, "slow": slow, "dead": Arm((None,), method="rft")})))
    assert at_end == "Learning rate alone: SFT keeps 95.0 % at 1e-4 and 20.0 % at 1e-3, at the last checkpoint."
    assert told(sentences.by_rate(target({"fast": fast, "rft": Arm((0.9,), method="rft", rate=1e-4)}))) == []
    # What learns from other data is no further rate of the same.
    three = target({"fast": fast, "slow": slow, "teacher": Arm((0.7,), method=fast.method, rate=2e-4)})
    teacher = three.trainings[2].model_copy(update={"settings": {"data.form": "other"}})
    assert told(sentences.by_rate(three.model_copy(update={"trainings": (*three.trainings[:2], teacher)}))) == [
        sentence
    ]


def test_what_rises_together_along_training_is_read_from_the_intervals() -> None:
    rises, falls, open_ = (0.4, 0.6), (-0.6, -0.4), (-0.2, 0.3)
    both = sentences.along(target({"a": HIGH}, predictors=(along(KL, rises), along(GAIN, rises))))
    assert "more forgetting with more forward KL on prior prompts (0.5 [0.4, 0.6])." in both
    assert "Gain rises with forgetting too" in both
    other = sentences.along(target({"a": HIGH}, predictors=(along(KL, rises), along(GAIN, falls))))
    assert "too" not in other
    assert "Gain does not: more of it goes with less forgetting" in other
    alone = sentences.along(target({"a": HIGH}, predictors=(along(KL, falls), along(GAIN, open_))))
    assert alone == (
        "Along training, checkpoints as points: less forgetting with more forward KL on prior prompts "
        f"(0.5 [{MINUS}0.6, {MINUS}0.4])."
    )
    assert sentences.along(target({"a": HIGH}, predictors=(along(KL, open_), along(GAIN, rises)))) == ""
    assert sentences.along(target({"a": HIGH}, predictors=(along(KL, None), along(GAIN, None)))) == ""


def test_without_kl_or_perplexity_that_is_what_is_said() -> None:
    perplexity, prior, _ = across_arms(target({"a": HIGH, "b": LOW}))
    assert sentences.across_arms(perplexity) == (
        "No training has both perplexity of the training data and a retention: too few to say."
    )
    assert told(sentences.absent_arms(prior)) == ["High, Low: not measured for every seed"]


def test_a_relation_across_trainings_is_told_with_its_p() -> None:
    made = target({f"a{n}": Arm((1 - 0.1 * n,) * 2, kl=0.01 * (n + 1), title=f"A{n}") for n in range(6)})
    _, prior, _ = across_arms(made)
    assert sentences.across_arms(prior) == (
        "Across trainings more forward KL on prior prompts goes with more forgetting (Spearman 1 over 6 trainings, "
        "p 0.003)."
    )
    four = {f"a{n}": Arm((1 - 0.1 * n,), kl=0.01 * (n + 1)) for n in range(4)}
    assert sentences.across_arms(across_arms(target(four))[1]).startswith(
        "Whether forward KL on prior prompts goes with"
    )


@pytest.mark.parametrize(
    ("interval", "says"),
    [
        ((0.4, 0.9), "more of it goes with more forgetting"),
        ((-0.9, -0.4), "more of it goes with less forgetting"),
        ((-0.2, 0.4), "no relation is seen"),
    ],
)
def test_a_correlation_is_read_by_its_interval(interval: tuple[float, float], says: str) -> None:
    found = Predictor(name="x", of="y", pairs=9, trainings=5, spearman=0.1, spearman_ci=interval)
    assert sentences.predicts(found) == says


def test_a_sentence_is_text_whose_numbers_stay_together() -> None:
    html = sentences.unbroken('<b title="x"> keeps 9.1 % (p < 0.001, p 0.2)\u202e')
    nbsp = "\N{NO-BREAK SPACE}"
    assert html == f"&lt;b title=&#34;x&#34;&gt; keeps 9.1{nbsp}% (p{nbsp}&lt;{nbsp}0.001, p{nbsp}0.2)"


def test_nothing_fixed_is_said_of_a_study_without_numbers() -> None:
    made = study({"a": Arm((None,))}).targets[0]
    assert told(sentences.notes(made)) == [
        "A failed to learn the target: it reaches 25 % of normalised gain with 0 of 1 seed, at best 0.0 %."
    ]
