"""Page: one pair's report as a single HTML file. No script, no request, light and dark."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from harness.report.flips import flipped_items
from harness.report.forest import TEMPLATES, forest_of
from harness.report.palette import style_tokens
from harness.scoring import Scorecard, Source, alarm_groups, headline, per_cent, points, wording

if TYPE_CHECKING:
    from jinja2 import Environment

# A hyphen that stands for a minus: before a figure, and not within a word or a name.
_HYPHEN = re.compile(r"(?<![\w.-])-(?=\d)")


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
            headline=headline(card, lambda change: minus(points(change))),
            conditions=wording.conditions(card),
            prompting=wording.prompting(card),
            order=order,
            said=wording.SAID,
            kept=wording.kept,
            learned=[*card.tasks_of("target"), *card.tasks_of("transfer")],
            apart=[("prior", card.prior_tasks), ("adjacent", card.tasks_of("adjacent"))],
            forest=forest_of(card),
            alarms=alarm_groups(card),
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
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for name in ("p_value", "printable", "nats", "rests_on"):
        made.filters[name] = getattr(wording, name)
    for name in ("points", "per_cent", "point_interval", "rate_interval", "finding"):
        made.filters[name] = _with_minus(getattr(wording, name))
    made.filters.update(minus=minus, share=_share)
    made.globals["tokens"] = Markup(style_tokens())  # noqa: S704 - our own constants
    return made


def minus(text: str) -> str:
    """Figures of a terminal as a page writes them: with a true minus."""
    return _HYPHEN.sub("\N{MINUS SIGN}", text)


def _with_minus(write: Callable[..., str]) -> Callable[..., str]:
    def written(*arguments: Any) -> str:
        return minus(write(*arguments))

    return written


def _share(rate: float | None) -> str:
    """A rate with its sign: 83.2 %; what is absent has none."""
    return per_cent(rate) if rate is None else f"{minus(per_cent(rate))} %"
