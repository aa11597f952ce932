"""Facets: by what the rows of the board are filtered, and which values a recipe or an entry has of each.

A value is a word without spaces that stands in an attribute of the row and in the address of the view; its label is
what a reader sees.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leaderboard.board import Row
from leaderboard.board.recipes import weights
from leaderboard.documents import Manifest, clean
from leaderboard.ledger import Evidence
from leaderboard.numbers import learning_rate
from leaderboard.site.views import METHODS, slug

# "0.5B", "7B" or "350M", as models say it in their names.
_SIZE = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?[BM])(?![A-Za-z0-9])", re.IGNORECASE)
_MONTH = len("2026-11")

Values = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Facet:
    """One filter: ``options`` are (value, label, number of rows that have it)."""

    name: str
    label: str
    options: tuple[tuple[str, str, int], ...]


def values(rows: Sequence[Row]) -> Values:
    """What the entries ``rows`` of one recipe have of each facet, each value once; a facet that says nothing of them
    is left out."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for facet, value in _of(row).items():
            if value:
                found.setdefault(facet, {})[value] = None
    return {facet: tuple(each) for facet, each in found.items()}


def facets(groups: Iterable[Values], bases: Iterable[str] = ()) -> tuple[Facet, ...]:
    """The facets in which ``groups`` differ, with their options; ``bases`` are the names of the bases among them."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in _LABELS}
    for group in groups:
        for name, found in group.items():
            counts[name].update(found)
    names = {slug(base): clean(base, 60) for base in bases}
    return tuple(
        Facet(
            name,
            label,
            tuple((value, _label(name, value, names), counts[name][value]) for value in _ordered(name, counts[name])),
        )
        for name, label in _LABELS.items()
        if len(counts[name]) > 1
    )


def size(name: str) -> str | None:
    """The number of parameters that a model's name states, such as ``7B``; None where it states none."""
    found = _SIZE.findall(name.replace("_", "-"))
    return found[-1].upper() if found else None


_LABELS = {
    "method": "Method",
    "weights": "Weights",
    "replay": "Replay",
    "rate": "Learning rate",
    "base": "Base",
    "size": "Size",
    "evidence": "Evidence",
    "date": "Evaluated",
}


def _of(row: Row) -> dict[str, str | None]:
    manifest, method = row.manifest, row.manifest.method
    return {
        "method": method.family,
        "weights": _weights(manifest),
        "replay": "with" if method.replay else "none",
        "rate": learning_rate(method.learning_rate) if method.learning_rate is not None else None,
        "base": slug(manifest.base.name),
        "size": size(manifest.base.name),
        "evidence": str(row.evidence),
        "date": slug(row.created[:_MONTH]),
    }


def _weights(manifest: Manifest) -> str:
    trained = weights(manifest)
    return trained if trained == "full" else slug(trained.split(" ")[0].lower())


def _label(facet: str, value: str, bases: dict[str, str]) -> str:
    if facet == "method":
        return METHODS[value][0]
    if facet == "replay":
        return "with replay" if value == "with" else "none stated"
    if facet == "base":
        return bases.get(value, value)
    return "LoRA" if value == "lora" else value


def _ordered(facet: str, found: Iterable[str]) -> list[str]:
    if facet == "method":
        return sorted(found, key=list(METHODS).index)
    if facet == "rate":
        return sorted(found, key=float)
    if facet == "evidence":
        return sorted(found, key=lambda value: Evidence(value).rank)
    if facet == "size":
        return sorted(found, key=lambda value: float(value[:-1]) * (1000 if value.endswith("B") else 1))
    return sorted(found)
