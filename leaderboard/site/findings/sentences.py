"""Sentences: what the numbers of a target say, each by a rule; one whose numbers are absent is absent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup, escape

from harness.scoring import (
    CLAIM_WORDS,
    Across,
    Claim,
    Matched,
    Predictor,
    TargetResult,
    Tested,
    TrainingResult,
    claims_of,
    common_level,
    mean_over_seeds,
)
from leaderboard.documents import clean
from leaderboard.numbers.formats import figure, figure_ci, percent, percent_tick, points, points_ci, probability
from leaderboard.site.findings.looks import but_rate, looks, rate
from leaderboard.site.findings.pictures import at_end

_GAIN = "normalised gain"
# Where a line must not break: before a sign of per cent, and within "p < 0.001".
_BOUND = re.compile(r"(?<=[0-9]) (?=%)|(?<=&lt;) (?=[0-9])|(?<=\bp) (?=[0-9&])")
_LONGEST = 600


def unbroken(sentence: str) -> Markup:
    """A sentence as HTML, escaped, whose numbers stay on one line with their signs."""
    return Markup(_BOUND.sub("\N{NO-BREAK SPACE}", str(escape(clean(sentence, _LONGEST)))))  # noqa: S704 - escaped


def notes(target: TargetResult) -> Iterator[str]:
    """What there is to say of a target besides its verdict, what matters most first."""
    yield from failures(target)
    yield from decided(target)
    yield from ends(target)
    yield from apart(target)
    yield from by_rate(target)


def failures(target: TargetResult) -> Iterator[str]:
    """Trainings that did not learn the target: those that miss the first matched gain with some seed."""
    missed = [training for training in target.trainings if training.matched and _misses(training.matched[0])]
    if len(missed) == len(target.trainings) > 1:
        best, by = max((_best_gain(training) or 0.0, training.title) for training in missed)
        far = (
            f"; the furthest checkpoint, of {by}, has {percent(best)}" if best > 0 else "; no checkpoint gains anything"
        )
        yield (
            f"None of the {len(missed)} trainings learned the target: none reaches "
            f"{percent_tick(missed[0].matched[0].normalised_gain)} of normalised gain with every seed{far}."
        )
        return
    for training in missed:
        first = training.matched[0]
        yield (
            f"{training.title} failed to learn the target: it reaches {percent_tick(first.normalised_gain)} of "
            f"normalised gain with {first.reached} of {_seeds(first.seeds)}, at best {percent(_best_gain(training))}."
        )


def decided(target: TargetResult) -> Iterator[str]:
    """Claims that a test decides, with the numbers of the test that does so most clearly."""
    for claim in claims_of(target):
        for verdict in ("contradicted", "holds"):
            tests = [test for test in claim.tests if test.verdict == verdict]
            if tests:
                test = min(tests, key=lambda each: (each.p_holm or 0.0, each.normalised_gain))
                yield f"{CLAIM_WORDS[test.verdict].capitalize()}: {compared(target, claim, test)}"


def compared(target: TargetResult, claim: Claim, test: Tested) -> str:
    """One test in words: who keeps how much more or less than whom, where, and with what p."""
    more = "more" if (test.difference or 0.0) >= 0 else "less"
    p = "" if test.p_holm is None else f", p {probability(test.p_holm)} after Holm"
    return (
        f"at {percent_tick(test.normalised_gain)} of normalised gain {_name(target, claim.keeps)} keeps {more} than "
        f"{_name(target, claim.than)}, {points(test.difference)} points {points_ci(test.difference_ci)}{p}."
    )


def ends(target: TargetResult) -> Iterator[str]:
    """The least and the most that is kept at the end, which is no comparison at the same gain."""
    kept = _defined(target, lambda training: mean_over_seeds(at_end(training)))
    if len(kept) > 1:
        (low, least), (high, most) = kept[0], kept[-1]
        yield (
            f"At the last checkpoint, whatever was gained by then, retention is lowest for {_name(target, least.name)} "
            f"at {percent(low)} and highest for {_name(target, most.name)} at {percent(high)}."
        )


def apart(target: TargetResult) -> Iterator[str]:
    """The training whose seeds end furthest apart, each seed with what it kept."""

    def width(training: TrainingResult) -> float | None:
        values = [value for value in at_end(training) if value is not None]
        return max(values) - min(values) if len(values) > 1 else None

    widest = _defined(target, width)
    if widest and widest[-1][0] > target.detectable:
        training = widest[-1][1]
        each = [percent(value) for value in at_end(training)]
        yield f"Seeds disagree most for {training.title}: {', '.join(each[:-1])} and {each[-1]} are kept at the end."


def by_rate(target: TargetResult) -> Iterator[str]:
    """What one method keeps at its learning rates: at the highest gain that all reach, else at the end."""
    level = common_level(target)
    for shared in dict.fromkeys(map(but_rate, target.trainings)):
        alike = [each for each in target.trainings if but_rate(each) == shared and each.learning_rate is not None]
        kept = [(each, _kept(each, level)) for each in sorted(alike, key=lambda each: each.learning_rate or 0.0)]
        if len({each.learning_rate for each, _ in kept}) < 2 or any(value is None for _, value in kept):
            continue
        where = "at the last checkpoint" if level is None else f"at {percent_tick(level)} of normalised gain"
        said = [f"{percent(value)} at {rate(each.learning_rate)}" for each, value in kept]
        name = shared[0].replace("sft", "SFT").replace("rft", "RFT")
        yield f"Learning rate alone: {name} keeps {', '.join(said[:-1])} and {said[-1]}, {where}."


def across_arms(across: Across) -> str:
    """Whether a quantity foretells forgetting across arms, as far as they can say."""
    count, what = len(across.arms), across.quantity
    if across.reading == "too few":
        arms = "No training" if not count else "1 training" if count == 1 else f"{count} trainings"
        why = "too few to say" if count < 4 else "all with the same value on one side"
        return f"{arms} {'has' if count < 2 else 'have'} both {what} and a retention: {why}."
    numbers = f"Spearman {figure(across.spearman)} over {count} trainings, p {probability(across.p or 0.0)}"
    if across.reading == "undecided":
        return f"Whether {what} goes with forgetting across trainings is undecided ({numbers})."
    return f"Across trainings more {what} goes with {across.reading} forgetting ({numbers})."


def absent_arms(across: Across) -> Iterator[str]:
    """Which trainings are no point of a chart, by reason."""
    reasons: dict[str, list[str]] = {}
    for training, why in across.absent:
        reasons.setdefault(why, []).append(training.title)
    for why, titles in reasons.items():
        yield f"{', '.join(titles)}: {why}"


def along(target: TargetResult) -> str:
    """What rises with forgetting along trainings, and whether gain does so too; empty where nothing is seen."""
    seen = {each.name: _direction(each) for each in target.predictors if "checkpoints" in each.of}
    said = {each.name: f"{figure(each.spearman)} {figure_ci(each.spearman_ci)}".strip() for each in target.predictors}
    drifts = [name for name, found in seen.items() if found and name != _GAIN]
    if not drifts:
        return ""
    parts = [
        f"{'more' if seen[name] == 'more' else 'less'} forgetting with more {name} ({said[name]})" for name in drifts
    ]
    gain = seen.get(_GAIN)
    if gain is None:
        besides = ""
    elif gain == "more":
        besides = f" Gain rises with forgetting too ({said[_GAIN]}), so that part of this is how far a training got."
    else:
        besides = f" Gain does not: more of it goes with less forgetting ({said[_GAIN]})."
    return f"Along training, checkpoints as points: {', '.join(parts)}.{besides}"


def predicts(predictor: Predictor) -> str:
    """What one correlation says, in words that follow from its interval."""
    if predictor.spearman is None:
        return f"not known: {predictor.reasons['spearman']}"
    if predictor.spearman_ci is None:
        return f"too few trainings for an interval: {predictor.reasons['spearman_ci']}"
    found = _direction(predictor)
    return f"more of it goes with {found} forgetting" if found else "no relation is seen"


def _direction(predictor: Predictor) -> str | None:
    if predictor.spearman_ci is None:
        return None
    low, high = predictor.spearman_ci
    return "more" if low > 0 else "less" if high < 0 else None


def _name(target: TargetResult, name: str) -> str:
    return looks(target.trainings)[name].title


def _misses(matched: Matched) -> bool:
    return matched.reached < matched.seeds


def _seeds(count: int) -> str:
    return f"{count} {'seed' if count == 1 else 'seeds'}"


def _best_gain(training: TrainingResult) -> float | None:
    gains = [point.normalised_gain for curve in training.curves for point in curve.points]
    return max((gain for gain in gains if gain is not None), default=None)


def _kept(training: TrainingResult, level: float | None) -> float | None:
    if level is None:
        return mean_over_seeds(at_end(training))
    return next(each.retention_macro for each in training.matched if each.normalised_gain == level)


def _defined(
    target: TargetResult, value: Callable[[TrainingResult], float | None]
) -> Sequence[tuple[float, TrainingResult]]:
    """The trainings for which a value is defined with it, the smallest first."""
    found = [(known, training) for training in target.trainings if (known := value(training)) is not None]
    return sorted(found, key=lambda each: each[0])
