"""Macros of the site's templates, rendered by themselves."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from leaderboard.site.pages import _environment

TEMPLATES = Path(__file__).parents[2] / "site" / "templates"
SVG = "{http://www.w3.org/2000/svg}"


def rendered(source: str, **context: Any) -> str:
    """What ``source`` becomes, with the filters and functions of the site."""
    return _environment(TEMPLATES).from_string(source).render(root="../", **context)


def drawing(source: str, **context: Any) -> ElementTree.Element:
    """The one drawing that ``source`` becomes, as XML."""
    text = rendered(source, **context).strip().replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return ElementTree.fromstring(re.sub("&nbsp;", "\u00a0", text))


def links(svg: ElementTree.Element) -> list[str]:
    return [each.get("href", "") for each in svg.iter(f"{SVG}a")]


def titles(svg: ElementTree.Element) -> list[str]:
    """What is said of each link when it is pointed at."""
    return [each.findtext(f"{SVG}title", "") for each in svg.iter(f"{SVG}a")]
