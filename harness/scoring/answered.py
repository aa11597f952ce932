"""Answered: what both sides of a pair answered, cut into tasks once for all that asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.records import Outcome
from harness.scoring.transitions import Bools, Floats

_SIDES = ("base", "tuned")


@dataclass(frozen=True)
class Answered:
    """The answers to the items of one task, those to one item one after the other; pairs are (base, tuned).

    ``items`` has them as :class:`~harness.scoring.pairing.Pair` has; ``said`` is what was extracted, no text where
    nothing was.
    """

    items: pd.DataFrame
    family: str
    group: str
    guess_rate: Floats
    unparsed: tuple[Bools, Bools]
    off_list: tuple[Bools, Bools]
    truncated: tuple[Bools, Bools]
    score: tuple[Floats, Floats]
    said: tuple[Sequence[Any], Sequence[Any]]


def by_task(items: pd.DataFrame) -> dict[str, Answered]:
    """The tasks of ``Pair.items`` by name, in the order of their names.

    Columns are compared whole, before they are cut: a comparison costs more than the rows it looks at.
    """
    columns = {
        "unparsed": [(items[f"{side}_outcome"] == Outcome.UNPARSED).to_numpy(dtype=bool) for side in _SIDES],
        "off_list": [items[f"{side}_off_list"].to_numpy(dtype=bool) for side in _SIDES],
        "truncated": [(items[f"{side}_finish_reason"] == "length").to_numpy(dtype=bool) for side in _SIDES],
        "score": [items[f"{side}_score"].to_numpy(dtype=float) for side in _SIDES],
        "said": [items[f"{side}_extracted"].to_numpy().tolist() for side in _SIDES],
    }
    family, group = (items[column].to_numpy() for column in ("family", "group"))
    guess_rate = items["guess_rate"].to_numpy(dtype=float)
    return {
        name: Answered(
            items.iloc[place],
            str(family[place.start]),
            str(group[place.start]),
            guess_rate[place],
            **{column: (base[place], tuned[place]) for column, (base, tuned) in columns.items()},
        )
        for name, place in places(items).items()
    }


def places(items: pd.DataFrame) -> dict[str, slice]:
    """Where each task lies in a table that is sorted by task."""
    tasks, names = pd.factorize(items["task"])
    starts = np.searchsorted(tasks, np.arange(len(names) + 1))
    return {str(name): slice(int(starts[at]), int(starts[at + 1])) for at, name in enumerate(names)}
