"""Curves: entries that are checkpoints of one training run, and what was retained where runs had gained the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.scoring import LEVELS, retention_at
from leaderboard.board import Row, Track
from leaderboard.documents import Method
from leaderboard.numbers import learning_rate, number
from leaderboard.site.views import METHODS

# Of one training run, checkpoints differ in how far they got and in what is said about that: the last one alone is of a
# named recipe.
_PROGRESS = ("steps", "tokens", "rollouts", "summary", "recipe")
_LEAST_CHECKPOINTS = 3
# What tells runs of one method apart, in the words of a label; the seed does not make it another method.
_APART: tuple[Callable[[Method], str], ...] = (
    lambda method: "" if method.learning_rate is None else f"lr {learning_rate(method.learning_rate)}",
    lambda method: "" if method.kl_coefficient is None else f"KL {number(method.kl_coefficient)}",
    lambda method: "" if method.lora_rank is None else f"LoRA {method.lora_rank}",
    lambda method: "with replay" if method.replay else "",
)


@dataclass(frozen=True)
class Curve:
    """Checkpoints of one training run in training order; ``matched`` is retention at each of ``LEVELS`` of normalised
    gain, linearly between checkpoints and from the base on, None where the curve never gets there.

    ``label`` says the method and what tells it from the other runs of the track; seeds of one recipe share it.
    """

    label: str
    rows: tuple[Row, ...]
    matched: tuple[float | None, ...]


def curves(track: Track) -> tuple[Curve, ...]:
    """Entries of a track that are points of one training run, as far as their manifests say so.

    They are those of one account with one method and one set of training data, every field alike but how far they got,
    at different numbers of steps.
    """
    found: dict[str, list[Row]] = {}
    for row in track.rows:
        manifest = row.manifest
        if manifest.method.steps is None or row.card.retention_macro is None:
            continue
        method = manifest.method.model_copy(update=dict.fromkeys(_PROGRESS))
        data = [each.model_dump_json() for each in manifest.training_data]
        found.setdefault(f"{_account(row)} {method.model_dump_json()} {data}", []).append(row)
    ordered = [sorted(rows, key=_steps) for rows in found.values()]
    runs = [rows for rows in ordered if len({_steps(row) for row in rows}) == len(rows) >= _LEAST_CHECKPOINTS]
    made = [
        Curve(label, tuple(rows), _matched(rows))
        for label, rows in zip(labels([rows[0].manifest.method for rows in runs]), runs, strict=True)
    ]
    # Runs of one recipe beside each other, the recipes in the order in which the track has their best entries.
    order = list(dict.fromkeys(curve.label for curve in made))
    return tuple(sorted(made, key=lambda curve: (order.index(curve.label), curve.rows[0].manifest.method.seeds or [])))


def labels(methods: Sequence[Method]) -> list[str]:
    """A label for each method: its algorithm or family, and the settings in which those of that name differ."""
    names = [method.algorithm or METHODS[method.family][0] for method in methods]
    said = []
    for name, method in zip(names, methods, strict=True):
        alike = [other for other_name, other in zip(names, methods, strict=True) if other_name == name]
        apart = [say(method) for say in _APART if len({say(other) for other in alike}) > 1]
        said.append(", ".join([name, *filter(None, apart)]))
    return said


def _account(row: Row) -> str:
    """Whose entry it is: by its ledger, which binds it to the account that submitted it."""
    submitted = row.state.submitted
    return (row.manifest.contact.handle if submitted is None else submitted.contact).casefold()


def _steps(row: Row) -> int:
    return row.manifest.method.steps or 0


def _matched(rows: list[Row]) -> tuple[float | None, ...]:
    gains = np.array([[row.card.learned.normalised_gain or 0.0] for row in rows])
    kept = np.array([[row.card.retention_macro or 0.0] for row in rows])
    at = [float(retention_at(level, gains, kept)[0]) for level in LEVELS]
    return tuple(None if np.isnan(value) else value for value in at)
