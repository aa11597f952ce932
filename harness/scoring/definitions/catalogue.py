"""Catalogue: all definitions by name, in the order in which they are read, and how one is found."""

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from harness.errors import RetentionError
from harness.scoring.definitions import certainty, diagnostics, forgetting, learning, notation, one_number, studies
from harness.scoring.definitions.metric import Metric, Section

_MODULES = (notation, learning, forgetting, one_number, certainty, diagnostics, studies)

METRICS: Mapping[str, Metric] = MappingProxyType(
    {metric.name: metric for module in _MODULES for metric in module.METRICS}
)

# The sections in their order: title, and what all their definitions are about.
SECTIONS: Mapping[Section, tuple[str, str]] = MappingProxyType(
    {
        "notation": (
            "Notation",
            "How items and answers are written in the formulas; 1[1->0] is 1 on a forgotten item and 0 elsewhere.",
        ),
        "learning": ("Learning", "On the family that the checkpoint was tuned for; each of its tasks weighs the same."),
        "forgetting": (
            "Forgetting",
            "On every other task of the suite, one by one. Tasks that training on the target is known to move are "
            "listed apart.",
        ),
        "summary": (
            "One number",
            "When a rank is demanded. Always shown with its parts: gains cancel losses in a mean.",
        ),
        "statistics": ("Statistics", "How sure a number is. Paired, always: both answers to one item stay together."),
        "diagnostics": (
            "Why",
            "Diagnostics that an author may send with an entry, and checks of the answers; shown beside the numbers, "
            "in none of them.",
        ),
        "studies": ("Trajectories and studies", "Checkpoints of one training run, and several trainings compared."),
    }
)

_BY_FIELD: Mapping[str, Metric] = {field: metric for metric in METRICS.values() for field in metric.fields}


def metric_of(part: str, field: str) -> Metric | None:
    """The metric that ``field`` of a document's ``part`` holds (``TaskScore``, ``delta``), None where it is another
    thing."""
    return _BY_FIELD.get(f"{part}.{field}")


def find_metric(name: str) -> Metric:
    """The definition called ``name``: its name, title, symbol or the field of a document, however it is spelled.

    ``RetentionError`` where there is none, with what may have been meant.
    """
    names = _spellings()
    found = names.get(_folded(name))
    if found is None:
        near = difflib.get_close_matches(_folded(name), names, n=3, cutoff=0.6)
        meant = ", ".join(dict.fromkeys(names[each].name for each in near))
        hint = f"did you mean {meant}? `retention metrics` lists all" if meant else "`retention metrics` lists all"
        raise RetentionError(f"{name[:60]!r}: no such metric; {hint}")
    return found


def _spellings() -> dict[str, Metric]:
    """Every way to call a metric; where two share one, the first name wins over titles, titles over fields."""
    found: dict[str, Metric] = {}
    for metric in METRICS.values():
        found.setdefault(_folded(metric.name), metric)
    for metric in METRICS.values():
        for each in (metric.title, metric.symbol, *metric.fields, *(key.split(".")[1] for key in metric.fields)):
            found.setdefault(_folded(each), metric)
    found.pop("", None)
    return found


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_").replace(" ", "_").strip("_")
