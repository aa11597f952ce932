"""Pages of which there is one each."""

from __future__ import annotations

from collections.abc import Iterator

from leaderboard.site.pages import Pages
from leaderboard.site.units import File, Unit, single


def units(pages: Pages) -> Iterator[Unit]:
    for name in ("index", "metrics", "submit", "cite", "across", "withdrawn"):
        yield single(f"{name}.html")
    yield Unit(_changelog)
    if pages.studies:
        yield single("study.html")


def _changelog(pages: Pages) -> Iterator[File]:
    yield pages.page("changelog.html", "changelog.html", releases=pages.releases)
