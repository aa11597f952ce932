"""Page: all definitions in Markdown, which is METRICS.md of this wing."""

from harness.scoring.definitions.catalogue import METRICS, SECTIONS

_INTRODUCTION = """\
# Metrics

What every number means: formula, range, and where it comes from. Printed from the definitions in
[definitions/](definitions/) by `retention metrics --markdown`; `retention metrics NAME` prints one of them. What the
definitions leave open is in [README.md](README.md).

An item is right (1) or not (0), so between base and tuned it does one of four things:

| transition | base | tuned | count |
|---|---|---|---|
| learned | wrong | right | n01 |
| kept | right | right | n11 |
| forgotten | right | wrong | n10 |
| never | wrong | wrong | n00 |

Rates and changes are stored as fractions, and shown in per cent and in points. A number that is
not defined is null, with its reason beside it.
"""


def metrics_page() -> str:
    """All definitions, section by section, as one page in Markdown."""
    parts = [_INTRODUCTION]
    for section, (title, about) in SECTIONS.items():
        parts.append(f"## {title}\n\n{about}\n")
        parts += [metric.to_markdown() for metric in METRICS.values() if metric.section == section]
    return "\n".join(parts)
