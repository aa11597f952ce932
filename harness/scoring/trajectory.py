"""Trajectory: checkpoints of one training run, from its base on: what was kept at how much learned.

The fair way to compare a method that takes 200 steps with one that takes 27,000 (METRICS.md, "Trajectories and
studies").
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from harness.errors import RetentionError
from harness.records import SuiteRecord
from harness.scoring import statistics
from harness.scoring.knowledge import corrected_items
from harness.scoring.pairing import Source, pair, refusal
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
from harness.scoring.summary import score_groups
from harness.scoring.task_scores import Draws, cluster_labels, correct, reasons
from harness.scoring.transitions import Floats

LEVELS = (0.25, 0.5, 0.75)
LEAST_RUNS = 3


class Point(Reasoned):
    """One checkpoint on the curve; the base is the first, with gain 0 and everything kept."""

    model: ModelIdentity
    gain: Change
    gain_ci: Interval
    normalised_gain: Number | None
    retention_macro: Rate | None
    retention_macro_ci: Interval | None
    balance: Rate | None


class Matched(Reasoned):
    """Retention where the curve first reaches a normalised gain, by linear interpolation between checkpoints."""

    normalised_gain: Rate
    retention_macro: Rate | None
    retention_macro_ci: Interval | None


class Trajectory(Strict):
    """The curve of one training run, in the order of training."""

    schema_version: Literal[1] = 1
    suite: SuiteRecord
    target: str
    provenance: Provenance
    points: tuple[Point, ...]
    matched: tuple[Matched, ...]

    def to_json(self) -> str:
        """The document as indented JSON with a final newline: the same bytes for the same runs."""
        return self.model_dump_json(indent=2) + "\n"


def score_trajectory(runs: Sequence[Source], target: str) -> Trajectory:
    """Score each checkpoint of a training run against its base, the first of ``runs``; the rest in training order.

    Raises ``RetentionError`` for fewer than three runs and ``CheckFailedError`` when one is named twice or may not be
    compared with the base (METRICS.md, "Trajectories and studies").
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
    cards = [score_pair(base, run, target) for run in checkpoints]
    draws = joint_draws([pair(base, run).items for run in checkpoints])
    gains, kept = [], []
    for card, drawn in zip(cards, draws, strict=True):
        gain, retention = curve_draws(card, drawn)
        gains.append(gain)
        kept.append(retention)
    points = [_base_point(ModelIdentity.of(base.record), cards[0].retention_macro, cards[0].learned.normalised_gain)]
    for card in cards:
        fields: dict[str, Any] = {
            "normalised_gain": card.learned.normalised_gain,
            "retention_macro": card.retention_macro,
            "retention_macro_ci": card.retention_macro_ci,
            "balance": card.balance,
        }
        why = card.reasons | card.learned.reasons
        points.append(
            Point(
                model=card.tuned,
                gain=card.learned.gain,
                gain_ci=card.learned.gain_ci,
                **fields,
                reasons=reasons(fields, why),
            )
        )
    return Trajectory(
        suite=cards[0].suite,
        target=target,
        provenance=cards[0].provenance,
        points=tuple(points),
        matched=tuple(_matched(level, points, np.array(gains), np.array(kept)) for level in LEVELS),
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


def curve_draws(card: Scorecard, drawn: Mapping[str, Draws]) -> tuple[Floats, Floats]:
    """Normalised gain and retention_macro of one checkpoint in each resample.

    A resample whose base solves all items has nothing to gain, and reaches no level: its gain is -inf. Retention is NaN
    where no prior task has one.
    """
    names = card.learned.tasks
    before = np.mean([drawn[name].base for name in names], axis=0)
    gain = np.mean([drawn[name].delta for name in names], axis=0)
    normalised: Floats = np.divide(gain, 1 - before, out=np.full_like(gain, -np.inf), where=before < 1)
    groups, group_draws = score_groups(card.tasks, drawn)
    defined = [group_draws[name] for name, group in groups.items() if group.retention is not None]
    kept: Floats = np.mean(defined, axis=0) if defined else np.full_like(gain, np.nan)
    return normalised, kept


def _base_point(base: ModelIdentity, macro: float | None, normalised: float | None) -> Point:
    fields: dict[str, Any] = {
        "normalised_gain": None if normalised is None else 0.0,
        "retention_macro": None if macro is None else 1.0,
        "retention_macro_ci": None if macro is None else (1.0, 1.0),
        "balance": None if macro is None or normalised is None else 0.0,
    }
    undefined = "not defined for any checkpoint"
    return Point(
        model=base, gain=0.0, gain_ci=(0.0, 0.0), **fields, reasons=reasons(fields, dict.fromkeys(fields, undefined))
    )


def _matched(level: float, points: Sequence[Point], gains: Floats, kept: Floats) -> Matched:
    curve = [(p.normalised_gain, p.retention_macro) for p in points[1:]]
    fields: dict[str, Any] = {"retention_macro": None, "retention_macro_ci": None}
    why = dict.fromkeys(fields, "no prior task has a defined retention, or the base leaves nothing to gain")
    known = [(x, y) for x, y in curve if x is not None and y is not None]
    if len(known) == len(curve):
        x, y = np.array(known).T
        found = retention_at(level, x[:, None], y[:, None])[0]
        drawn = retention_at(level, gains, kept)
        reached = drawn[~np.isnan(drawn)]
        why = {
            "retention_macro": "no checkpoint reaches this gain",
            "retention_macro_ci": f"{len(reached) / len(drawn):.1%} of the resampled curves reach this gain",
        }
        if not np.isnan(found):
            fields["retention_macro"] = float(found)
            # With fewer, the limits would be those of the lucky resamples.
            if len(reached) >= (1 - statistics.ALPHA) * len(drawn):
                fields["retention_macro_ci"] = statistics.interval(reached)
    return Matched(normalised_gain=level, **fields, reasons=reasons(fields, why))


def joint_draws(items: Sequence[pd.DataFrame]) -> list[dict[str, Draws]]:
    """The bootstrap draws of each checkpoint, all over the same resampled items, so that a curve is drawn whole."""
    found: list[dict[str, Draws]] = [{} for _ in items]
    by_task = [dict(list(frame.groupby("task"))) for frame in items]
    for name, first in by_task[0].items():
        guess = first["guess_rate"].to_numpy(dtype=float)
        sides = [correct(first)[0], *(correct(frames[name])[1] for frames in by_task)]
        values = np.column_stack([*sides, *(corrected_items(side, guess) for side in sides)])
        means = statistics.resample(values, str(name), cluster_labels(first)).T
        scores, corrected = means[: len(sides)], means[len(sides) :]
        for place, drawn in enumerate(found, start=1):
            drawn[str(name)] = Draws(scores[0], scores[place], corrected[0], corrected[place])
    return found
