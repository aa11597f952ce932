"""Pictures: the curves of a study laid over each other, each by itself, against learning rate, and arms as points."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.scoring import Across, SeedCurve, TargetResult, TrainingResult, common_level, mean_over_seeds
from leaderboard.numbers.formats import figure, percent, percent_tick
from leaderboard.site.charts import axis, coordinate
from leaderboard.site.findings.drawing import (
    SLENDER,
    WIDE,
    Drawing,
    Frame,
    Label,
    Mark,
    Rule,
    Scale,
    Stroke,
    Ticks,
    labels,
    positive_scale,
)
from leaderboard.site.findings.looks import Look, but_rate, looks
from leaderboard.site.findings.looks import rate as rate_text

_PANEL = Frame(300, 220, 50, 286, 12, 172)
_THUMB = Frame(220, 130, 6, 214, 6, 124)
_SCORE, _KEPT, _LOST = "score on the target", "retention", "forgotten (100 % less retention)"
# Trainings at one learning rate stand beside each other, so far apart.
_SLOT = 18.0
# The room that the figure of a matched gain takes.
_RULE = 38.0
# The share of the axis of scores in which a curve that ends is labelled where it is.
_NEAR = 0.6
Place = tuple[float, float]


@dataclass(frozen=True)
class Pair:
    """One chart for a wide window and for a phone; ``title`` names it to those who do not see it."""

    title: str
    wide: Drawing
    slender: Drawing


@dataclass(frozen=True)
class Panel:
    """One training by itself, a line a seed, over the means of the others."""

    look: Look
    drawing: Drawing


@dataclass(frozen=True)
class _Traced:
    """A training's curves as (score on the target, retention): the mean over its seeds, and each seed's."""

    look: Look
    mean: tuple[tuple[int, float, float], ...]
    seeds: tuple[tuple[Place, ...], ...]


def curves(target: TargetResult) -> Pair | None:
    """Retention against the target's score along all trainings, means over seeds by checkpoint; None where retention is
    defined nowhere. Gains are distances on this axis, so that a base which already knows the target shows as one."""
    traced = _traced(target)
    if not traced:
        return None
    title = "Retention against the score on the target along training, means over seeds and single seeds"
    return Pair(title, _curves(target, traced, WIDE), _curves(target, traced, SLENDER))


def thumbnail(target: TargetResult) -> Drawing | None:
    """The means alone, small, for a list of studies."""
    traced = _traced(target)
    if not traced:
        return None
    x, y = _scales(target, traced, _THUMB)
    strokes = tuple(Stroke(each.look, _path(_from_base(target, each), x, y)) for each in traced)
    return Drawing(_THUMB, Ticks((), ""), Ticks((), ""), strokes, (), ())


def panels(target: TargetResult) -> tuple[Panel, ...]:
    """Each training by itself, over its whole range."""
    traced = _traced(target)
    places = [place for each in traced for seed in each.seeds for place in seed]
    x = Scale(axis((score for score, _ in places), *_PANEL.across, include=(target.base_score,), ticks=4))
    y = Scale(axis((kept for _, kept in places), *_PANEL.up, include=(0.0, 1.0), ticks=4))
    frame = Drawing(_PANEL, _percents(x, _SCORE), _percents(y, _KEPT), (), (), ())
    means = [Stroke(each.look, _path(_from_base(target, each), x, y), faint=True) for each in traced]
    start = (target.base_score, 1.0)
    return tuple(
        Panel(
            each.look,
            replace(
                frame,
                strokes=(
                    *(mean for mean in means if mean.look is not each.look),
                    *(Stroke(each.look, _path((start, *seed), x, y), solid=True) for seed in each.seeds),
                ),
                labels=_numbers(each, x, y),
            ),
        )
        for each in traced
    )


def rates(target: TargetResult) -> tuple[tuple[str, Drawing], ...]:
    """Retention against learning rate, seeds as marks: at the highest gain that all reach, and at the end, each with
    where that is. None unless a method was run at two rates: between methods a rate tells nothing."""
    level = common_level(target)
    ends = {each.name: at_end(each) for each in target.trainings}
    found = [("at the last checkpoint", _rates(target, ends))]
    if level is not None:
        kept = {each.name: _at_level(each, level) for each in target.trainings}
        found.insert(0, (f"at {percent_tick(level)} of normalised gain", _rates(target, kept)))
    return tuple((where, drawn) for where, drawn in found if drawn is not None)


def arms(target: TargetResult, across: Across) -> Drawing | None:
    """A quantity against forgetting, a mark an arm; None where fewer than two arms have both."""
    if len(across.arms) < 2 or any(arm.x <= 0 for arm in across.arms):
        return None
    return _arms(target, across, SLENDER)


def at_end(training: TrainingResult) -> list[float | None]:
    """What each seed kept at its last checkpoint: on the whole suite, or on the part where that was not answered."""
    curves = training.last.by_seed or training.curves
    return [curve.points[-1].retention_macro for curve in curves if curve.points]


def _at_level(training: TrainingResult, level: float) -> list[float | None]:
    return list(next(each.by_seed for each in training.matched if each.normalised_gain == level))


def _traced(target: TargetResult) -> list[_Traced]:
    styles = looks(target.trainings)
    found = [
        _Traced(styles[each.name], tuple(_mean(each.curves)), tuple(map(_places, each.curves)))
        for each in target.trainings
    ]
    return [each for each in found if any(each.seeds)]


def _places(curve: SeedCurve) -> tuple[Place, ...]:
    return tuple((point.score, point.retention_macro) for point in curve.points if point.retention_macro is not None)


def _mean(curves: Sequence[SeedCurve]) -> Iterable[tuple[int, float, float]]:
    """Step, mean score and mean retention of each checkpoint that every seed has with a retention."""
    by_step = [{point.step: point for point in curve.points} for curve in curves]
    for step in sorted(set.intersection(*(set(points) for points in by_step)) if by_step else ()):
        there = [points[step] for points in by_step]
        score = mean_over_seeds([point.score for point in there])
        kept = mean_over_seeds([point.retention_macro for point in there])
        if score is not None and kept is not None:
            yield step, score, kept


def _scales(target: TargetResult, traced: Sequence[_Traced], frame: Frame) -> tuple[Scale, Scale]:
    """Axes of the curves: down to the least that is kept at a matched gain, where there is one, so that what is
    compared fills the drawing; over everything else."""
    every = [
        place for each in traced for place in (*((score, kept) for _, score, kept in each.mean), *sum(each.seeds, ()))
    ]
    matched = [
        each.retention_macro
        for training in target.trainings
        for each in training.matched
        if each.retention_macro is not None
    ]
    x = axis(
        (score for score, _ in every), *frame.across, include=(target.base_score,), ticks=4 if frame.letters else 6
    )
    y = axis(matched or [kept for _, kept in every], *frame.up, include=(1.0,), ticks=5)
    return Scale(x), Scale(y)


def _curves(target: TargetResult, traced: Sequence[_Traced], frame: Frame) -> Drawing:
    x, y = _scales(target, traced, frame)
    strokes, marks, ends = [], [], []
    for each in traced:
        line = _from_base(target, each)
        strokes += [Stroke(each.look, _path((line[0], *seed), x, y), faint=True) for seed in each.seeds]
        strokes.append(Stroke(each.look, _path(line, x, y)))
        for step, score, kept in each.mean:
            if y.axis.holds(kept):
                said = f"{each.look.title}, step {step}: score {percent(score)}, retention {percent(kept)}"
                marks.append(Mark(each.look, x.at(score), y.at(kept), said, small=True))
        ends.append((each.look, *_end(each, line, x, y)))
    base = x.at(target.base_score), y.at(1.0)
    return Drawing(
        frame,
        _percents(x, _SCORE),
        _percents(y, _KEPT),
        tuple(strokes),
        tuple(marks),
        labels(frame, ends, _NEAR),
        tuple(_rules(target, x)),
        base,
    )


def _rules(target: TargetResult, x: Scale) -> Iterable[Rule]:
    """The matched gains that any training reaches with every seed, as scores: gain is normalised by what is left."""
    reached = {
        each.normalised_gain
        for training in target.trainings
        for each in training.matched
        if each.retention_macro is not None
    }
    said = -math.inf
    for level in sorted(reached):
        score = target.base_score + level * (1 - target.base_score)
        if x.axis.holds(score):
            place = x.number(score)
            room = place - said >= _RULE
            said = place if room else said
            yield Rule(x.at(score), percent_tick(level) if room else "")


def _from_base(target: TargetResult, traced: _Traced) -> tuple[Place, ...]:
    """The mean curve from the base on, which has kept all."""
    return (target.base_score, 1.0), *((score, kept) for _, score, kept in traced.mean)


def _end(traced: _Traced, line: Sequence[Place], x: Scale, y: Scale) -> tuple[str, float, float]:
    """What a curve is called, and where it ends or leaves the drawing at its lower edge."""
    floor = y.axis.low
    score, kept = line[-1]
    if kept >= floor:
        return traced.look.label, x.number(score), y.number(kept)
    last = max(place for place, (_, retained) in enumerate(line) if retained >= floor)
    (score, retained), (next_score, next_kept) = line[last], line[last + 1]
    share = (retained - floor) / (retained - next_kept)
    text = f"{traced.look.label}, down to {percent_tick(round(kept, 2))}"
    return text, x.number(score + share * (next_score - score)), y.number(floor)


def _numbers(traced: _Traced, x: Scale, y: Scale) -> tuple[Label, ...]:
    """The number of each seed at the end of its line, where it does not lie on another."""
    found: list[Label] = []
    taken: list[Place] = []
    for curve, places in zip(traced.look.training.curves, traced.seeds, strict=True):
        if not places:
            continue
        left, top = x.number(places[-1][0]), y.number(places[-1][1])
        if all(abs(left - other) > 12 or abs(top - under) > 12 for other, under in taken):
            taken.append((left, top))
            found.append(Label(traced.look, str(curve.seed), coordinate(left + 4), coordinate(top - 4), "", ""))
    return tuple(found)


def _path(line: Iterable[Place], x: Scale, y: Scale) -> str:
    return "M" + "L".join(f"{x.at(score)} {y.at(kept)}" for score, kept in line)


def _percents(scale: Scale, title: str) -> Ticks:
    return Ticks(tuple((scale.at(tick), percent_tick(tick)) for tick in scale.ticks()), title)


def _rates(target: TargetResult, kept: dict[str, list[float | None]]) -> Drawing | None:
    known = {
        training.name: (rate, [value for value in kept[training.name] if value is not None])
        for training in target.trainings
        if (rate := training.learning_rate)
    }
    drawn = {name: (rate, values) for name, (rate, values) in known.items() if values}
    several: dict[tuple[str, ...], set[float]] = {}
    for training in target.trainings:
        if training.name in drawn:
            several.setdefault(but_rate(training), set()).add(drawn[training.name][0])
    if all(len(tried) < 2 for tried in several.values()):
        return None
    return _rate_chart(target, drawn, SLENDER)


def _rate_chart(target: TargetResult, drawn: dict[str, tuple[float, list[float]]], frame: Frame) -> Drawing:
    styles = looks(target.trainings)
    tried = sorted({rate for rate, _ in drawn.values()})
    # The rates that were tried, evenly: they are few, and usually chosen by factors.
    gap = (frame.right - frame.left) / len(tried)
    middle = {rate: frame.left + (place + 0.5) * gap for place, rate in enumerate(tried)}
    y = Scale(axis((value for _, values in drawn.values() for value in values), *frame.up, include=(1.0,), ticks=5))
    marks, means, beside = [], {}, dict.fromkeys(tried, 0)
    for name, (rate, values) in drawn.items():
        count = sum(other == rate for other, _ in drawn.values())
        left = middle[rate] + (beside[rate] - (count - 1) / 2) * min(_SLOT, gap / (count + 1))
        beside[rate] += 1
        look, mean = styles[name], sum(values) / len(values)
        means[name] = left, y.number(mean)
        if len(values) > 1:
            for value in values:
                marks.append(Mark(look, coordinate(left), y.at(value), f"{look.title}: {percent(value)}", small=True))
        said = f"{look.title}: {percent(mean)}" + (f", the mean of {len(values)}" if len(values) > 1 else "")
        marks.append(Mark(look, coordinate(left), y.at(mean), said))
    ticks = Ticks(tuple((coordinate(middle[rate]), rate_text(rate)) for rate in tried), "learning rate")
    ends = [(styles[name], styles[name].label, *place) for name, place in means.items()]
    strokes = tuple(_joined(target, drawn, means, styles))
    return Drawing(frame, ticks, _percents(y, _KEPT), strokes, tuple(marks), labels(frame, ends))


def _joined(
    target: TargetResult, drawn: dict[str, tuple[float, list[float]]], means: dict[str, Place], styles: dict[str, Look]
) -> Iterable[Stroke]:
    """A line through the means of each method that was run at several rates."""
    for shared in dict.fromkeys(map(but_rate, target.trainings)):
        alike = [each.name for each in target.trainings if but_rate(each) == shared and each.name in drawn]
        if len({drawn[name][0] for name in alike}) > 1:
            ordered = sorted(alike, key=lambda name: drawn[name][0])
            path = "M" + "L".join(f"{coordinate(means[name][0])} {coordinate(means[name][1])}" for name in ordered)
            yield Stroke(styles[ordered[0]], path, solid=True)


def _arms(target: TargetResult, across: Across, frame: Frame) -> Drawing:
    styles = looks(target.trainings)
    x = positive_scale((arm.x for arm in across.arms), *frame.across)
    y = Scale(axis((arm.forgotten for arm in across.arms), *frame.up, include=(0.0,), ticks=5))
    marks, ends = [], []
    for arm in across.arms:
        look = styles[arm.training.name]
        said = f"{look.title}: {figure(arm.x)}, forgotten {percent(arm.forgotten)}"
        marks.append(Mark(look, x.at(arm.x), y.at(arm.forgotten), said))
        ends.append((look, look.label, x.number(arm.x), y.number(arm.forgotten)))
    unit = ", nats a token" if "KL" in across.quantity else ""
    ticks = Ticks(tuple((x.at(tick), figure(tick)) for tick in x.ticks()), f"{across.quantity}{unit}")
    return Drawing(frame, ticks, _percents(y, _LOST), (), tuple(marks), labels(frame, ends))
