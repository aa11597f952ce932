"""Recipes: entries of a track that differ in their seed alone, read as one row whose marks are the seeds.

A recipe is named from the fields of the manifest. Its mean is over seeds, with Student's interval where there are at
least three; whether the seeds agree is tested by Cochran's Q (Cochran 1954, "The combination of estimates from
different experiments", Biometrics 10) over the seeds' own intervals.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from scipy.special import chdtrc, stdtrit

from harness.items import canonical_json
from harness.scoring import ALPHA
from leaderboard.board.board import Row, Track
from leaderboard.documents import AdapterRef, Manifest
from leaderboard.numbers import number

# An interval over fewer seeds than these says next to nothing.
LEAST_SEEDS = 3
# What does not make it another recipe: the seed, and what follows from it or describes it.
_OF_A_SEED = ("seeds", "summary", "tokens")
_Z95 = 1.959964


@dataclass(frozen=True)
class SeedMean:
    """The mean of a number over the seeds of a recipe.

    ``interval`` is Student's 95 % over seeds, None below three; ``disagree_p`` is Cochran's Q test that all seeds have
    one value, None with one seed or without intervals.
    """

    mean: float
    seeds: int
    interval: tuple[float, float] | None
    disagree_p: float | None

    @property
    def disagree(self) -> bool:
        return self.disagree_p is not None and self.disagree_p < ALPHA


@dataclass(frozen=True)
class Recipe:
    """Entries of one track that differ in their seed alone, in the order of the track (best first).

    ``gain`` and ``retention`` are means over seeds of the shares in [0, 1]; ``retention`` is None where no seed has
    one.
    """

    slug: str
    name: str
    rows: tuple[Row, ...]
    gain: SeedMean
    retention: SeedMean | None

    @property
    def manifest(self) -> Manifest:
        """The statements that all its entries share."""
        return self.rows[0].manifest

    @property
    def weights(self) -> str:
        """Which weights were trained: ``full``, or ``LoRA`` with its rank."""
        return weights(self.manifest)

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of its entries, as far as they are stated."""
        return tuple(seed for row in self.rows for seed in row.manifest.method.seeds or [])


def recipes(track: Track) -> tuple[Recipe, ...]:
    """The recipes of ``track``, in the order of their best entries.

    Entries whose seed is not stated are recipes of their own: nothing says that only a seed tells them apart.
    """
    found: dict[str, list[Row]] = {}
    for row in track.rows:
        found.setdefault(_key(row), []).append(row)
    names = _distinct([_name(rows) for rows in found.values()], list(found.values()))
    return tuple(
        Recipe(
            slug=f"recipe-{hashlib.sha256(key.encode()).hexdigest()[:8]}",
            name=name,
            rows=tuple(rows),
            gain=_over_seeds([(row.card.learned.gain, row.card.learned.gain_ci) for row in rows]),
            retention=_retention(rows),
        )
        for name, (key, rows) in zip(names, found.items(), strict=True)
    )


def weights(manifest: Manifest) -> str:
    """Which weights a fine-tune trained: ``full``, or ``LoRA`` with its rank where that is stated."""
    rank = manifest.method.lora_rank
    if rank is not None:
        return f"LoRA r{rank}"
    return manifest.tuned.adapter_type if isinstance(manifest.tuned, AdapterRef) else "full"


def _key(row: Row) -> str:
    manifest = row.manifest
    if not manifest.method.seeds:
        return row.entry_id
    method = manifest.method.model_dump(mode="json", exclude=set(_OF_A_SEED))
    data = [each.model_dump(mode="json") for each in manifest.training_data]
    facts = [manifest.contact.handle, method, weights(manifest), data]
    return canonical_json(facts).decode("utf-8")


def _name(rows: Sequence[Row]) -> str:
    method = rows[0].manifest.method
    said = [method.algorithm or method.family.upper().replace("-ON-ROLLOUTS", " on rollouts")]
    if (trained := weights(rows[0].manifest)) != "full":
        said.append(trained)
    if method.learning_rate is not None:
        said.append(f"lr {number(method.learning_rate)}")
    if method.replay and "replay" not in said[0].lower():
        said.append("with replay")
    if len(rows) > 1:
        said.append(f"{len(rows)} seeds")
    return " · ".join(said)


def _distinct(names: list[str], groups: list[list[Row]]) -> list[str]:
    """Names made distinct by steps, author and name of the model, the first of these that does it."""
    told = list(names)
    for more in (
        lambda row: f"{row.manifest.method.steps} steps" if row.manifest.method.steps else "",
        lambda row: f"by {row.manifest.contact.handle}",
        lambda row: row.name,
    ):
        twice = {name for name in told if told.count(name) > 1}
        told = [
            f"{name} · {said}" if name in twice and (said := more(rows[0])) else name
            for name, rows in zip(told, groups, strict=True)
        ]
    return told


def _retention(rows: Sequence[Row]) -> SeedMean | None:
    known = [
        (row.card.retention_macro, row.card.retention_macro_ci) for row in rows if row.card.retention_macro is not None
    ]
    return _over_seeds(known) if known else None


def _over_seeds(values: Sequence[tuple[float, tuple[float, float] | None]]) -> SeedMean:
    found = np.array([value for value, _ in values])
    mean, seeds = float(found.mean()), len(found)
    interval = None
    if seeds >= LEAST_SEEDS:
        half = float(stdtrit(seeds - 1, 1 - ALPHA / 2)) * float(found.std(ddof=1)) / sqrt(seeds)
        interval = (mean - half, mean + half)
    return SeedMean(mean, seeds, interval, _heterogeneity(values))


def _heterogeneity(values: Sequence[tuple[float, tuple[float, float] | None]]) -> float | None:
    """p of Cochran's Q with k - 1 degrees of freedom; None with one seed, or where an interval is absent or a point."""
    intervals = [interval for _, interval in values]
    if len(values) < 2 or any(each is None or each[1] <= each[0] for each in intervals):
        return None
    found = np.array([value for value, _ in values])
    weight = np.array([(2 * _Z95 / (each[1] - each[0])) ** 2 for each in intervals if each is not None])
    q = float((weight * (found - (weight * found).sum() / weight.sum()) ** 2).sum())
    return float(chdtrc(len(values) - 1, q))
