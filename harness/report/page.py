"""Page: one pair's report as a single HTML file. No script, no request, light and dark."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report.flips import flipped_items
from harness.report.palette import style_tokens
from harness.scoring import Scorecard, Source, headline, wording

if TYPE_CHECKING:
    from jinja2 import Environment

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_MAX_TICKS = 7


def render_pair_page(card: Scorecard, base: Source, tuned: Source) -> str:
    """The report of one pair as self-contained HTML; the same bytes for the same pair.

    Everything from a run (names, outputs) is hostile text: escaped by the template, control characters made visible,
    and a policy in the page forbids any script or request. Every flipped item is listed; filters are radio buttons
    and style sheets, and what is closed or filtered away is not laid out, so that thousands stay usable.
    """
    order = wording.in_order(card)
    return (
        environment()
        .get_template("pair.html.j2")
        .render(
            card=card,
            headline=headline(card),
            conditions=wording.conditions(card),
            prompting=wording.prompting(card),
            order=order,
            said=wording.SAID,
            kept=wording.kept,
            learned=[*card.tasks_of("target"), *card.tasks_of("transfer")],
            apart=[("prior", card.prior_tasks), ("adjacent", card.tasks_of("adjacent"))],
            axis=_axis(card),
            flips=flipped_items(order, base, tuned),
            drawn=wording.drawn(card),
            passes=wording.passes(card),
            passes_title=wording.PASSES,
            pass_columns=wording.PASS_COLUMNS,
            notes=wording.notes(card),
            notes_title=wording.NOTES,
        )
    )


def environment() -> "Environment":
    """The templates of this folder: everything is escaped, and a name that is missing is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for name in (
        "points", "per_cent", "point_interval", "rate_interval", "p_value", "printable", "nats", "finding", "rests_on"
    ):  # fmt: skip
        made.filters[name] = getattr(wording, name)
    made.globals["tokens"] = Markup(style_tokens())  # noqa: S704 - our own constants
    return made


class Axis:
    """A linear scale of rates, to per cent of the drawing's width, with round ticks."""

    def __init__(self, low: float, high: float) -> None:
        step = next((s for s in _STEPS if (high - low) / s <= _MAX_TICKS - 1), _STEPS[-1])
        self.low, self.high = math.floor(low / step) * step, math.ceil(high / step) * step
        self.ticks = [self.low + k * step for k in range(round((self.high - self.low) / step) + 1)]

    def at(self, change: float) -> float:
        return round((change - self.low) / (self.high - self.low) * 100, 3)


def _axis(card: Scorecard) -> Axis:
    shown: Iterable[Any] = (task for task in card.tasks.values() if task.role in ("prior", "adjacent"))
    ends = [end for task in shown for end in task.delta_ci or ()]
    return Axis(min([*ends, -2 * card.margin]), max([*ends, 2 * card.margin]))
