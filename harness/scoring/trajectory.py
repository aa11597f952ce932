"""Trajectory: checkpoints of one training run, from its base on: what was kept at how much learned.

The fair way to compare a method that takes 200 steps with one that takes 27,000 (METRICS.md, "Trajectories and
studies").
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from harness.errors import RetentionError
from harness.records import Run, SuiteRecord
from harness.scoring import statistics
from harness.scoring.knowledge import corrected_items
from harness.scoring.pairing import Source, pair, refusal
from harness.scoring.repeats import by_item, repeats_of
from harness.scoring.scorecard import (
    Change,
    Interval,
    ModelIdentity,
    Number,
    Provenance,
    Rate,
    Reasoned,
    Scorecard,
    Strict,
)
from harness.scoring.scorer import score_pair
from harness.scoring.summary import NO_TARGET
from harness.scoring.task_scores import cluster_labels, correct, one_answer, reasons
from harness.scoring.transitions import Floats
from harness.scoring.wording import share

LEVELS = (0.25, 0.5, 0.75)
LEAST_RUNS = 3
# Between two checkpoints further apart in normalised gain than this, a straight line is a guess.
WIDEST_STEP = 0.3
_GAINS = ("gain", "gain_ci", "normalised_gain")


class Point(Reasoned):
    """One checkpoint on the curve; the base is the first, with gain 0 and everything kept. No gain without a target."""

    model: ModelIdentity
    gain: Change | None
    gain_ci: Interval | None
    normalised_gain: Number | None
    retention_macro: Number | None
    retention_macro_ci: Interval | None
    balance: Rate | None


class Matched(Reasoned):
    """Retention where the curve first reaches a normalised gain, by linear interpolation between checkpoints.

    ``between`` are the normalised gains of the two checkpoints it was read between, and ``gap`` is true where they are
    more than .3 apart, so that the straight line between them is a guess.
    """

    normalised_gain: Rate
    retention_macro: Number | None
    retention_macro_ci: Interval | None
    between: tuple[Number, Number] | None
    gap: bool

    @property
    def warning(self) -> str:
        """What to say where a straight line bridges two checkpoints far apart; empty where none does."""
        if not self.gap or self.between is None:
            return ""
        low, high = self.between
        return f"a guess: a straight line over a gap, no checkpoint between {share(low)} and {share(high)}"


class Trajectory(Strict):
    """The curve of one training run, in the order of training; without a target, ``matched`` is empty."""

    schema_version: Literal[2] = 2
    suite: SuiteRecord
    target: str | None
    provenance: Provenance
    points: tuple[Point, ...]
    matched: tuple[Matched, ...]

    def to_json(self) -> str:
        """The document as indented JSON with a final newline: the same bytes for the same runs."""
        return self.model_dump_json(indent=2) + "\n"


def score_trajectory(runs: Sequence[Source], target: str | None, *, mixed: bool = False) -> Trajectory:
    """Score each checkpoint of a training run against its base, the first of ``runs``; the rest in training order.

    Raises ``RetentionError`` for fewer than three runs and ``CheckFailedError`` when one is named twice, may not be
    compared with the base, or (unless ``mixed``) does not look like a checkpoint of the same training as the others:
    their names differ in more than their last number (METRICS.md, "Trajectories and studies").
    """
    if len(runs) < LEAST_RUNS:
        raise RetentionError(f"{len(runs)} runs: a trajectory needs {LEAST_RUNS} or more, the base first")
    seen: dict[str, int] = {}
    for place, run in enumerate(runs, start=1):
        digest = run.record.samples_sha256
        if digest in seen:
            raise refusal(f"run {place} has the same samples as run {seen[digest]}: name each checkpoint once")
        seen[digest] = place
    base, checkpoints = runs[0], runs[1:]
    if not mixed:
        _check_one_training([_name(run) for run in checkpoints])
    cards = [score_pair(base, run, target) for run in checkpoints]
    points = [_base_point(cards[0]), *map(_point, cards)]
    matched = () if target is None else _matched_gains(base, checkpoints, cards, points)
    return Trajectory(
        suite=cards[0].suite,
        target=target,
        provenance=cards[0].provenance,
        points=tuple(points),
        matched=matched,
    )


def _point(card: Scorecard) -> Point:
    learned = card.target
    fields: dict[str, Any] = {
        "gain": None if learned is None else learned.gain,
        "normalised_gain": None if learned is None else learned.normalised_gain,
        "retention_macro": card.retention_macro,
        "retention_macro_ci": card.retention_macro_ci,
        "balance": card.balance,
        "gain_ci": None if learned is None else learned.gain_ci,
    }
    why = dict.fromkeys(_GAINS, NO_TARGET) if learned is None else learned.reasons
    return Point(model=card.tuned, **fields, reasons=reasons(fields, card.reasons | why))


def _matched_gains(
    base: Source, checkpoints: Sequence[Source], cards: Sequence[Scorecard], points: Sequence[Point]
) -> tuple[Matched, ...]:
    draws = joint_draws([pair(base, run).items for run in checkpoints])
    curves = [curve_draws(card, drawn) for card, drawn in zip(cards, draws, strict=True)]
    gains, kept = (np.array(side) for side in zip(*curves, strict=True))
    return tuple(_matched(level, points, gains, kept) for level in LEVELS)


def _name(run: Source) -> str:
    return run.record.checkpoint.name if isinstance(run, Run) else run.record.name


def _check_one_training(names: Sequence[str]) -> None:
    stems = [re.sub(r"[0-9]+(?=[^0-9]*\Z)", "", name) for name in names]
    other = next((name for name, stem in zip(names, stems, strict=True) if stem != stems[0]), None)
    if other is not None:
        raise refusal(
            f"{names[0]} and {other} do not look like checkpoints of one training (their names differ in more than "
            "their last number), and a line between two trainings is no curve; give --mixed if they are"
        )


def retention_at(level: float, gains: Floats, retentions: Floats) -> Floats:
    """Retention at normalised gain ``level`` by linear interpolation, NaN where the curve never reaches it.

    ``gains`` and ``retentions`` are checkpoints x curves, the base (0, 1) left out; a curve that is not monotone is
    read where it first reaches the level in training order (METRICS.md, "Trajectories and studies"). ``level`` is above
    0.
    """
    curves = gains.shape[1]
    x = np.vstack([np.zeros(curves), gains])
    y = np.vstack([np.ones(curves), retentions])
    there = x >= level
    first = there.argmax(axis=0)
    columns = np.arange(curves)
    after, before = np.where(first, first, 1), np.where(first, first - 1, 0)
    low, high = x[before, columns], x[after, columns]
    share = np.divide(level - low, high - low, out=np.zeros(curves), where=there.any(axis=0) & np.isfinite(low))
    found: Floats = y[before, columns] + share * (y[after, columns] - y[before, columns])
    return np.where(there.any(axis=0), found, np.nan)


@dataclass(frozen=True)
class Draws:
    """Resampled means of one task, kept so that numbers along a curve get joint intervals."""

    base: Floats
    tuned: Floats
    corrected_base: Floats
    corrected_tuned: Floats

    @property
    def delta(self) -> Floats:
        return self.tuned - self.base


def curve_draws(card: Scorecard, drawn: Mapping[str, Draws]) -> tuple[Floats, Floats]:
    """Normalised gain and retention_macro of one checkpoint in each resample.

    A resample whose base solves all items has nothing to gain, and reaches no level: its gain is -inf. Retention is
    drawn as the mean of the groups' ratios, whose error is that of the one-sided form, about the latter; NaN where the
    checkpoint has none.
    """
    names = card.learned.tasks
    before = np.mean([drawn[name].base for name in names], axis=0)
    gain = np.mean([drawn[name].delta for name in names], axis=0)
    normalised: Floats = np.divide(gain, 1 - before, out=np.full_like(gain, -np.inf), where=before < 1)
    if card.retention_macro is None or card.retention_ratio is None:
        return normalised, np.full_like(gain, np.nan)
    groups = [group.tasks for group in card.groups.values() if group.retention is not None]
    ratios = np.mean([_ratio([(card.tasks[name].n, drawn[name]) for name in tasks]) for tasks in groups], axis=0)
    kept: Floats = ratios + (card.retention_macro - card.retention_ratio)
    return normalised, kept


def _ratio(tasks: Sequence[tuple[int, Draws]]) -> Floats:
    """The ratio of the sums over a group's tasks in each resample."""
    after: Floats = np.sum([n * draws.corrected_tuned for n, draws in tasks], axis=0)
    before: Floats = np.sum([n * draws.corrected_base for n, draws in tasks], axis=0)
    return after / before


def _base_point(card: Scorecard) -> Point:
    """The base itself, from the card of its first checkpoint: what that has no number for, the base has none for."""
    macro, learned = card.retention_macro, card.target
    normalised = None if learned is None else learned.normalised_gain
    fields: dict[str, Any] = {
        "gain": None if learned is None else 0.0,
        "gain_ci": None if learned is None else (0.0, 0.0),
        "normalised_gain": None if normalised is None else 0.0,
        "retention_macro": None if macro is None else 1.0,
        "retention_macro_ci": None if macro is None else (1.0, 1.0),
        "balance": None if macro is None or normalised is None else 0.0,
    }
    undefined = NO_TARGET if learned is None else "not defined for any checkpoint"
    why = {**dict.fromkeys(fields, "not defined for any checkpoint"), **dict.fromkeys((*_GAINS, "balance"), undefined)}
    return Point(model=card.base, **fields, reasons=reasons(fields, why))


def _matched(level: float, points: Sequence[Point], gains: Floats, kept: Floats) -> Matched:
    curve = [(p.normalised_gain, p.retention_macro) for p in points[1:]]
    fields: dict[str, Any] = {"retention_macro": None, "retention_macro_ci": None, "between": None}
    why = dict.fromkeys(fields, "not every checkpoint has a retention, or the base leaves nothing to gain")
    known = [(x, y) for x, y in curve if x is not None and y is not None]
    if len(known) == len(curve):
        x, y = np.array(known).T
        found = retention_at(level, x[:, None], y[:, None])[0]
        drawn = retention_at(level, gains, kept)
        reached = drawn[~np.isnan(drawn)]
        why = {
            **dict.fromkeys(("retention_macro", "between"), "no checkpoint reaches this gain"),
            "retention_macro_ci": f"{share(len(reached) / len(drawn))} of the resampled curves reach this gain",
        }
        if not np.isnan(found):
            fields["retention_macro"] = float(found)
            fields["between"] = _between(level, x)
            # With fewer, the limits would be those of the lucky resamples.
            if len(reached) >= (1 - statistics.ALPHA) * len(drawn):
                fields["retention_macro_ci"] = statistics.interval(reached)
    ends = fields["between"]
    gap = ends is not None and ends[1] - ends[0] > WIDEST_STEP
    return Matched(normalised_gain=level, gap=gap, **fields, reasons=reasons(fields, why))


def _between(level: float, gains: Floats) -> tuple[float, float]:
    """The gains of the checkpoints before and at which the curve first reaches ``level``; that of the base is 0."""
    at = int(np.argmax(gains >= level))
    return (float(gains[at - 1]) if at else 0.0), float(gains[at])


def joint_draws(items: Sequence[pd.DataFrame]) -> list[dict[str, Draws]]:
    """The bootstrap draws of each checkpoint, all over the same resampled items, so that a curve is drawn whole."""
    found: list[dict[str, Draws]] = [{} for _ in items]
    by_task = [dict(list(frame.groupby("task"))) for frame in items]
    for name, first in by_task[0].items():
        guess, repeats = one_answer(first)["guess_rate"].to_numpy(dtype=float), repeats_of(first)
        sides = [
            by_item(side, repeats) for side in (correct(first)[0], *(correct(frames[name])[1] for frames in by_task))
        ]
        values = np.column_stack([*sides, *(corrected_items(side, guess) for side in sides)])
        means = statistics.resample(values, str(name), cluster_labels(first)).T
        scores, corrected = means[: len(sides)], means[len(sides) :]
        for place, drawn in enumerate(found, start=1):
            drawn[str(name)] = Draws(scores[0], scores[place], corrected[0], corrected[place])
    return found
