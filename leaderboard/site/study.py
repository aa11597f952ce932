"""The reference study on the board: committed results read back, drawn, and put into sentences.

Every figure of the page comes from the results; the words around it follow from them by the rules in this module.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from harness.errors import RetentionError, first_problem
from harness.scoring import Matched, Predictor, StudyResults, TargetResult, Tested, TrainingResult
from leaderboard.numbers import learning_rate, points, points_ci, probability, ratio, ratio_ci
from leaderboard.site.charts import Axis, axis, coordinate

# Below this a divergence is rounding, and has no place on a logarithmic axis.
_LEAST_KL = 1e-6


@dataclass(frozen=True)
class Panel:
    """One training among small drawings: a path and dots for each seed, over the curves of the first training."""

    training: TrainingResult
    lines: tuple[str, ...]
    dots: tuple[tuple[str, str, str], ...]
    ghosts: tuple[str, ...]


@dataclass(frozen=True)
class Panels:
    """All trainings of a target on the same axes: normalised gain against retention, in 250 x 200 user units."""

    x: Axis
    y: Axis
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Cloud:
    """Checkpoints by how far they drifted (a power of ten) and how much they forgot, in 440 x 320 user units."""

    x: Axis
    y: Axis
    dots: tuple[tuple[str, str, int, str], ...]
    names: tuple[str, ...]


def read_studies(folder: Path | None) -> tuple[StudyResults, ...]:
    """The results in ``folder``, by file name; the short form of a study is left out where the whole one is there.

    ``RetentionError`` names the file and the field that does not hold.
    """
    found = [_read(path) for path in sorted(folder.glob("*.json"))] if folder is not None and folder.is_dir() else []
    whole = {study.name for study in found if not study.quick}
    return tuple(study for study in found if not (study.quick and study.name in whole))


def _read(path: Path) -> StudyResults:
    try:
        return StudyResults.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RetentionError(
            f"{path.name}: {first_problem(error)}; copy results.json of `retention study` there, or remove the file"
        ) from error


def panels(target: TargetResult) -> Panels:
    """The small drawings of a target; checkpoints without a gain or a retention are left out of them."""
    curves = {training.name: _curves(training) for training in target.trainings}
    every = [point for lines in curves.values() for line in lines for point in line]
    x = axis((gain for gain, *_ in every), 58, 240, include=(0.0, 1.0), ticks=6)
    y = axis((kept for _, kept, _ in every), 152, 12, include=(0.5, 1.0), ticks=4)
    first = target.trainings[0].name
    ghosts = tuple(_path(line, x, y) for line in curves[first])
    return Panels(
        x,
        y,
        tuple(
            Panel(
                training,
                tuple(_path(line, x, y) for line in curves[training.name]),
                tuple((x.at(gain), y.at(kept), said) for line in curves[training.name] for gain, kept, said in line),
                () if training.name == first else ghosts,
            )
            for training in target.trainings
        ),
    )


def _curves(training: TrainingResult) -> list[list[tuple[float, float, str]]]:
    """Of each seed its checkpoints: normalised gain, retention, and both in words."""
    return [
        [
            (
                point.normalised_gain,
                point.retention_macro,
                f"seed {curve.seed}, step {point.step}: gain {ratio(point.normalised_gain)}, "
                f"retention {ratio(point.retention_macro)}",
            )
            for point in curve.points
            if point.normalised_gain is not None and point.retention_macro is not None
        ]
        for curve in training.curves
    ]


def _path(line: Iterable[tuple[float, float, str]], x: Axis, y: Axis) -> str:
    return f"M{x.at(0)} {y.at(1)}" + "".join(f"L{x.at(gain)} {y.at(kept)}" for gain, kept, _ in line)


def cloud(target: TargetResult) -> Cloud | None:
    """Forward KL on prior prompts against forgetting; None where no checkpoint has both."""
    found = [
        (math.log10(point.kl_prior), 1 - point.retention_macro, at, f"{training.name}, step {point.step}")
        for at, training in enumerate(target.trainings)
        for curve in training.curves
        for point in curve.points
        if point.kl_prior is not None and point.kl_prior > _LEAST_KL and point.retention_macro is not None
    ]
    if not found:
        return None
    low, high = math.floor(min(each[0] for each in found)), math.ceil(max(each[0] for each in found))
    x = Axis(low, max(high, low + 1), 58, 424, tuple(float(tick) for tick in range(low, max(high, low + 1) + 1)))
    y = axis((lost for _, lost, *_ in found), 268, 22, include=(0.0, 0.2))
    dots = tuple((x.at(drift), y.at(lost), at, said) for drift, lost, at, said in found)
    return Cloud(x, y, dots, tuple(training.name for training in target.trainings))


def kept_axis(target: TargetResult) -> Axis:
    """The axis that the matched cells of a target share."""
    bounds = [
        bound
        for training in target.trainings
        for matched in training.matched
        if matched.retention_macro is not None
        for bound in (matched.retention_macro, *(matched.retention_macro_ci or ()))
    ]
    return axis(bounds, 4.0, 96.0, include=(0.5, 1.0), ticks=2)


def difference_axis(target: TargetResult) -> Axis:
    """The axis that the differences of a target's claims share: both sides of zero."""
    bounds = [bound for test in target.claims for bound in (test.difference_ci or ())]
    return axis(bounds, 4.0, 128.0, include=(-0.1, 0.1), ticks=4)


def title_of(target: TargetResult, name: str) -> str:
    """What a training is called on the page."""
    return next(training.title for training in target.trainings if training.name == name)


def ordering(target: TargetResult) -> str:
    """Does the stated ordering appear? One word or two, decided by the tests alone."""
    count = target.agreement
    made = count.holds + count.contradicted + count.undecided
    if not made:
        return "It could not be tested"
    if count.holds == made:
        return "Yes, in every comparison made"
    if count.holds and not count.contradicted:
        most = 2 * count.holds >= made
        return "For the most part, and nothing contradicts it" if most else "Mostly undecided; the rest is as stated"
    if count.contradicted and not count.holds:
        return "No, the other way round" if count.contradicted == made else "No"
    return "In part, and in part the other way round" if count.holds else "Undecided"


def tally(target: TargetResult) -> str:
    """How many comparisons came out how."""
    count = target.agreement
    total = len(target.claims)
    return (
        f"Of {total} comparisons {count.holds} came out as stated, {count.contradicted} the other way round, "
        f"{count.undecided} are undecided, and {count.not_comparable} could not be made, because one of the two "
        "trainings never reaches that gain with every seed."
    )


def predicts(predictor: Predictor) -> str:
    """What one correlation says, in words that follow from its interval."""
    if predictor.spearman is None:
        return f"not known: {predictor.reasons['spearman']}"
    if predictor.spearman_ci is None:
        return f"too few trainings for an interval: {predictor.reasons['spearman_ci']}"
    low, high = predictor.spearman_ci
    if low > 0:
        return "more of it goes with more forgetting"
    return "more of it goes with less forgetting" if high < 0 else "no relation is seen"


def contradictions(target: TargetResult) -> Iterator[str]:
    """What speaks against the stated orderings: tests that came out the other way, and what else decides as much."""
    for test in target.claims:
        if test.verdict == "contradicted":
            yield (
                f"At gain {ratio(test.normalised_gain)}, {title_of(target, test.keeps)} keeps "
                f"{points(test.difference)} points {points_ci(test.difference_ci)} against "
                f"{title_of(target, test.than)} (p {_p(test)}), where more was stated."
            )
    yield from _rates(target)


def _rates(target: TargetResult) -> Iterator[str]:
    """What the learning rate of SFT alone does at the same gain, beside the largest difference of a claim."""
    arms = [training for training in target.trainings if training.method == "sft"]
    for place in range(len(target.trainings[0].matched)):
        kept = [
            (one.matched[place].retention_macro, one) for one in arms if one.matched[place].retention_macro is not None
        ]
        if len(kept) < 2:
            continue
        low, high = min(kept, key=lambda each: each[0] or 0.0), max(kept, key=lambda each: each[0] or 0.0)
        level = low[1].matched[place].normalised_gain
        yield (
            f"The learning rate of SFT alone moves retention at gain {ratio(level)} from {ratio(low[0])} "
            f"({_rate(low[1])}) to {ratio(high[0])} ({_rate(high[1])}): a difference of "
            f"{points((high[0] or 0.0) - (low[0] or 0.0))} points between runs of one method."
        )


def failures(target: TargetResult) -> Iterator[str]:
    """Trainings that did not learn the target: those that miss the first matched gain with some seed."""
    for training in target.trainings:
        first = training.matched[0]
        if first.reached < first.seeds:
            best = max(
                (p.normalised_gain for c in training.curves for p in c.points if p.normalised_gain is not None),
                default=None,
            )
            yield (
                f"{training.title} reaches a normalised gain of {ratio(first.normalised_gain)} with {first.reached} of "
                f"{first.seeds} {'seed' if first.seeds == 1 else 'seeds'}; its best checkpoint has {ratio(best)}."
            )


def matched_text(matched: Matched) -> str:
    """One cell of the matched table: value and interval, or why there is none."""
    if matched.retention_macro is None:
        return matched.reasons["retention_macro"]
    return f"{ratio(matched.retention_macro)} {ratio_ci(matched.retention_macro_ci)}".strip()


def settings(training: TrainingResult) -> str:
    """The overrides of a training's recipe, as they were given."""
    return ", ".join(f"{name}={value}" for name, value in training.settings.items())


def hours(study: StudyResults) -> float:
    """Hours that all steps of the study took together."""
    return sum(study.seconds.values()) / 3600


def wall_minutes(training: TrainingResult) -> Sequence[str]:
    """Minutes of training, seed by seed."""
    return [coordinate(made.wall_seconds / 60) for made in training.made]


def _rate(training: TrainingResult) -> str:
    return "learning rate not known" if training.learning_rate is None else learning_rate(training.learning_rate)


def _p(test: Tested) -> str:
    return "not known" if test.p_holm is None else probability(test.p_holm)
