"""Page: one pair's report as a single HTML file. No script, no request, light and dark."""

from typing import TYPE_CHECKING

from harness.report.flips import flipped_items
from harness.report.forest import TEMPLATES, forest_of
from harness.report.palette import style_tokens
from harness.scoring import Scorecard, Source, alarm_groups, headline, wording

if TYPE_CHECKING:
    from jinja2 import Environment


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
    for name in ("points", "per_cent", "share", "point_interval", "rate_interval", "finding", "p_value", "printable",
                 "nats", "rests_on"):  # fmt: skip
        made.filters[name] = getattr(wording, name)
    made.globals["tokens"] = Markup(style_tokens())  # noqa: S704 - our own constants
    return made
