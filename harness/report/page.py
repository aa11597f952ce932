"""Page: one pair's report as a single HTML file. No script, no request, light and dark."""

import math
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.report import wording
from harness.samples import Run
from harness.scoring import transitions
from harness.scoring.scorecard import Scorecard

MAX_FLIPS = 40
MAX_OUTPUT = 2000
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_MAX_TICKS = 7


def render(card: Scorecard, base: Run, tuned: Run) -> str:
    """The report of one pair as self-contained HTML; the same bytes for the same pair.

    Everything from a run (names, outputs) is hostile text: escaped by the template, control characters made visible,
    and a policy in the page forbids any script or request. At most ``MAX_FLIPS`` flipped items a task are listed, and
    the page says how many there were.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for name in ("points", "per_cent", "point_interval", "rate_interval", "p_value", "printable"):
        environment.filters[name] = getattr(wording, name)
    return environment.get_template("pair.html.j2").render(
        card=card,
        headline=wording.headline(card),
        order=(*card.target.tasks, *card.prior_tasks),
        axis=_axis(card),
        flips=_flips(card, base, tuned),
        max_output=MAX_OUTPUT,
    )


class _Axis:
    """A linear scale of changes, from rate to per cent of the drawing's width, with round ticks."""

    def __init__(self, low: float, high: float) -> None:
        step = next((s for s in _STEPS if (high - low) / s <= _MAX_TICKS - 1), _STEPS[-1])
        self.low, self.high = math.floor(low / step) * step, math.ceil(high / step) * step
        self.ticks = [self.low + k * step for k in range(round((self.high - self.low) / step) + 1)]

    def at(self, change: float) -> float:
        return round((change - self.low) / (self.high - self.low) * 100, 3)


def _axis(card: Scorecard) -> _Axis:
    ends = [end for task in card.prior_tasks.values() for end in task.delta_ci]
    return _Axis(min([*ends, -2 * card.margin]), max([*ends, 2 * card.margin]))


def _flips(card: Scorecard, base: Run, tuned: Run) -> list[dict[str, Any]]:
    """Flipped items by task, forgotten before learned, in a fixed order."""
    items = transitions(base, tuned)
    flipped = items[items["transition"].isin(("forgotten", "learned"))].sort_values(["task", "transition", "item_id"])
    found = []
    for name in (*card.target.tasks, *card.prior_tasks):
        rows = flipped[flipped["task"] == name]
        if len(rows):
            shown = [_flip(row) for row in rows.head(MAX_FLIPS).to_dict("records")]
            found.append({"task": name, "total": len(rows), "shown": shown})
    return found


def _flip(row: dict[str, Any]) -> dict[str, Any]:
    sides = {
        side: {
            "outcome": row[f"{side}_outcome"],
            "output": wording.printable(row[f"{side}_output"][:MAX_OUTPUT]),
            "cut": len(row[f"{side}_output"]) > MAX_OUTPUT,
        }
        for side in ("base", "tuned")
    }
    return {"item_id": row["item_id"][:12], "transition": row["transition"], **sides}
